// Service worker of the page that checks credentials: keeps that page with its files and pinned issuers, and the last
// status lists, for where there is no network. What is checked never passes here.
"use strict";
const KEPT = "credential-check", LISTS = "credential-lists", WAIT_MS = 4_000;
const base = new URL(self.registration.scope).pathname; // /credentials/verify or /en/credentials/verify

const keep = async () => {
  const store = await caches.open(KEPT);
  const answer = await fetch(base, { credentials: "omit", cache: "no-cache" });
  if (!answer.ok) throw new Error(`page: ${answer.status}`);
  const assets = [...new Set([...(await answer.clone().text()).matchAll(/\/assets\/[\w.@/-]+/g)].map(([address]) => address))];
  for (const address of assets) if (!(await store.match(address))) await store.add(address);
  await store.put(base, answer);
  const wanted = new Set([...assets, "/credentials/verify", "/en/credentials/verify"]);
  for (const request of await store.keys()) if (!wanted.has(new URL(request.url).pathname)) await store.delete(request);
};

const newest = async (request, name, key) => {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (name === LISTS && answer.ok) await (await caches.open(name)).put(key, answer.clone());
    return answer;
  } catch {
    return (await (await caches.open(name)).match(key)) ?? Response.error();
  }
};

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(newest(request, KEPT, base));
    event.waitUntil(keep().catch(() => undefined));
  } else if (pathname.startsWith("/credentials/status/")) event.respondWith(newest(request, LISTS, pathname));
  else if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.open(KEPT).then((store) => store.match(request)).then((kept) => kept ?? fetch(request)));
  }
});
