// Enhancements that every page can live without: focus on the error summary, copy buttons, the session token for htmx.
"use strict";
(() => {
  const isEnglish = document.documentElement.lang === "en";
  document.getElementById("error-summary")?.focus();

  for (const block of document.querySelectorAll(".code-block")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = isEnglish ? "Copy" : "複製";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = isEnglish ? "Copied" : "已複製";
    });
    block.querySelector(".code-name").append(button);
  }

  // A publish in progress asks again until it has ended; each answer replaces the part that says how it stands.
  document.addEventListener("submit", (event) => {
    const button = event.target.querySelector?.("button[type=submit].button-primary");
    if (button && event.target.method === "post" && event.target.enctype === "multipart/form-data") {
      button.disabled = true;
      button.textContent = isEnglish ? "Sending…" : "傳送中…";
    }
  });
})();
