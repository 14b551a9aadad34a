// Where somebody is, told to the chat by pressing a button: nothing is asked of the browser before, nothing is kept.
"use strict";
(() => {
  const button = document.querySelector("[data-chat-locate]");
  if (!button || !navigator.geolocation) return;
  const form = button.form;
  const told = document.getElementById("chat-locating");
  button.hidden = false;
  button.addEventListener("click", () => {
    told.textContent = button.dataset.locating;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const place = document.createElement("input");
        place.type = "hidden";
        place.name = "place";
        place.value = JSON.stringify([coords.longitude, coords.latitude].map((degrees) => Number(degrees.toFixed(5))));
        form.append(place);
        form.elements.namedItem("text").value = button.textContent.trim();
        form.requestSubmit();
      },
      () => { told.textContent = button.dataset.failed; },
      { maximumAge: 60_000, timeout: 15_000 });
  });
})();
