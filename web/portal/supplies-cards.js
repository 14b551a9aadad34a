// One outlet of the list as an element: the same as the server's template (parts.html), from the board of the browser.
// Names and notices are anybody's text: they become text nodes, never markup.
"use strict";
stockMap.Cards = class {
  static #SVG = "http://www.w3.org/2000/svg";
  static #SHAPES = {
    few: ["path", { d: "M0,-10l10,18h-20z" }],
    reserved: ["rect", { x: "-8.5", y: "-8.5", width: "17", height: "17" }],
    sold_out: ["path", { d: "M-7,-7l14,14m0,-14l-14,14" }],
    in_stock: ["circle", { r: "9" }],
  };

  constructor(board, language, base) {
    this.board = board;
    this.language = language;
    this.base = base;
  }

  text(bilingual) {
    return bilingual[this.language] ?? bilingual["zh-Hant"] ?? "";
  }

  static node(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  }

  // Text of the source, in its own language.
  #own(name, attributes, text) {
    return stockMap.Cards.node(name, { ...attributes, lang: this.language === "en" ? "zh-Hant-TW" : null }, text);
  }

  static mark(status) {
    const made = document.createElementNS(stockMap.Cards.#SVG, "svg");
    const [shape, attributes] = stockMap.Cards.#SHAPES[status] ?? ["circle", { r: "8.5" }];
    const pairs = { class: `mark mark-${status}`, viewBox: "-12 -12 24 24", width: "24", height: "24", "aria-hidden": "true", focusable: "false" };
    for (const [key, value] of Object.entries(pairs)) made.setAttribute(key, value);
    const drawn = document.createElementNS(stockMap.Cards.#SVG, shape);
    for (const [key, value] of Object.entries(attributes)) drawn.setAttribute(key, value);
    made.append(drawn);
    return made;
  }

  // What stands in the element's data-attributes and decides its sentences.
  facts(row, at) {
    const { board } = this, item = board.items[at], status = board.status(row, at), asOf = board.asOf(row, at);
    const open = board.isOpen(row, board.slotNow()), located = board.places.located[row], age = stockMap.now() - asOf;
    let reason = "fresh";
    if (status === "not_listed" || status === "unknown") reason = status;
    else if (age > 3600) reason = "old";
    else if (located === "differ") reason = "differ";
    else if (age > 600) reason = "ageing";
    else if (status === "few") reason = "few";
    else if (open === false) reason = "closed";
    const sure = { fresh: "high", ageing: "medium", few: "medium", closed: "medium" }[reason] ?? "low";
    return { item, status, asOf, open, located, reason, sure, count: item.count[row], reserved: item.reserved[row], available: item.available[row] };
  }

  static asOf(at) {
    const { node } = stockMap.Cards, of = stockMap.iso(at);
    const said = node("time", { datetime: of, "data-age": "" }, stockMap.moment(at));
    return [said, node("span", { class: "age", "data-of": of }, stockMap.say("card.aside", { text: stockMap.age(at) }))];
  }

  #amounts(facts) {
    const { node } = stockMap.Cards, { say, number } = stockMap, unit = this.text(facts.item.unit), { status } = facts;
    const told = { unit, count: number(status === "in_stock" || status === "few" ? facts.available : facts.count), time: stockMap.moment(facts.asOf) };
    const key = { in_stock: "available", few: "available", reserved: "all_reserved", sold_out: "none", not_listed: "last_seen" }[status] ?? "never";
    const made = node("p", { class: `stock stock-${status}` }, stockMap.Cards.mark(status), " ", node("strong", { class: "stock-word" }, say(`status.${status}`)), " ", node("span", { class: "stock-count" }, say(`card.${key}`, told)));
    if (key === "available" && facts.reserved) made.append(" ", node("span", { class: "stock-more" }, say("card.reserved", { count: number(facts.reserved), unit })));
    return made;
  }

  #spell(kind, window) {
    if (!window) return null;
    const { node } = stockMap.Cards, [start, end] = window, minute = this.board.minuteNow();
    const clock = (value) => `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")}`;
    const state = minute < start ? "before" : minute < end ? "now" : "after";
    const span = end > start + 1 ? `${clock(start)}–${clock(end)}` : clock(start);
    return node("div", {}, node("dt", {}, stockMap.say(`card.${kind}`)), node("dd", { class: `spell-${state}` }, stockMap.say(`card.${kind}_${state}`, { span })));
  }

  #list(row, facts) {
    const { node } = stockMap.Cards, { say } = stockMap, { places, notices } = this.board;
    const pair = (name, ...said) => node("div", {}, node("dt", {}, name), node("dd", {}, ...said));
    const notice = notices.get(places.code[row]), note = places.hours_note[row];
    const open = say(facts.open === null ? "card.hours_unknown" : facts.open ? "card.open" : "card.closed");
    const sure = node("dd", { class: `sure-${facts.sure}` }, say(`card.${facts.sure}`) + say("card.aside", { text: say(`reason.${facts.reason}`) }));
    return node("dl", { class: "outlet-facts" },
      facts.asOf ? pair(say("card.as_of"), ...stockMap.Cards.asOf(facts.asOf)) : null,
      node("div", {}, node("dt", {}, say("card.sure")), sure),
      this.#spell("plate", notice?.plate), this.#spell("sale", notice?.sale),
      notice?.text ? node("div", {}, node("dt", {}, say("card.notice")), this.#own("dd", {}, notice.text)) : null,
      pair(say("card.hours"), open, note ? " " : null, note ? this.#own("span", { class: "soft" }, note) : null));
  }

  #week(row) {
    const { node } = stockMap.Cards, { say } = stockMap, slots = this.board.slots[row];
    if (!slots) return null;
    const days = [0, 1, 2, 3, 4, 5, 6];
    const cell = (isOpen) => node("td", { class: `slot-${isOpen ? "open" : "closed"}` }, say(isOpen ? "card.slot_open" : "card.slot_closed"));
    const lines = [0, 1, 2].map((part) => node("tr", {}, node("th", { scope: "row" }, say(`card.part_${part}`)), ...days.map((day) => cell(slots[part * 7 + day]))));
    const head = node("tr", {}, node("td", {}), ...days.map((day) => node("th", { scope: "col" }, say(`card.day_${day}`))));
    const table = node("table", { class: "week" }, node("caption", {}, say("card.week")), node("thead", {}, head), node("tbody", {}, ...lines));
    return node("details", {}, node("summary", {}, say("card.week")), table);
  }

  #links(row) {
    const { node } = stockMap.Cards, { say } = stockMap, { places } = this.board, phone = places.phone[row];
    const digits = phone.split("轉")[0].split("#")[0].replace(/[^\d+]/g, "");
    const made = node("p", { class: "outlet-links" });
    if (digits.length >= 7) made.append(node("a", { href: `tel:${digits}` }, say("card.call", { phone })));
    if (places.lon[row] !== null) {
      const address = `https://www.openstreetmap.org/directions?to=${places.lat[row].toFixed(6)}%2C${places.lon[row].toFixed(6)}`;
      made.append(" ", node("a", { href: address, rel: "noreferrer", "aria-label": say("card.route_label", { name: places.name[row] }) }, say("card.route")));
    }
    return made;
  }

  // The element of a row; `number` is its place in the list, 0 in a popup.
  element(row, at, { number = 0, metres = null } = {}) {
    const { node } = stockMap.Cards, { places } = this.board, facts = this.facts(row, at), code = places.code[row];
    const address = `${this.base}/outlet/${code}?item=${encodeURIComponent(facts.item.id)}`;
    const doubt = facts.located === "differ" ? "card.doubtful" : places.lon[row] === null ? "card.unplaced" : "";
    const place = node("p", { class: "outlet-place" }, this.#own("span", {}, places.address[row]));
    if (metres !== null) place.append(" ", node("span", { class: "away" }, stockMap.say("card.away", { far: stockMap.far(Math.round(metres)) })));
    const name = node(number ? "h3" : "h2", { class: "outlet-name" }, number ? node("span", { class: "outlet-number", "aria-hidden": "true" }, String(number)) : null, number ? " " : null, this.#own("a", { href: address }, places.name[row]));
    const pairs = {
      class: "outlet", id: number ? `o-${code}` : null, value: number || null, "data-outlet": code, "data-item": facts.item.id,
      "data-available": facts.available < 0 ? "" : facts.available, "data-reserved": facts.reserved, "data-status": facts.status,
      "data-as-of": facts.asOf ? stockMap.iso(facts.asOf) : "",
    };
    return node(number ? "li" : "div", pairs, name, this.#amounts(facts),
      doubt ? node("p", { class: "doubt" }, node("span", { "aria-hidden": "true" }, "⚠"), ` ${stockMap.say(doubt)}`) : null,
      place, this.#list(row, facts), this.#links(row), number ? this.#week(row) : null);
  }

  // Make `old` say what `made` says, touching only parts that differ: focus, open details and reading place stay.
  static renew(old, made) {
    for (const { name, value } of made.attributes) if (name !== "class" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    const key = (child) => `${child.tagName}.${(child.getAttribute("class") ?? "").split(" ")[0]}`;
    const left = new Map([...old.children].map((child) => [key(child), child]));
    let before = null;
    for (const child of [...made.children]) {
      const known = left.get(key(child));
      left.delete(key(child));
      if (known && (known.tagName === "DETAILS" || known.isEqualNode(child) || known.contains(document.activeElement))) { before = known; continue; }
      if (known) known.replaceWith(child);
      else if (before) before.after(child);
      else old.prepend(child);
      before = child;
    }
    for (const rest of left.values()) rest.remove();
  }
};
