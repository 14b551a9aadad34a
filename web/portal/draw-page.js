// The page that checks a receipt of a draw in this browser: what is pasted goes nowhere, and once the page is open it
// needs no network. It is held against what the page came with.
"use strict";
(() => {
  const form = document.getElementById("receipt"), told = document.getElementById("told");
  if (!form || !told || !window.drawCheck || !window.crypto?.subtle) return;
  const words = JSON.parse(document.getElementById("draw-words").textContent);
  const pinned = JSON.parse(document.getElementById("draw-pinned").textContent);
  for (const one of document.querySelectorAll("[data-script]")) one.hidden = one.dataset.script === "without";

  const element = (name, content, attributes = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...[content].flat());
    return made;
  };
  const row = (label, value) => element("div", [element("dt", label), element("dd", value)]);
  const code = (text) => element("code", text);

  const good = ({ index, count, rank, won, root, seed, isPinned }) => {
    const rows = rank ? [row(words.told.rank, `${rank} / ${count}: ${won ? words.told.won : words.told.reserve}`)] : [];
    rows.push(row(words.told.index, `${index + 1} / ${count}`), row(words.told.root, code(root)));
    if (seed) rows.push(row(words.told.seed, code(seed)));
    return [
      element("div", [element("p", words.told.holds, { class: "banner-title" })], { class: "banner banner-done" }),
      element("p", rank ? [] : words.told.listed),
      element("p", isPinned ? words.told.pinned : words.told.unpinned),
      element("dl", rows, { class: "facts" }),
    ];
  };
  const bad = (reason) => [
    element("div", [element("p", words.told.fails, { class: "banner-title" }), element("p", words.refused[reason] ?? words.refused.shape)], { class: "banner banner-wrong" }),
  ];
  const tell = (parts) => {
    told.replaceChildren(element("h2", words.told.result, { id: "told-title", tabindex: "-1" }), ...parts);
    told.hidden = false;
    document.getElementById("told-title").focus();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      tell(good(await drawCheck.check(document.getElementById("f-text").value, pinned)));
    } catch (error) {
      tell(bad(error instanceof drawCheck.Refused ? error.reason : "shape"));
    }
  });
})();
