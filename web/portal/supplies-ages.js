// How the stock map speaks in the page's language: the server's own sentences, its numbers, times and ages. And every age
// on a page is kept true while the page is open: only the words beside a time change, nothing moves.
"use strict";
const stockMap = (() => {
  const given = document.getElementById("stock-words");
  const words = given ? JSON.parse(given.textContent) : {};
  const TAIPEI_S = 8 * 3600;
  const STEPS = [["years_ago", 31557600], ["months_ago", 2629800], ["days_ago", 86400], ["hours_ago", 3600], ["minutes", 60]];
  let ahead = 0; // seconds by which the server's clock is ahead of this one

  const say = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const number = (value) => value.toLocaleString("en");
  const now = () => Date.now() / 1000 + ahead;
  const setNow = (at) => { ahead = at - Date.now() / 1000; };
  const taipei = (at) => new Date((at + TAIPEI_S) * 1000);
  const moment = (at) => taipei(at).toISOString().slice(0, 16).replace("T", " ");
  const iso = (at) => new Date(Math.floor(at) * 1000).toISOString().replace(".000Z", "Z");
  const seconds = (text) => (text ? Date.parse(text) / 1000 : 0);

  const age = (at) => {
    const passed = now() - at;
    if (passed < 60) return say("card.now");
    const [key, length] = STEPS.find(([, each]) => passed >= each);
    const count = Math.floor(passed / length);
    return say(count === 1 ? `card.${key}_one` : `card.${key}`, { count });
  };

  const far = (metres) => {
    if (metres < 1000) return `${metres >= 100 ? Math.floor((metres + 5) / 10) * 10 : metres} m`;
    const tenths = Math.floor((metres + 50) / 100);
    return tenths % 10 && metres < 10000 ? `${Math.floor(tenths / 10)}.${tenths % 10} km` : `${Math.floor((metres + 500) / 1000)} km`;
  };

  const renewAges = () => {
    for (const one of document.querySelectorAll(".age[data-of]")) {
      const text = say("card.aside", { text: age(seconds(one.dataset.of)) });
      if (one.textContent !== text) one.textContent = text;
    }
  };
  if (given?.dataset.now) setNow(Number(given.dataset.now));
  if (given) window.setInterval(renewAges, 15_000);
  return { words, say, number, now, setNow, taipei, moment, iso, seconds, age, far, renewAges, ahead: () => ahead };
})();
