// A kiosk's screen goes back to its first page when nobody touches it, after asking (WCAG 2.2.1).
"use strict";
(() => {
  const dialog = document.getElementById("kiosk-warning");
  if (!dialog?.showModal) return;
  const { idle, warning, home } = dialog.dataset;
  const left = dialog.querySelector("[data-left]");
  const isHome = window.location.pathname === home && !window.location.search;
  let quiet = 0;

  const touched = () => {
    quiet = 0;
    if (dialog.open) dialog.close();
  };
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart", "input"]) {
    document.addEventListener(kind, touched, { passive: true });
  }
  dialog.addEventListener("close", () => { quiet = 0; });
  const clock = window.setInterval(() => {
    quiet += 1;
    const rest = Number(idle) + Number(warning) - quiet;
    if (isHome && quiet >= Number(idle)) { quiet = 0; return; }
    if (rest <= 0) {
      window.clearInterval(clock); // asked again each second, a slow network's page would never arrive
      window.location.replace(home);
      return;
    }
    if (rest > Number(warning)) return;
    left.textContent = String(rest);
    if (!dialog.open) dialog.showModal();
  }, 1_000);
})();
