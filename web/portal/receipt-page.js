// The page that checks a receipt of the log in this browser: what is chosen or pasted goes nowhere, and once the page is
// open it needs no network. The keys are those the page came with, or others that somebody pastes.
"use strict";
(() => {
  const form = document.getElementById("receipt"), told = document.getElementById("told");
  if (!form || !told || !window.receiptCheck || !window.crypto?.subtle) return;
  const words = JSON.parse(document.getElementById("receipt-words").textContent);
  const pinned = JSON.parse(document.getElementById("receipt-keys").textContent);
  const text = document.getElementById("f-text"), file = document.getElementById("f-file"), keys = document.getElementById("f-keys");
  const MOST_FILE = 1_000_000;
  for (const one of document.querySelectorAll("[data-script]")) one.hidden = one.dataset.script === "without";

  const when = (at) => new Date(at * 1000).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  const element = (name, content, attributes = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...[content].flat());
    return made;
  };
  const row = (label, value) => element("div", [element("dt", label), element("dd", value)]);
  const shown = (value) => {
    if (Array.isArray(value)) return value.map(String).join(", ");
    if (value === null || typeof value !== "object") return String(value ?? "");
    return element("dl", Object.entries(value).map(([name, one]) => row(words.names[name] ?? name, shown(one))), { class: "facts" });
  };
  const readable = (record) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, name === "at" || name === "reveal_after" ? when(value) : value]));

  const good = ({ index, origin, size, root, entry, record, witnesses, unchecked }) => {
    const seen = witnesses.length ? witnesses.map(({ name, at }) => `${name} (${when(at)})`).join(", ") : words.nobody;
    const about = [row(words.origin, origin), row(words.index, index), row(words.size, size), row(words.root, element("code", root)), row(words.witnesses, seen)];
    if (unchecked.length) about.push(row(words.unchecked, words.unchecked_text));
    return [
      element("div", [element("p", words.holds, { class: "banner-title" })], { class: "banner banner-done" }),
      element("h3", record ? words.record : words.entry), shown(record ? readable(record) : entry),
      element("h3", words.about), element("dl", about, { class: "facts" }),
    ];
  };
  const bad = (reason) => [
    element("div", [element("p", words.fails, { class: "banner-title" }), element("p", words.refused[reason] ?? words.refused.shape)], { class: "banner banner-wrong" }),
  ];
  const tell = (parts) => {
    told.replaceChildren(element("h2", words.result, { id: "told-title", tabindex: "-1" }), ...parts);
    told.hidden = false;
    document.getElementById("told-title").focus();
  };

  const check = async (raw) => {
    const own = keys.value.trim().split("\n").filter((line) => line.trim());
    const asked = own.length ? { keys: own } : pinned;
    try {
      tell(good(await receiptCheck.check(raw, asked)));
    } catch (error) {
      tell(bad(error instanceof receiptCheck.Refused ? error.reason : "shape"));
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pasted = text.value.replaceAll("\r\n", "\n");
    check(new TextEncoder().encode(pasted.endsWith("\n") ? pasted : `${pasted}\n`));
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (chosen) await (chosen.size > MOST_FILE ? tell(bad("shape")) : check(new Uint8Array(await chosen.arrayBuffer())));
  });
})();
