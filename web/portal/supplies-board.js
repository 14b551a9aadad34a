// The board in the browser: the stock pack as columns, deltas set over it, and the list of a view. The rules are those of
// board.py, hours.py and confidence.py; tests compare the two lists.
"use strict";
stockMap.Board = class {
  static LETTERS = { i: "in_stock", f: "few", r: "reserved", s: "sold_out", n: "not_listed", u: "unknown" };
  static #STOCK = "/api/supplies/stock.json";
  static #VARIANTS = new Map([..."臺塩峯衆羣爲綫裡冲巿"].map((one, place) => [one, [..."台鹽峰眾群為線裏沖市"][place]]));

  constructor(stock, places, notices) {
    this.stock = stock;
    this.places = places;
    this.rowOf = new Map(places.code.map((code, row) => [code, row]));
    this.notices = new Map(notices.code.map((code, at) => [code, { sale: notices.sale[at], plate: notices.plate[at], text: notices.text[at] }]));
    this.gone = new Set(places.gone);
    this.items = stock.items.map((item) => this.#columns(item));
    this.seq = stock.seq;
    this.points = [];
    this.#mercator();
  }

  // The stock is asked anew; the places and notices it links to never change under their address.
  static async load() {
    const read = async (address, cache) => {
      const answer = await fetch(address, { cache });
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      return answer;
    };
    const answer = await read(this.#STOCK, "no-cache");
    const stock = await answer.json();
    const [places, notices] = await Promise.all([stock.places, stock.notices].map(async (one) => (await read(one.href, "default")).json()));
    const board = new stockMap.Board(stock, places, notices);
    board.keptAt = Number(answer.headers.get("X-Kept-At") ?? 0); // set by the page that kept it, when this is an old answer
    board.keptAhead = Number(answer.headers.get("X-Kept-Ahead") ?? 0);
    return board;
  }

  #columns(item) {
    const blank = (list, empty) => Int32Array.from(list, (value) => value ?? empty);
    const rows = this.stock.rows;
    return {
      ...item,
      asOf: stockMap.seconds(item.as_of),
      count: blank(item.count, -1),
      reserved: item.reserved.length ? Int32Array.from(item.reserved) : new Int32Array(rows),
      available: blank(item.available, -1),
      status: [...item.status],
      ownAsOf: new Map(item.row_as_of.map(([row, at]) => [row, stockMap.seconds(at)])),
    };
  }

  // Web Mercator at zoom 0, so that a frame is a multiplication and not a projection.
  #mercator() {
    const { lon, lat } = this.places;
    this.worldX = Float64Array.from(lon, (value) => (value === null ? NaN : value / 360 + 0.5));
    this.worldY = Float64Array.from(lat, (value) => {
      if (value === null) return NaN;
      const sine = Math.sin((value * Math.PI) / 180);
      return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
    });
    this.slots = this.places.hours.map((text) => (/^[NY]{21}$/.test(text) ? [...text].map((mark) => mark === "N") : null));
  }

  // A delta holds states, not differences. Returns the changed rows, or null when the pack has to be taken anew.
  apply(delta) {
    if (delta.seq <= this.seq) return [];
    if (delta.reset || delta.places || delta.notices || delta.items.some((id, at) => this.items[at]?.id !== id)) return null;
    const rows = delta.codes.map((code) => this.rowOf.get(code));
    if (rows.includes(undefined)) return null;
    this.items.forEach((item, at) => {
      const before = item.asOf;
      item.asOf = stockMap.seconds(delta.as_of[at]);
      rows.forEach((row, place) => {
        item.count[row] = delta.count[at][place] ?? -1;
        item.reserved[row] = delta.reserved.length ? delta.reserved[at][place] : 0;
        item.available[row] = delta.available[at][place] ?? -1;
        item.status[row] = delta.status[at][place];
        const own = delta.row_as_of.length && delta.row_as_of[place] ? stockMap.seconds(delta.row_as_of[place]) : 0;
        if (own) item.ownAsOf.set(row, own);
        else if (item.status[row] === "n") item.ownAsOf.set(row, before);
        else item.ownAsOf.delete(row);
      });
    });
    for (const code of delta.gone) this.gone.add(this.rowOf.get(code));
    this.seq = delta.seq;
    return rows;
  }

  // The pack as it stands, to keep for when there is no network.
  toStock() {
    const blank = (column) => Array.from(column, (value) => (value < 0 ? null : value));
    const items = this.items.map((item, at) => ({
      ...this.stock.items[at],
      as_of: item.asOf ? stockMap.iso(item.asOf) : "",
      count: blank(item.count),
      reserved: Array.from(item.reserved),
      available: blank(item.available),
      status: item.status.join(""),
      row_as_of: [...item.ownAsOf].map(([row, at_s]) => [row, stockMap.iso(at_s)]),
    }));
    return { ...this.stock, seq: this.seq, items };
  }

  itemAt(id) {
    return Math.max(0, this.items.findIndex((item) => item.id === id));
  }

  status(row, item) {
    return stockMap.Board.LETTERS[this.items[item].status[row]];
  }

  asOf(row, item) {
    return this.items[item].ownAsOf.get(row) ?? (this.items[item].count[row] < 0 ? 0 : this.items[item].asOf);
  }

  town(row) {
    return this.places.town[row] < 0 ? ["", "", ""] : this.places.towns[this.places.town[row]];
  }

  slotNow() {
    const at = stockMap.taipei(stockMap.now());
    const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
    return (minute >= 1080 ? 14 : minute >= 720 ? 7 : 0) + ((at.getUTCDay() + 6) % 7);
  }

  minuteNow() {
    const at = stockMap.taipei(stockMap.now());
    return at.getUTCHours() * 60 + at.getUTCMinutes();
  }

  isOpen(row, slot) {
    return this.slots[row] ? this.slots[row][slot] : null;
  }

  // On the WGS84 ellipsoid as x, y, z, and the straight line between, as the server's index measures.
  static #point(lon, lat) {
    const rad = Math.PI / 180, flat = 0.006694379990141316, sine = Math.sin(lat * rad);
    const normal = 6378137 / Math.sqrt(1 - flat * sine * sine), axis = normal * Math.cos(lat * rad);
    return [axis * Math.cos(lon * rad), axis * Math.sin(lon * rad), normal * (1 - flat) * sine];
  }

  metres(row, from) {
    this.points[row] ??= stockMap.Board.#point(this.places.lon[row], this.places.lat[row]);
    const [x, y, z] = this.points[row];
    const line = Math.sqrt((x - from[0]) ** 2 + (y - from[1]) ** 2 + (z - from[2]) ** 2);
    return 2 * 6371008.8 * Math.asin(Math.min(1, line / (2 * 6371008.8)));
  }

  static plain(text) {
    return [...text.normalize("NFKC")].map((one) => this.#VARIANTS.get(one) ?? one).join("").replace(/\s+/g, "");
  }

  // The rows that fit, in their order, and what the summary tells.
  find(asked) {
    const at = this.itemAt(asked.item), item = this.items[at], slot = this.slotNow();
    const hasPosition = asked.lat !== null && asked.lon !== null;
    const from = hasPosition ? stockMap.Board.#point(asked.lon, asked.lat) : null;
    const word = asked.q ? stockMap.Board.plain(asked.q) : "";
    const fits = [], far = new Map();
    let others = 0;
    for (let row = 0; row < this.stock.rows; row += 1) {
      if (item.count[row] < 0 || this.gone.has(row)) continue;
      if (asked.area && !this.town(row)[0].startsWith(asked.area)) continue;
      if (asked.open && this.isOpen(row, slot) !== true) continue;
      if (word && !stockMap.Board.plain(this.places.name[row] + this.places.address[row]).includes(word)) continue;
      if (hasPosition) {
        if (Number.isNaN(this.worldX[row])) continue;
        const metres = this.metres(row, from);
        if (asked.radius && metres > asked.radius) continue;
        far.set(row, metres);
      }
      if (item.available[row] < asked.least && asked.least > 0) others += 1;
      else fits.push(row);
    }
    const codes = this.places.code;
    const byMost = (a, b) => item.available[b] - item.available[a] || (codes[a] < codes[b] ? -1 : 1);
    fits.sort(hasPosition ? (a, b) => far.get(a) - far.get(b) || a - b : byMost);
    const listed = fits.filter((row) => item.available[row] >= 0);
    const sum = (column) => listed.reduce((total, row) => total + column[row], 0);
    return {
      at, fits, far, others,
      unplaced: fits.filter((row) => Number.isNaN(this.worldX[row])).length,
      inStock: listed.filter((row) => item.available[row] > 0).length,
      available: sum(item.available),
      reserved: sum(item.reserved),
    };
  }
};
