// The stock map, live: form, list and map follow the board in the browser; the board follows the stream. Without script,
// or when anything is missing, the server's list and picture stay and the form works by sending.
"use strict";
(() => {
  const holder = document.getElementById("stock-map");
  const given = document.getElementById("stock-asked");
  if (!holder || !given || !stockMap.Board || !stockMap.Cards) return;
  const PAGE = 50, KEEP_MS = 60_000, TELL_MS = 30_000, QUIET_S = 45, LEAVING_MS = 5_000;
  const { say, number } = stockMap;
  const at = (id) => document.getElementById(id);
  const form = at("stock-form"), list = at("outlets"), live = at("live");
  const isShell = Boolean(holder.dataset.shell);
  const names = JSON.parse(at("stock-areas").textContent);
  let asked = isShell ? read(window.location.search, JSON.parse(given.textContent)) : JSON.parse(given.textContent);
  let board = null, cards = null, found = null, map = null, points = null;
  let size = PAGE * asked.page, isPaused = false, isOffline = false, lastNews = 0, told = 0, changed = new Set(), source = null;

  // The view an address asks for: the same names as the server's.
  function read(search, fallen) {
    const pairs = new URLSearchParams(search), whole = (name, other) => (/^\d{1,9}$/.test(pairs.get(name) ?? "") ? Number(pairs.get(name)) : other);
    const degrees = (name) => (pairs.get(name) && Number.isFinite(Number(pairs.get(name))) ? Number(pairs.get(name)) : null);
    const area = pairs.get("area") || pairs.get("town") || pairs.get("county") || "";
    return { item: pairs.get("item") || fallen.item, area, q: pairs.get("q") ?? "", lat: degrees("lat"), lon: degrees("lon"), radius: whole("radius", 0), least: whole("least", 1), open: pairs.has("open"), page: 1 };
  }

  const hasPosition = () => asked.lat !== null && asked.lon !== null;
  const degrees = (value) => String(Number(value.toFixed(5)));
  const address = () => {
    const pairs = new URLSearchParams();
    if (asked.item) pairs.set("item", asked.item);
    if (asked.area) pairs.set("area", asked.area);
    if (asked.q) pairs.set("q", asked.q);
    if (hasPosition()) { pairs.set("lat", degrees(asked.lat)); pairs.set("lon", degrees(asked.lon)); if (asked.radius) pairs.set("radius", asked.radius); }
    if (asked.least !== 1) pairs.set("least", asked.least);
    if (asked.open) pairs.set("open", "1");
    const query = pairs.toString();
    return holder.dataset.base + (query ? `?${query}` : "");
  };

  // The list

  const areaName = () => {
    if (!asked.area) return say("sum.nation");
    const county = [...at("f-county").options].find((one) => one.value === asked.area.slice(0, 5))?.textContent ?? "";
    const town = asked.area.length === 8 ? names[asked.area] ?? "" : "";
    return holder.dataset.language === "en" ? [town, county].filter(Boolean).join(", ") : county + town;
  };

  const placeName = () => {
    if (!hasPosition()) return areaName();
    return asked.radius ? say("sum.near_within", { far: stockMap.far(asked.radius) }) : say("sum.near", { place: areaName() });
  };

  const tellSum = (isAsked) => {
    const item = board.items[found.at], unit = cards.text(item.unit), sum = at("sum");
    const values = { place: placeName(), item: cards.text(item.title), unit, total: number(found.fits.length), outlets: number(found.inStock), available: number(found.available), least: number(asked.least) };
    const key = !found.inStock ? "none" : asked.least === 0 ? "all" : asked.least === 1 ? "some" : "least";
    const parts = [say(`sum.${key}`, values)];
    if (found.reserved) parts.push(say("sum.reserved", { count: number(found.reserved), unit }));
    if (found.unplaced) parts.push(say("sum.unplaced", { count: number(found.unplaced) }));
    sum.setAttribute("aria-live", isAsked ? "polite" : "off"); // a new tick is told by #live-told, and not each time
    if (sum.textContent !== parts.join(" ")) sum.textContent = parts.join(" ");
    const others = at("others"), link = others.querySelector("a");
    if (found.others) {
      const all = link ?? stockMap.Cards.node("a", { href: "#" }, at("f-least").querySelector("[value='0']").textContent);
      others.replaceChildren(say("sum.others", { count: number(found.others) }), " ", all);
      all.onclick = (event) => { event.preventDefault(); asked.least = 0; at("f-least").value = "0"; ask(); };
    } else others.replaceChildren();
    const asOf = at("as-of");
    if (asOf && item.asOf) asOf.replaceChildren(`${say("sum.as_of")} `, ...stockMap.Cards.asOf(item.asOf));
    document.getElementById("none-found").hidden = found.fits.length > 0;
  };

  // Put the rows in their order round the element that has the focus, which never moves.
  const fill = () => {
    const shown = found.fits.slice(0, size), known = new Map([...list.children].map((one) => [one.dataset.outlet, one]));
    const wanted = shown.map((row, place) => {
      const made = cards.element(row, found.at, { number: place + 1, metres: found.far.get(row) ?? null });
      const old = known.get(board.places.code[row]);
      if (!old) return made;
      stockMap.Cards.renew(old, made);
      return old;
    });
    const focused = wanted.find((one) => one.contains(document.activeElement)) ?? null;
    const kept = new Set(wanted);
    for (const one of [...list.children]) if (!kept.has(one)) one.remove();
    if (!focused) { if (wanted.some((one, place) => list.children[place] !== one)) list.append(...wanted); }
    else {
      const middle = wanted.indexOf(focused);
      wanted.slice(0, middle).forEach((one) => focused.before(one));
      focused.after(...wanted.slice(middle + 1));
    }
    at("shown").textContent = shown.length ? say("sum.shown", { first: 1, last: number(shown.length) }) : "";
    const more = at("more"), rest = found.fits.length - shown.length;
    more.hidden = rest <= 0;
    more.textContent = say("sum.next", { count: Math.min(PAGE, rest) });
    return shown;
  };

  const render = ({ isAsked = false, isMoved = false } = {}) => {
    if (!board) return;
    found = board.find(asked);
    tellSum(isAsked);
    const shown = fill();
    holder.dataset.ready = String(found.fits.length);
    holder.dataset.seq = String(board.seq);
    if (!points) return;
    points.show(board, found, shown, hasPosition() ? asked : null);
    if (isMoved) look(shown);
  };

  // Asking

  const ask = () => {
    size = PAGE;
    asked.page = 1;
    window.history.replaceState(null, "", address());
    for (const link of document.querySelectorAll(".items a")) {
      const isChosen = link.dataset.item === asked.item;
      if (isChosen) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
    form.elements.item.value = asked.item;
    at("share").href = address();
    const radius = at("f-radius").closest(".field");
    radius.hidden = !hasPosition();
    render({ isAsked: true, isMoved: true });
  };

  const towns = () => {
    const select = at("f-town"), county = asked.area.slice(0, 5);
    const fitting = Object.entries(names).filter(([code]) => county && code.startsWith(county));
    const first = stockMap.Cards.node("option", { value: "" }, say("map.whole_county"));
    if (fitting.length) select.replaceChildren(first, ...fitting.map(([code, name]) => stockMap.Cards.node("option", { value: code }, name)));
    select.value = asked.area.length === 8 ? asked.area : "";
  };

  const setUpForm = () => {
    at("f-county").addEventListener("change", (event) => { Object.assign(asked, { area: event.target.value, lat: null, lon: null }); towns(); ask(); });
    at("f-town").addEventListener("change", (event) => { Object.assign(asked, { area: event.target.value || at("f-county").value, lat: null, lon: null }); ask(); });
    at("f-least").addEventListener("change", (event) => { asked.least = Number(event.target.value); ask(); });
    at("f-radius").addEventListener("change", (event) => { asked.radius = Number(event.target.value || 0); ask(); });
    at("f-open").addEventListener("change", (event) => { asked.open = event.target.checked; ask(); });
    form.addEventListener("submit", (event) => {
      const word = at("f-q").value.trim();
      if (word && word !== asked.q && !isOffline) return; // the server knows addresses; its answer is this page again
      event.preventDefault();
      asked.q = word;
      if (word) chooseNamed(word);
      ask();
    });
    for (const link of document.querySelectorAll(".items a")) {
      link.addEventListener("click", (event) => { event.preventDefault(); asked.item = link.dataset.item; ask(); });
    }
    at("more").addEventListener("click", () => {
      const from = size;
      size += PAGE;
      render();
      list.children[from]?.querySelector("a")?.focus();
    });
    at("pages").hidden = true;
    at("pages").replaceChildren();
    const share = at("share");
    share.addEventListener("click", (event) => {
      if (!navigator.clipboard) return;
      event.preventDefault();
      navigator.clipboard.writeText(new URL(address(), window.location.href).href).then(() => tell(say("map.copied")), () => window.location.assign(share.href));
    });
    const locate = at("locate");
    locate.hidden = !navigator.geolocation;
    locate.addEventListener("click", () => {
      tell(say("map.locating"));
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => { tell(""); near(coords.latitude, coords.longitude); },
        () => tell(say("map.no_location")),
        { maximumAge: 60_000, timeout: 15_000 });
    });
    at("no-position")?.addEventListener("click", (event) => { event.preventDefault(); Object.assign(asked, { lat: null, lon: null }); event.target.remove(); ask(); });
    if (isShell) restore();
  };

  // Without a network nobody reads an address for us: a word that opens with a town of the pack chooses it.
  const chooseNamed = (word) => {
    const plain = stockMap.Board.plain(word);
    const town = board.places.towns.find(([, county, name]) => plain.startsWith(stockMap.Board.plain(county + name)) || plain === stockMap.Board.plain(name));
    if (town) { Object.assign(asked, { area: town[0], q: "" }); at("f-county").value = town[0].slice(0, 5); towns(); }
  };

  const near = (lat, lon) => {
    Object.assign(asked, { lat: Number(lat.toFixed(5)), lon: Number(lon.toFixed(5)), area: "", q: "" });
    at("f-county").value = "";
    at("f-q").value = "";
    towns();
    ask();
  };

  // The form of a shell, as its address asks.
  const restore = () => {
    at("f-county").value = asked.area.slice(0, 5);
    towns();
    at("f-q").value = asked.q;
    at("f-open").checked = asked.open;
    at("f-least").value = String(asked.least);
    for (const link of document.querySelectorAll(".items a")) link.toggleAttribute("aria-current", link.dataset.item === asked.item);
  };

  // The map

  const look = (shown) => {
    const placed = (hasPosition() ? shown.slice(0, 10) : found.fits).filter((row) => !Number.isNaN(board.worldX[row]));
    const spots = placed.map((row) => [board.places.lat[row], board.places.lon[row]]);
    if (hasPosition()) spots.push([asked.lat, asked.lon]);
    if (!asked.area && !hasPosition() && !asked.q) map.fitBounds([[21.8, 119.3], [25.4, 122.1]], { animate: false });
    else if (spots.length) map.fitBounds(L.latLngBounds(spots).pad(0.08), { maxZoom: 15, animate: false });
  };

  const pointed = (row) => {
    const element = at(`o-${board.places.code[row]}`);
    for (const one of list.querySelectorAll(".is-pointed")) one.classList.remove("is-pointed");
    if (!element) return;
    element.classList.add("is-pointed");
    element.scrollIntoView({ block: "center" });
    element.querySelector("a").focus({ preventScroll: true });
  };

  // What a press opens: the outlet; or, where several lie on each other, all of them to choose from.
  const popup = (rows, latLng) => {
    const { node, mark } = stockMap.Cards;
    const box = node("div", { class: "popup" });
    const one = (row) => {
      const card = cards.element(row, found.at, { metres: found.far.get(row) ?? null });
      const parts = [card];
      if (at(`o-${board.places.code[row]}`)) {
        const go = node("button", { type: "button", class: "popup-back" }, say("map.in_list"));
        go.addEventListener("click", () => pointed(row));
        parts.push(go);
      }
      if (rows.length > 1) {
        const back = node("button", { type: "button", class: "popup-back" }, say("map.back", { count: rows.length }));
        back.addEventListener("click", (event) => { event.stopPropagation(); choose(); box.querySelector("button").focus(); });
        parts.unshift(back);
      }
      box.replaceChildren(...parts);
    };
    const choose = () => {
      const choices = rows.map((row) => {
        const button = node("button", { type: "button" }, mark(board.status(row, found.at)), node("span", {}, `${board.places.name[row]} · ${say(`status.${board.status(row, found.at)}`)}`));
        button.addEventListener("click", (event) => { event.stopPropagation(); one(row); box.querySelector("button").focus(); });
        return node("li", {}, button);
      });
      box.replaceChildren(node("p", {}, say("map.several", { count: rows.length })), node("ul", { class: "popup-choices" }, ...choices));
    };
    if (rows.length > 1) choose(); else one(rows[0]);
    L.DomEvent.disableClickPropagation(box);
    const opened = L.popup({ maxWidth: 340, autoPan: true }).setLatLng(latLng).setContent(box).openOn(map);
    opened.getElement().querySelector(".leaflet-popup-close-button").setAttribute("aria-label", say("map.close"));
  };

  const setUpMap = async () => {
    if (typeof L === "undefined" || typeof topojson === "undefined" || !holder.dataset.towns) return;
    const atlas = await (await fetch(holder.dataset.towns)).json();
    const frame = stockMap.Cards.node("div", { class: "map", role: "application", "aria-label": say("map.label") });
    const picture = holder.querySelector("svg");
    holder.prepend(frame);
    map = L.map(frame, { attributionControl: false, zoomControl: false, minZoom: 6, maxZoom: 18, zoomSnap: 0.25, preferCanvas: true });
    map.setView([23.7, 120.9], 7, { animate: false });
    L.control.zoom({ zoomInTitle: say("map.zoom_in"), zoomOutTitle: say("map.zoom_out") }).addTo(map);
    stockMap.land(map, atlas);
    points = new stockMap.Points().addTo(map);
    picture?.classList.add("print-only");
    map.on("click", (event) => {
      const rows = points.near(map.latLngToLayerPoint(event.latlng));
      if (rows.length) popup(rows, [board.places.lat[rows[0]], board.places.lon[rows[0]]]);
    });
    const around = stockMap.Cards.node("button", { type: "button", class: "around" }, say("map.around"));
    const control = L.control({ position: "bottomleft" });
    control.onAdd = () => around;
    control.addTo(map);
    L.DomEvent.disableClickPropagation(around);
    around.addEventListener("click", () => { const middle = map.getCenter(); near(middle.lat, middle.lng); });
    stockMap.map = map;
    stockMap.points = points;
  };

  // Following the stock

  const tell = (text) => { at("live-told").textContent = text; };

  const state = (name, values = {}) => {
    live.hidden = false;
    live.dataset.state = name;
    const since = lastNews && name === "live" ? ` · ${say("live.since", { age: ageOfNews() })}` : "";
    const text = say(`live.${name}`, values) + since;
    const said = at("live-state");
    if (said.textContent !== text) said.textContent = text;
  };

  const ageOfNews = () => {
    const passed = Math.floor((Date.now() - lastNews) / 1000);
    return passed < 60 ? say("card.seconds", { count: passed }) : stockMap.age(stockMap.now() - passed);
  };

  const tellChanges = () => {
    if (!changed.size || Date.now() - told < TELL_MS) return;
    tell(say("live.changed", { count: number(changed.size) }));
    told = Date.now();
    changed = new Set();
  };

  const take = (rows) => {
    lastNews = Date.now();
    const fits = new Set(found?.fits ?? []);
    for (const row of rows) if (fits.has(row)) changed.add(row);
    render();
    for (const row of rows) {
      const element = at(`o-${board.places.code[row]}`);
      if (!element) continue;
      element.classList.add("is-changed");
      window.setTimeout(() => element.classList.remove("is-changed"), 4_000);
    }
    tellChanges();
  };

  const follow = () => {
    source?.close();
    source = new EventSource(`/api/supplies/stream?after=${board.seq}`);
    source.addEventListener("open", () => { lastNews ||= Date.now(); holder.dataset.live = "1"; state("live"); });
    source.addEventListener("stock", (event) => {
      const rows = board.apply(JSON.parse(event.data));
      if (rows === null) { renew(); return; }
      take(rows);
      state("live");
    });
    source.addEventListener("reset", renew);
    source.addEventListener("error", () => {
      state("lost");
      if (source.readyState === EventSource.CLOSED) window.setTimeout(renew, 5_000 + Math.random() * 5_000);
    });
  };

  const renew = async () => {
    try {
      await load();
      render();
      if (!isPaused && !isOffline) follow();
    } catch { state("lost"); window.setTimeout(renew, 10_000); }
  };

  const load = async () => {
    board = await stockMap.Board.load();
    if (board.keptAhead) stockMap.setNow(Date.now() / 1000 + board.keptAhead);
    cards = new stockMap.Cards(board, holder.dataset.language, holder.dataset.base);
    isOffline = board.keptAt > 0;
    lastNews = isOffline ? 0 : Date.now();
    if (isOffline) tellAge();
  };

  const tellAge = () => {
    const kept = board.keptAt / 1000 + (board.keptAhead || 0);
    state("offline", { time: stockMap.moment(kept), age: stockMap.age(kept) });
    holder.dataset.offline = "1";
  };

  // Keep the board for when there is no network. Only what everybody may see is in it.
  const keep = async () => {
    if (!board || isOffline || !("caches" in window)) return;
    const headers = { "Content-Type": "application/json", "X-Kept-At": String(Date.now()), "X-Kept-Ahead": String(stockMap.ahead()) };
    const store = await window.caches.open("supplies-stock");
    await store.put("/api/supplies/stock.json", new Response(JSON.stringify(board.toStock()), { headers }));
    holder.dataset.kept = String(board.seq);
  };

  const setUpWorker = async () => {
    if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
    await navigator.serviceWorker.register("/supplies/worker.js", { scope: holder.dataset.base });
    await keep();
    window.setInterval(keep, KEEP_MS);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") keep(); });
  };

  const setUpPause = () => {
    const button = at("live-pause");
    button.addEventListener("click", () => {
      isPaused = !isPaused;
      button.textContent = say(isPaused ? "live.resume" : "live.pause");
      if (isPaused) { source?.close(); state("paused"); } else renew();
    });
  };

  // When the network is back the page is loaded again; but whoever was going elsewhere at that moment gets there.
  const comeBack = () => {
    let leftAt = 0;
    const reload = () => {
      if (Date.now() - leftAt < LEAVING_MS) window.setTimeout(reload, LEAVING_MS);
      else window.location.reload();
    };
    window.addEventListener("beforeunload", () => { leftAt = Date.now(); });
    window.nodeReach("/supplies/worker.js", reload).away();
  };

  const tick = () => {
    if (isOffline) { tellAge(); return; }
    if (isPaused) return;
    tellChanges();
    if (live.dataset.state === "live") state("live");
  };

  const start = async () => {
    state("loading");
    setUpForm();
    setUpPause();
    try {
      await load();
    } catch (error) {
      holder.dataset.failed = error.message;
      state("failed");
      return;
    }
    await setUpMap().catch((error) => { holder.dataset.failed = error.message; });
    render({ isMoved: true });
    if (isOffline) comeBack();
    else follow();
    window.setInterval(tick, 5_000);
    window.setInterval(() => { if (!isPaused) render(); }, QUIET_S * 1_000);
    await setUpWorker().catch((error) => { holder.dataset.worker = error.message; });
  };
  start();
})();
