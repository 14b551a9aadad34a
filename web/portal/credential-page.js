// The page that checks a shown credential, in this browser and without the network: what is pasted or read from a file or
// a picture of a QR code goes nowhere. Its worker keeps the page, the pinned issuers and the last status lists.
"use strict";
(() => {
  const form = document.getElementById("check"), told = document.getElementById("told");
  if (!form || !told || !window.credentialCheck || !window.crypto?.subtle) return;
  const words = JSON.parse(document.getElementById("check-words").textContent);
  const pinned = JSON.parse(document.getElementById("check-issuers").textContent);
  const text = document.getElementById("f-text"), file = document.getElementById("f-file");
  const { base, qr, worker } = form.dataset;
  const MOST_FILE = 8_388_608, WAIT_MS = 4_000, SIDE = 2_000;
  for (const one of document.querySelectorAll("[data-script]")) one.hidden = one.dataset.script === "without";

  const now = () => Math.floor(Date.now() / 1000);
  const when = (at) => new Date(at * 1000).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });

  const element = (name, content, attributes = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...[content].flat());
    return made;
  };

  const row = (label, value) => element("div", [element("dt", label), element("dd", value)]);

  // What was shown, nested as it is; every value as text.
  const shown = (value) => {
    if (Array.isArray(value)) return element("ol", value.map((one) => element("li", shown(one))));
    if (value === null || typeof value !== "object") return String(value ?? "");
    return element("dl", Object.entries(value).map(([name, one]) => row(name, shown(one))), { class: "facts" });
  };

  const good = ({ issuer, shown: claims, expires, bound, status, place }) => {
    const about = element("dl", [
      row(words.issuer, issuer),
      row(words.expires, expires ? when(expires) : words.never),
      row(words.binding, bound ? `${words.bound} ${bound.audience} · ${when(bound.at)}` : words.unbound),
      row(words.status, status ? `${words.status_good} ${when(status.at)}` : place ? words.status_unknown : words.status_none),
    ], { class: "facts" });
    const isSure = bound && (status || !place);
    const banner = element("div", element("p", isSure ? words.holds : words.holds_but, { class: "banner-title" }), { class: `banner banner-${isSure ? "done" : "warn"}` });
    return [banner, element("h3", words.shown), shown(claims), element("h3", words.about), about];
  };

  const bad = (reason) => {
    const says = words.refused[reason] ?? words.refused.shape;
    return [element("div", [element("p", words.fails, { class: "banner-title" }), element("p", says)], { class: "banner banner-wrong" })];
  };

  const tell = (parts) => {
    told.replaceChildren(element("h2", words.result, { id: "told-title", tabindex: "-1" }), ...parts);
    told.hidden = false;
    document.getElementById("told-title").focus();
  };

  // The issuer's status list: asked of this site only, and only for its address; the worker gives the last one offline.
  const listOf = async (place) => {
    if (!place || new URL(place.uri, window.location).origin !== window.location.origin) return [];
    const answer = await fetch(place.uri, { credentials: "omit", cache: "no-cache", signal: AbortSignal.timeout(WAIT_MS) }).catch(() => null);
    return answer?.ok ? [await answer.text()] : [];
  };

  const check = async () => {
    const asked = { pinned, now: now(), audience: form.elements.audience.value.trim(), nonce: form.elements.nonce.value.trim() };
    const first = await credentialCheck.check(text.value, asked);
    const lists = await listOf(first.place);
    return lists.length ? credentialCheck.check(text.value, { ...asked, lists }) : first;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      tell(good(await check()));
    } catch (error) {
      tell(bad(error instanceof credentialCheck.Refused ? error.reason : "shape"));
    }
  });

  // A file: the text of a credential, or a picture of its QR code.
  const scanned = async (picture) => {
    const bitmap = await createImageBitmap(picture), scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = element("canvas", []);
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    const pen = canvas.getContext("2d");
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const { default: decode } = await import(qr);
    return decode(pen.getImageData(0, 0, canvas.width, canvas.height));
  };

  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      if (chosen.size > MOST_FILE) throw new Error("too large");
      text.value = chosen.type.startsWith("image/") ? await scanned(chosen) : (await chosen.text()).trim();
      form.requestSubmit();
    } catch {
      tell(bad("file"));
    }
  });

  if (worker && navigator.serviceWorker) navigator.serviceWorker.register(worker, { scope: base }).catch(() => undefined);
})();
