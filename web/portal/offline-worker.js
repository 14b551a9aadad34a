// Service worker of the offline counter (scope /rationing/offline and /en/rationing/offline): keeps the page without
// anybody's session, and its files. Receipts, leases and cards never pass here.
"use strict";
const KEPT = "rationing-offline", WAIT_MS = 4_000;
const base = new URL(self.registration.scope).pathname;

const keep = async () => {
  const store = await caches.open(KEPT);
  const answer = await fetch(base, { credentials: "omit", cache: "no-cache" });
  if (!answer.ok) throw new Error(`page: ${answer.status}`);
  const assets = [...new Set([...(await answer.clone().text()).matchAll(/\/assets\/[\w.@/-]+/g)].map(([address]) => address))];
  for (const address of assets) if (!(await store.match(address))) await store.add(address);
  await store.put(base, answer);
  const wanted = new Set([...assets, "/rationing/offline", "/en/rationing/offline"]);
  for (const request of await store.keys()) if (!wanted.has(new URL(request.url).pathname)) await store.delete(request);
};

const page = async (request) => {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.status < 500) return answer;
  } catch { /* no network: the kept page */ }
  return (await (await caches.open(KEPT)).match(base)) ?? Response.error();
};

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(page(request));
    event.waitUntil(keep().catch(() => undefined));
  } else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.open(KEPT).then((store) => store.match(request)).then((kept) => kept ?? fetch(request)));
  }
});
