// Draws the page's chart with Chart.js over the server's SVG, which stays for print and for readers without script.
"use strict";
(() => {
  const holder = document.querySelector("[data-chart]");
  const source = holder && document.getElementById(holder.dataset.chart);
  if (!holder || !source || typeof Chart === "undefined") return;
  const data = JSON.parse(source.textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const drawn = holder.querySelector("svg");
  const box = document.createElement("div");
  box.className = "chart-canvas";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", drawn.querySelector("title").textContent);
  box.append(canvas);
  holder.append(box);
  drawn.classList.add("print-only");
  const isBar = data.kind === "bar";
  const isLine = data.kind === "line";
  if (isBar) box.style.height = `${Math.max(12, data.labels.length * 1.75 + 4)}rem`;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 14;
  Chart.defaults.color = colour("--ink");
  Chart.defaults.borderColor = colour("--line");
  new Chart(canvas, {
    type: isLine ? "line" : "bar",
    data: {
      labels: data.labels,
      datasets: data.series.map((series, place) => ({
        label: series.name,
        data: series.values,
        backgroundColor: colour(`--s${place % 6}`),
        borderColor: colour(`--s${place % 6}`),
        borderRadius: isBar ? 3 : 0,
        ...(data.kind === "histogram" ? { barPercentage: 1, categoryPercentage: 0.97 } : {}),
        pointRadius: data.labels.length > 60 ? 0 : 3,
        tension: 0,
      })),
    },
    options: {
      indexAxis: isBar ? "y" : "x",
      maintainAspectRatio: false,
      animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
      plugins: { legend: { display: data.series.length > 1 } },
    },
  });
})();
