// The map of alerts to drag, and the polygon that an author draws. Without script the server's picture and the boxes stay.
"use strict";
(() => {
  if (typeof L === "undefined" || typeof topojson === "undefined") return;

  const read = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.json();
  };

  const colours = { Extreme: "#7a1fa2", Severe: "#b3261e" };

  const opened = async (holder) => {
    const canvas = L.canvas();
    const map = L.map(holder, { renderer: canvas, zoomControl: false, attributionControl: false, minZoom: 5, maxZoom: 14 });
    L.control.zoom({ zoomInTitle: holder.dataset.in, zoomOutTitle: holder.dataset.out }).addTo(map);
    map.fitBounds([[21.8, 119.3], [25.4, 122.1]]);
    const topology = await read(holder.dataset.ground);
    const land = topojson.feature(topology, topology.objects.counties);
    L.geoJSON(land, { interactive: false, style: { color: "#8a8675", weight: 0.8, fillColor: "#f6f4ec", fillOpacity: 1 } }).addTo(map);
    return map;
  };

  const board = async (picture) => {
    const found = await read(picture.dataset.feed);
    const holder = document.createElement("div");
    holder.className = "alert-live";
    Object.assign(holder.dataset, picture.dataset);
    holder.setAttribute("role", "region");
    holder.setAttribute("aria-label", picture.dataset.label);
    picture.before(holder);
    try {
      const map = await opened(holder);
      // What an alert says is an officer's text: it becomes a text node, never markup.
      L.geoJSON(found, {
        style: (one) => ({ color: colours[one.properties.severity] || "#b25c00", weight: 2, fillOpacity: 0.4 }),
        onEachFeature: (one, layer) => {
          const link = document.createElement("a");
          link.href = `${picture.dataset.lang === "en" ? "/en" : ""}/alerts/${one.properties.id}`;
          link.textContent = one.properties.headline[picture.dataset.lang] || one.properties.headline["zh-Hant"];
          layer.bindPopup(link);
        },
      }).addTo(map);
      // Another agency's lie under dashes, and their names say whose they are. Without them the map is still ours.
      read(picture.dataset.others).then((others) => L.geoJSON(others, {
        style: { color: "#5b5b52", weight: 2, dashArray: "2 5", fillOpacity: 0.15 },
        onEachFeature: (one, layer) => {
          const link = document.createElement("a");
          link.href = `${picture.dataset.lang === "en" ? "/en" : ""}/alerts/others#${one.properties.id}`;
          const said = (texts) => texts[picture.dataset.lang] || texts["zh-Hant"] || "";
          link.textContent = `${picture.dataset.theirs} (${said(one.properties.source)}): ${said(one.properties.headline)}`;
          layer.bindPopup(link);
        },
      }).addTo(map)).catch(() => {});
      picture.hidden = true;
    } catch (failure) {
      holder.remove();
    }
  };

  const draw = async (holder) => {
    const box = document.getElementById("f-polygon");
    if (!box) return;
    holder.hidden = false;
    holder.classList.add("alert-draw");
    holder.setAttribute("role", "region");
    holder.setAttribute("aria-label", holder.dataset.label);
    const map = await opened(holder);
    const shape = L.polygon([], { color: "#b3261e" }).addTo(map);
    const points = () => (box.value.match(/-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?/g) || []).map((pair) => pair.split(",").map(Number));
    const show = () => shape.setLatLngs(points());
    box.addEventListener("input", show);
    map.on("click", (event) => {
      const { lat, lng } = event.latlng;
      box.value = `${box.value.trim()} ${lat.toFixed(5)},${lng.toFixed(5)}`.trim();
      show();
    });
    const clear = document.createElement("button");
    clear.type = "button";
    clear.className = "button button-secondary";
    clear.textContent = holder.dataset.clear;
    clear.addEventListener("click", () => { box.value = ""; show(); });
    holder.after(clear);
    show();
  };

  const picture = document.getElementById("alerts-map");
  if (picture && picture.dataset.ground) board(picture).catch(() => {});
  const sheet = document.getElementById("alerts-draw");
  if (sheet && sheet.dataset.ground) draw(sheet).catch(() => { sheet.hidden = true; });
})();
