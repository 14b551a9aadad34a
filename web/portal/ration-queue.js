// The number served now, asked again now and then while the page is looked at. Without this script the link does it.
"use strict";
(() => {
  const serving = document.getElementById("queue-serving");
  if (!serving) return;
  const EVERY_MS = 15_000;
  const put = (id, value) => {
    const place = document.getElementById(id);
    if (place && place.textContent !== String(value)) place.textContent = String(value);
  };
  const look = async () => {
    if (document.hidden) return;
    const reply = await fetch(serving.dataset.api, { headers: { accept: "application/json" } }).catch(() => null);
    if (!reply?.ok) return;
    const queue = await reply.json();
    if (queue.serving) put("queue-serving", queue.serving);
    put("queue-waiting", queue.waiting);
    put("queue-ahead", queue.ahead);
  };
  window.setInterval(look, EVERY_MS);
})();
