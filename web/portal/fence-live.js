// The duty console hears that an alarm of its areas moved, and says so; the lists never move under the reader's hands.
"use strict";
(() => {
  const holder = document.getElementById("fence-live");
  if (!holder || typeof EventSource === "undefined") return;
  const words = JSON.parse(holder.dataset.words);
  const events = new EventSource("/api/feed/stream?service=fence&topic=changed");
  let moved = 0;
  events.addEventListener("changed", () => {
    moved += 1;
    const again = document.createElement("a");
    again.href = window.location.pathname;
    again.textContent = words.reload;
    holder.replaceChildren(`${words.changed} (${moved}) `, again);
  });
  events.addEventListener("open", () => { holder.dataset.ready = "1"; });
})();
