// A button that prints. A kiosk's link opens the paper already asked to be printed.
"use strict";
(() => {
  const button = document.getElementById("print-now");
  if (!button) return;
  button.hidden = false;
  document.getElementById("print-how").hidden = true;
  button.addEventListener("click", () => window.print());
  if (new URLSearchParams(window.location.search).has("print")) window.print();
})();
