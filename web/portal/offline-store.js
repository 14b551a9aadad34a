// What a terminal keeps, in IndexedDB: its keys, its leases and snapshot, its chain. A sale is one transaction that is on
// the disk before anybody is told; the next counter is taken in it, so two tabs cannot take the same.
"use strict";
offlineSale.store = (() => {
  const NAME = "rationing-offline";
  let opened = null;

  const database = () => {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("kept");
        asked.result.createObjectStore("receipts", { keyPath: "ctr" });
        asked.result.createObjectStore("sold", { autoIncrement: true });
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    return opened;
  };

  const told = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  const done = (transaction) => new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    transaction.onerror = () => reject(transaction.error);
  });

  const writing = async (stores, work) => {
    const transaction = (await database()).transaction(stores, "readwrite", { durability: "strict" });
    const ended = done(transaction);
    try {
      await work(transaction);
    } catch (error) {
      try { transaction.abort(); } catch { /* it ended by itself */ }
      await ended.catch(() => undefined);
      throw error;
    }
    await ended;
  };

  const get = async (name) => told((await database()).transaction("kept").objectStore("kept").get(name));
  const put = (name, value) => writing(["kept"], async (transaction) => { transaction.objectStore("kept").put(value, name); });
  const receipts = async () => told((await database()).transaction("receipts").objectStore("receipts").getAll());
  const sold = async () => told((await database()).transaction("sold").objectStore("sold").getAll());

  // The receipt, the chain's new end, what is left of the lease and who was served: all or nothing. `before` is the end of
  // the chain that the receipt points at; another end means that somebody else was quicker.
  const append = (before, receipt, chain, leases, sale) =>
    writing(["kept", "receipts", "sold"], async (transaction) => {
      const kept = transaction.objectStore("kept"), found = await told(kept.get("chain"));
      if (found.prev !== before.prev || found.counter !== before.counter) throw new Error("chain");
      transaction.objectStore("receipts").add(receipt);
      kept.put(chain, "chain");
      kept.put(leases, "leases");
      if (sale) transaction.objectStore("sold").add(sale);
    });

  const sent = (told) => writing(["receipts"], async (transaction) => {
    const store = transaction.objectStore("receipts");
    for (const receipt of told) store.put(receipt);
  });

  // What nobody needs: receipts the node has, from before `day`, and whom this device served longer ago than any window.
  const forget = async (day) => {
    const database_ = await database();
    const transaction = database_.transaction(["receipts", "sold"], "readwrite");
    const ended = done(transaction);
    for (const name of ["receipts", "sold"]) {
      transaction.objectStore(name).openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        if (cursor.value.day < day && (name === "sold" || cursor.value.isSent)) cursor.delete();
        cursor.continue();
      };
    }
    await ended;
  };

  return { append, forget, get, put, receipts, sent, sold };
})();
