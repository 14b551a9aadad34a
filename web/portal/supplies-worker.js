// Service worker of the stock map (scope /supplies and /en/supplies). It keeps the empty shell of the map, the files it
// needs, and the last stock; with a network it stays out of the way. It never keeps a page of anybody's session: the
// shell is asked for without credentials, and nothing but stock, places, notices and assets is kept.
"use strict";
const SHELL = "supplies-shell", STOCK = "supplies-stock", DOCUMENTS = "supplies-documents";
const ADDRESS = "/api/supplies/stock.json";
const WAIT_MS = 6_000;
const base = new URL(self.registration.scope).pathname; // /supplies or /en/supplies

const keepShell = async () => {
  const store = await caches.open(SHELL);
  const answer = await fetch(`${base}/shell`, { credentials: "omit", cache: "no-cache" });
  if (!answer.ok) throw new Error(`shell: ${answer.status}`);
  const page = await answer.clone().text();
  const assets = [...new Set([...page.matchAll(/\/assets\/[\w.@/-]+/g)].map(([address]) => address))];
  for (const address of assets) if (!(await store.match(address))) await store.add(address);
  await store.put(`${base}/shell`, answer);
  const wanted = new Set([...assets, "/supplies/shell", "/en/supplies/shell"]);
  for (const request of await store.keys()) if (!wanted.has(new URL(request.url).pathname)) await store.delete(request);
};

const intime = (request, options) => fetch(request, { ...options, signal: AbortSignal.timeout(WAIT_MS) });

const page = async (request) => {
  try {
    return await intime(request);
  } catch {
    return (await (await caches.open(SHELL)).match(`${base}/shell`)) ?? Response.error();
  }
};

// The newest stock, else the kept one, whose X-Kept-At says how old it is.
const stock = async (request) => {
  try {
    return await intime(request);
  } catch {
    return (await (await caches.open(STOCK)).match(ADDRESS)) ?? Response.error();
  }
};

// Places and notices: their address is their content's hash, so a kept one is right for ever; the two newest stay.
const documentOf = async (request) => {
  const store = await caches.open(DOCUMENTS);
  const known = await store.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await store.put(request, answer.clone());
    const kind = new URL(request.url).pathname.split("/")[3];
    const same = (await store.keys()).filter((one) => new URL(one.url).pathname.split("/")[3] === kind);
    for (const old of same.slice(0, -2)) await store.delete(old);
  }
  return answer;
};

const asset = async (request) => (await (await caches.open(SHELL)).match(request)) ?? fetch(request);

self.addEventListener("install", (event) => event.waitUntil(keepShell().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(page(request));
    event.waitUntil(keepShell().catch(() => undefined)); // a new version of the portal brings new files
  } else if (pathname === ADDRESS) event.respondWith(stock(request));
  else if (/^\/api\/supplies\/(places|notices)\//.test(pathname)) event.respondWith(documentOf(request));
  else if (pathname.startsWith("/assets/")) event.respondWith(asset(request));
});
