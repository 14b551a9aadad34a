// Checks a receipt of a draw with WebCrypto alone: the way from the ticket to the list's root (RFC 6962), the seed made
// of root, randomness and nonces, and the way from the same ticket to the root of the order at its rank. No network, no
// page: text in, a report out. `drawCheck.check` throws `Refused` whose `reason` is a key of the words.
"use strict";
(() => {
  const MOST_CHARACTERS = 100_000, MOST_HASHES = 40, MOST_NONCES = 8;

  class Refused extends Error {
    constructor(reason) {
      super(reason);
      this.reason = reason;
    }
  }
  const refuse = (reason) => {
    throw new Refused(reason);
  };

  const bytes = (text, lengths) => {
    if (typeof text !== "string" || !/^([0-9a-f]{2})+$/.test(text)) refuse("shape");
    const raw = Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
    return lengths.includes(raw.length) ? raw : refuse("shape");
  };
  const hash = (text) => bytes(text, [32]);
  const hashes = (some, most) => (Array.isArray(some) && some.length <= most ? some.map(hash) : refuse("shape"));
  const whole = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : refuse("shape"));
  const hex = (raw) => Array.from(raw, (one) => one.toString(16).padStart(2, "0")).join("");
  const digest = async (...parts) => {
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  };

  // RFC 9162 s2.1.3.2
  const rootOf = async (leaf, index, count, path, reason) => {
    if (index >= count) refuse(reason);
    let place = index, last = count - 1, found = leaf;
    for (const beside of path) {
      if (last === 0) refuse(reason);
      if (place % 2 || place === last) {
        found = await digest([1], beside, found);
        while (place % 2 === 0 && place !== 0) {
          place = Math.floor(place / 2);
          last = Math.floor(last / 2);
        }
      } else found = await digest([1], found, beside);
      place = Math.floor(place / 2);
      last = Math.floor(last / 2);
    }
    return last === 0 ? hex(found) : refuse(reason);
  };

  // `pinned`: by draw its published {root, order_root, count}; a draw that is not there is reported as unpinned.
  const check = async (text, pinned) => {
    if (!globalThis.crypto?.subtle) refuse("browser");
    let receipt;
    try {
      receipt = text.length <= MOST_CHARACTERS ? JSON.parse(text) : null;
    } catch {
      refuse("shape");
    }
    if (receipt === null || typeof receipt !== "object" || typeof receipt.draw !== "string") refuse("shape");
    const entry = bytes(receipt.entry, [32, 35]), root = hash(receipt.root), rank = whole(receipt.rank ?? 0);
    const index = whole(receipt.index), count = whole(receipt.count);
    const leaf = await digest([0], entry);
    if ((await rootOf(leaf, index, count, hashes(receipt.path, MOST_HASHES), "path")) !== receipt.root) refuse("path");
    if (rank) {
      const made = await digest(root, hash(receipt.randomness), ...hashes(receipt.nonces, MOST_NONCES));
      if (hex(made) !== receipt.seed) refuse("seed");
      const order = hashes(receipt.order_path ?? [], MOST_HASHES);
      if ((await rootOf(leaf, rank - 1, count, order, "order")) !== receipt.order_root) refuse("order");
    }
    const known = Object.hasOwn(pinned, receipt.draw) ? pinned[receipt.draw] : null;
    if (known && (known.root !== receipt.root || known.count !== count)) refuse("ledger");
    if (known && rank && known.order_root !== receipt.order_root) refuse("ledger");
    return { draw: receipt.draw, index, count, rank, won: receipt.won === true, root: receipt.root, seed: receipt.seed ?? "", isPinned: Boolean(known) };
  };

  globalThis.drawCheck = { check, Refused };
})();
