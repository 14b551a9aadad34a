// The counter without a network: reads a card, decides by the kept rules, signs a receipt, and says what is left. One
// field and Enter; nothing needs a mouse. When a network is there, receipts go home by themselves.
"use strict";
(() => {
  const main = document.getElementById("offline");
  if (!main || !window.offlineSale || !window.crypto?.subtle || !window.indexedDB || !navigator.locks) return;
  const { store, rules } = offlineSale;
  const { base, worker } = main.dataset, reach = window.nodeReach(worker, () => quietly(send));
  const words = JSON.parse(document.getElementById("offline-words").textContent);
  const language = document.documentElement.lang;
  const part = (name) => document.getElementById(`offline-${name}`);
  const BATCH = 100, WAIT_MS = 15_000, BACK_S = 120, EVERY_MS = 60_000, SHOWN = 10, KEEP_DAYS = 70;
  const FIELDS = ["card", "by", "age", "qty", "born"];

  const now = () => Math.floor(Date.now() / 1000);
  const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const when = (at) => new Date(at * 1000).toLocaleString(language, { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Taipei" });
  const day = (at) => new Date(at * 1000).toLocaleDateString(language, { month: "long", day: "numeric", weekday: "short", timeZone: "Asia/Taipei" });
  const called = (item) => words[`item.${item}`] ?? item;
  const exclusive = (work) => navigator.locks.request("rationing-offline", work);

  const element = (name, content, attributes = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...[content].flat());
    return made;
  };

  const tell = (kind, title, more = "") => {
    const box = part("said");
    box.replaceChildren(element("p", title, { class: "banner-title" }), ...(more ? [element("p", more)] : []));
    box.className = `banner banner-${kind}`;
    box.hidden = false;
  };

  const post = async (operation, body, headers = {}, credentials = "omit") => {
    const answer = await fetch(`/api/rationing/${operation}`, {
      method: "POST", credentials, signal: AbortSignal.timeout(WAIT_MS),
      headers: { "Content-Type": "application/json", Accept: "application/json", ...headers }, body: JSON.stringify(body),
    }).catch((error) => { reach.away(); show(); throw error; });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.title ?? String(answer.status)), { told, status: answer.status });
    return told;
  };

  // Leases and chain

  const open = async () => (await store.get("leases") ?? []).filter((one) => !one.isClosed);
  // The clock may stand still or be set; it may not go behind what this device has seen already.
  const isBehind = async () => now() < ((await store.get("chain"))?.seen ?? 0) - BACK_S;

  const append = async (device, claims, leases, more, sale = null) => {
    const before = await store.get("chain"), at = Math.max(now(), before.seen);
    const ctr = before.counter + 1;
    const token = await offlineSale.signed(device, offlineSale.RECEIPT, { trm: device.terminal, ctr, prev: before.prev, at, ...claims });
    const chain = { counter: ctr, prev: await offlineSale.idOf(token), seen: at };
    await store.append(before, { ctr, token, at, day: rules.dayOf(at), isSent: false, ...more }, chain, leases, sale);
    return ctr;
  };

  const sell = ({ typed, paper, born, by, item, qty, age, useReserve }) => exclusive(async () => {
    const device = await store.get("device"), pack = await store.get("pack");
    const card = rules.readCard(typed, paper), other = by ? rules.readCard(by, "card") : null;
    if (!card || (by && !other)) return { code: "no_card" };
    if (!device || !pack) return { code: "lease_over" };
    if (await isBehind()) return { code: "clock_back" };
    const mark = await offlineSale.ownMark(device, card.number), held = (await open()).filter((one) => one.claims.item === item);
    const bought = (await store.sold()).filter((one) => one.mark === mark);
    const isHit = await offlineSale.isServed(pack, item, card.number);
    const asked = { card, item, qty, age, now: now(), channel: device.channel, isHit, useReserve };
    const said = rules.decide(asked, { book: pack.claims.book, leases: held, bought });
    if (said.code) return said;
    const { lease } = said;
    const leases = await store.get("leases");
    const changed = leases.map((one) => one.claims.jti !== lease.claims.jti ? one
      : { ...one, left: one.left - said.qty, sold: one.sold + said.qty, reserve: one.reserve - (said.hit ? said.qty : 0) });
    const sealedCard = { n: card.number, ...(paper !== "card" && { p: paper }), ...(born && { born }), ...(other && { by: other.number }) };
    const who = await offlineSale.sealed(sealedCard, device.seal);
    const claims = { kind: "sale", lease: lease.claims.jti, item, qty: said.qty, who, ...(said.hit && { hit: true }) };
    const ctr = await append(device, claims, changed, { item, qty: said.qty }, { mark, item, qty: said.qty, day: rules.dayOf(asked.now) });
    const left = changed.filter((one) => one.claims.item === item && !one.isClosed).reduce((all, one) => all + one.left, 0);
    return { code: "", ctr, qty: said.qty, left };
  });

  const close = () => exclusive(async () => {
    const device = await store.get("device");
    for (const lease of await open()) {
      const leases = (await store.get("leases")).map((one) => one.claims.jti === lease.claims.jti ? { ...one, isClosed: true, left: 0 } : one);
      await append(device, { kind: "close", lease: lease.claims.jti, sold: lease.sold }, leases, { item: lease.claims.item, qty: 0 });
    }
  });

  // With a network

  const enrol = async (form) => {
    let device = await store.get("device");
    device ??= await offlineSale.makeDevice();
    const { x, y } = device.signJwk, agree = { x: device.agreeJwk.x, y: device.agreeJwk.y };
    const body = { outlet: form.elements.outlet.value, sign: { x, y }, agree };
    const told = await post("offline_enrol", body, { "X-CSRF-Token": form.elements.csrf_token?.value ?? "" }, "same-origin");
    if (told.terminal !== device.terminal) throw new Error("terminal");
    const key = (use) => told.keys.find((one) => one.use === use);
    Object.assign(device, { outlet: told.outlet, member: told.member, channel: told.channel, node: key("sig"), seal: key("enc") });
    await store.put("chain", (await store.get("chain")) ?? { counter: 0, prev: device.kid, seen: told.now });
    await store.put("device", device);
    await navigator.storage?.persist?.();
  };

  const take = (item, qty) => exclusive(async () => {
    const device = await store.get("device");
    const jti = offlineSale.hex(crypto.getRandomValues(new Uint8Array(16)));
    const about = [...new Set((await open()).map((one) => one.claims.item))];
    const asking = { trm: device.terminal, aud: device.member, iat: now(), jti, want: [{ item, qty }], about };
    const told = await post("offline_pack", { asking: await offlineSale.signed(device, offlineSale.ASKING, asking) });
    const claims = await offlineSale.read(told.snapshot, device.node, "quota-snapshot+jwt");
    if (claims.sub !== device.terminal) throw new Error("snapshot");
    const filters = {};
    for (const one of claims.items) {
      const filter = Uint8Array.from(atob(told.filters[one.item]), (letter) => letter.charCodeAt(0));
      if (offlineSale.encoded(await offlineSale.digest(filter)) !== one.sha256 || filter.length * 8 !== one.bits) throw new Error("filter");
      filters[one.item] = filter;
    }
    const leases = await store.get("leases") ?? [];
    for (const token of told.leases) {
      const lease = await offlineSale.read(token, device.node, "stock-lease+jwt");
      if (lease.sub !== device.terminal) throw new Error("lease");
      if (!leases.some((one) => one.claims.jti === lease.jti)) leases.push({ token, claims: lease, left: lease.qty, sold: 0, reserve: lease.reserve, isClosed: false });
    }
    await store.put("pack", { claims, filters, keys: await offlineSale.unwrapped(device, claims) });
    await store.put("leases", leases);
    const chain = await store.get("chain");
    await store.put("chain", { ...chain, seen: Math.max(chain.seen, told.now) });
    return told.refused;
  });

  const send = () => navigator.locks.request("rationing-offline-send", { ifAvailable: true }, async (lock) => {
    if (!lock) return 0;
    const waiting = (await store.receipts()).filter((one) => !one.isSent);
    for (let at = 0; at < waiting.length; at += BATCH) {
      const batch = waiting.slice(at, at + BATCH);
      const { results } = await post("offline_merge", { receipts: batch.map((one) => one.token) });
      await store.sent(batch.map((one, place) => ({ ...one, isSent: true, code: results[place].code ?? "" })));
    }
    return waiting.length;
  });

  // What the page shows

  // A snapshot that is over goes, keys and all; a lease that is over stays to be told of.
  const tidy = async () => {
    const pack = await store.get("pack");
    if (pack && now() >= pack.claims.exp && pack.filters) await store.put("pack", { claims: pack.claims, filters: {}, keys: {} });
    await store.forget(rules.dayOf(now()) - KEEP_DAYS);
  };

  const show = async () => {
    const device = await store.get("device"), pack = await store.get("pack"), leases = await open();
    const receipts = await store.receipts(), waiting = receipts.filter((one) => !one.isSent).length;
    part("setup").hidden = Boolean(device?.outlet);
    part("desk").hidden = !device?.outlet;
    if (!device?.outlet) return;
    const facts = [
      [say("outlet"), device.outlet], [say("terminal"), device.terminal],
      [say("network"), say(reach.isAway() ? "offline" : "online")],
      [say("snapshot"), pack ? when(pack.claims.iat) : say("none")], [say("unsent"), String(waiting)],
      ...leases.map((one) => [called(one.claims.item), say(now() < one.claims.exp ? "lease_left" : "lease_ended", { left: one.left, qty: one.claims.qty, until: when(one.claims.exp) })]),
    ];
    part("facts").replaceChildren(...facts.map(([name, value]) => element("div", [element("dt", name), element("dd", value)])));
    const refused = receipts.filter((one) => one.code).length;
    part("refused").hidden = !refused;
    part("refused").textContent = refused ? say("refused", { count: refused }) : "";
    const items = [...new Set(leases.map((one) => one.claims.item))], select = part("item"), chosen = select.value;
    select.replaceChildren(...items.map((item) => element("option", called(item), { value: item })));
    if (items.includes(chosen)) select.value = chosen;
    part("sell").hidden = !items.length;
    part("no-lease").hidden = items.length > 0;
    const asks = pack && select.value && rules.asksAge(pack.claims.book, select.value, rules.dayOf(now()));
    part("age-field").hidden = !asks;
    part("born-field").hidden = part("paper").value !== "permit";
    const last = receipts.filter((one) => one.qty).slice(-SHOWN).reverse();
    part("last").replaceChildren(...last.map((one) => element("li", say(one.isSent ? "line_sent" : "line", { number: one.ctr, time: when(one.at), item: called(one.item), qty: one.qty }))));
  };

  const answer = ({ code, ctr, qty, left, from, reserve }, item) => {
    part("reserve-field").hidden = code !== "maybe_served" || !(reserve > 0);
    if (!code) return tell("done", say("sold", { qty, item: called(item), number: ctr }), say("left", { left }));
    return tell("warn", say(`code.${code}`, { left, reserve }), from ? say("from", { day: day(from) }) : "");
  };

  const quietly = async (work) => {
    try {
      return await work();
    } catch {
      return null; // no network, or the node's own trouble: the next turn tries again
    } finally {
      await show();
    }
  };

  part("enrol")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await enrol(event.target);
      tell("done", say("enrolled"));
      await show();
      part("take-qty").focus();
    } catch (error) {
      tell("wrong", say("failed"), error.told?.detail ?? error.told?.title ?? "");
    }
  });

  part("take").addEventListener("submit", async (event) => {
    event.preventDefault();
    const item = part("take-item").value;
    try {
      const refused = await take(item, Number(part("take-qty").value));
      await show();
      if (refused.length) return tell("warn", say("not_lent", { item: called(item), left: refused[0].left }));
      part("item").value = item;
      await show();
      part("card").focus();
      tell("done", say("lent", { item: called(item) }));
    } catch (error) {
      tell("wrong", say(error.status ? "failed" : "no_network"), error.told?.detail ?? error.told?.title ?? "");
    }
  });

  part("sell").addEventListener("submit", async (event) => {
    event.preventDefault();
    const item = part("item").value, age = part("age").value, field = part("card");
    const asked = {
      typed: field.value, paper: part("paper").value, born: part("born").value, by: part("by").value.trim(), item,
      qty: Number(part("qty").value), age: age === "" ? null : Number(age), useReserve: part("reserve").checked,
    };
    if (!field.value.trim()) return field.focus();
    // Emptied at once: a second Enter sells nothing, and the next card may be read while this receipt is written.
    const typed = FIELDS.map((name) => part(name).value);
    const back = () => { if (!field.value) FIELDS.forEach((name, at) => { part(name).value = typed[at]; }); };
    const asksAge = !part("age-field").hidden && asked.age === null;
    for (const name of FIELDS) part(name).value = "";
    part("reserve").checked = false;
    let told;
    try {
      told = asksAge ? { code: "ask_age" } : await sell(asked);
    } catch {
      told = { code: "not_kept" };
    }
    await show();
    answer(told, item);
    if (["ask_age", "bad_qty", "maybe_served", "no_card", "not_kept"].includes(told.code)) back();
    if (told.code === "ask_age") return part("age").focus();
    if (told.code === "maybe_served" && told.reserve > 0) return part("reserve").focus();
    field.focus();
    if (told.code) field.select();
    if (!told.code && !reach.isAway()) quietly(send);
    return undefined;
  });

  // Arrows in the card field choose the item; nothing has to be left for it.
  part("card").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], select = part("item");
    if (!step || !select.options.length) return;
    event.preventDefault();
    select.selectedIndex = (select.selectedIndex + step + select.options.length) % select.options.length;
    show();
  });
  for (const name of ["item", "paper"]) part(name).addEventListener("change", show);

  part("send").addEventListener("click", async () => {
    try {
      const count = await send();
      tell("done", say("sent", { count }));
    } catch (error) {
      tell("wrong", say(error.status ? "failed" : "no_network"), error.told?.title ?? "");
    }
    await show();
  });
  part("close").addEventListener("click", async () => {
    await close();
    tell("done", say("closed"));
    await quietly(send);
  });

  const turn = async () => ((await reach.ask()) ? quietly(send) : show());
  window.addEventListener("offline", turn);
  window.setInterval(turn, EVERY_MS);

  navigator.serviceWorker?.register(worker, { scope: base }).catch(() => undefined);
  main.hidden = false;
  tidy().then(show).then(() => {
    if (!part("sell").hidden) part("card").focus();
    turn();
  });
})();
