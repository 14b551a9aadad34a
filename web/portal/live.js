// A live table's age and state, kept up to date while its page is open: at once when the change feed tells of a new
// version, and every minute for the age. The reader can stop it (WCAG 2.2.2); the rows on the page never move by themselves.
"use strict";
(() => {
  const holder = document.getElementById("fresh");
  if (!holder || !holder.dataset.address || typeof EventSource === "undefined") return;
  const words = JSON.parse(holder.dataset.words);
  const told = document.getElementById("fresh-told");
  const number = () => holder.querySelector("[data-number]").dataset.number;
  const first = number();
  let isPaused = false;

  const renew = async () => {
    if (isPaused) return;
    const answer = await fetch(holder.dataset.address, { cache: "no-cache" }).catch(() => null);
    if (!answer?.ok) return;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    holder.replaceChildren(...parsed.body.childNodes);
    if (number() === first || told.dataset.number === number()) return;
    told.dataset.number = number();
    const again = document.createElement("a");
    again.href = window.location.href;
    again.textContent = words.reload;
    told.replaceChildren(words.changed.replace("{number}", number()), " ", again);
  };

  const events = new EventSource("/api/feed/stream?service=opendata");
  for (const topic of ["version.published", "version.renewed", "source.held", "source.failed", "source.recovered"]) {
    events.addEventListener(topic, (event) => {
      if (JSON.parse(event.data).subject === holder.dataset.subject) renew();
    });
  }
  events.addEventListener("open", () => { holder.dataset.ready = "1"; });
  window.setInterval(renew, 60_000);

  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = words.pause;
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    button.textContent = isPaused ? words.resume : words.pause;
    renew();
  });
  holder.after(button);
})();
