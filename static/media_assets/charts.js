"use strict";

// Draws the figures: canvases with data-chart, from the JSON block "figures-drawn". The library is
// loaded when the first of them is to be seen. Colours are those of the marks in front of elements
// with data-tone.

const SECONDS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 259200];
const UNITS = [["s", 1], ["min", 60], ["h", 3600], ["d", 86400]];
const MOST_SECONDS_OF_UNIT = { s: 90, min: 5400, h: 129600, d: Infinity };
const charts = new Map();
let library = null;

function loadLibrary(address) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
  return library;
}

function numberIn(words, value) {
  const digits = value < 9.95 && !Number.isInteger(value) ? 1 : 0;
  const [whole, part] = value.toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, words.thousands);
  return part && part !== "0" ? grouped + words.decimal + part : grouped;
}

function durationIn(words, seconds) {
  const [unit, length] = UNITS.find(([name]) => seconds < MOST_SECONDS_OF_UNIT[name]);
  return `${numberIn(words, seconds / length)}\u00a0${unit}`;
}

function seriesOf(canvas, drawn) {
  const names = canvas.dataset.chart === "times" ? ["median", "p95"] : ["ready", "failed", "others"];
  const panel = canvas.closest("section");
  return names
    .map((name) => ({ name, legend: panel.querySelector(`[data-tone="${name}"]`) }))
    .filter(({ legend }) => legend)
    .map(({ name, legend }) => ({ label: legend.dataset.label, data: drawn[name], legend }));
}

// Computed colours: a custom property itself may hold what a canvas does not understand.
function colour(settings, canvas) {
  const around = getComputedStyle(canvas.parentElement);
  for (const series of settings.data.datasets) {
    series.backgroundColor = series.borderColor = getComputedStyle(series.legend, "::before").backgroundColor;
  }
  for (const scale of Object.values(settings.options.scales)) {
    scale.ticks.color = around.color;
    scale.grid.color = scale.border.color = around.borderTopColor;
  }
}

function scalesOf(isTimes, drawn) {
  const across = { grid: { display: false }, border: {}, ticks: { maxRotation: 0, autoSkipPadding: 16 } };
  if (isTimes) {
    const ticks = { callback: (value) => durationIn(drawn, value), autoSkip: true };
    const afterBuildTicks = (axis) => {
      const inside = SECONDS.filter((value) => value >= axis.min && value <= axis.max);
      const every = Math.ceil(inside.length / 6);
      axis.ticks = inside.filter((_, index) => index % every === 0).map((value) => ({ value }));
    };
    return { x: across, y: { type: "logarithmic", grid: {}, border: {}, ticks, afterBuildTicks } };
  }
  const ticks = { precision: 0, maxTicksLimit: 6, callback: (value) => numberIn(drawn, value) };
  return {
    x: { ...across, stacked: true },
    y: { stacked: true, beginAtZero: true, grid: {}, border: {}, ticks },
  };
}

function draw(canvas, drawn) {
  const isTimes = canvas.dataset.chart === "times";
  const written = isTimes ? durationIn : numberIn;
  const shape = isTimes ? { borderWidth: 2, pointRadius: 2, spanGaps: true } : { maxBarThickness: 28 };
  const label = ({ dataset, parsed }) => ` ${dataset.label}: ${written(drawn, parsed.y)}`;
  const settings = {
    type: isTimes ? "line" : "bar",
    data: { labels: drawn.labels, datasets: seriesOf(canvas, drawn).map((one) => ({ ...one, ...shape })) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: scalesOf(isTimes, drawn),
      plugins: { legend: { display: false }, tooltip: { callbacks: { label } } },
    },
  };
  colour(settings, canvas);
  charts.set(canvas, new Chart(canvas, settings));
}

async function drawAll() {
  for (const [canvas, chart] of charts) {
    if (canvas.isConnected) continue;
    chart.destroy();
    charts.delete(canvas);
  }
  const shown = [...document.querySelectorAll("[data-figures] canvas[data-chart]")];
  const wanted = () =>
    shown.filter((canvas) => !charts.has(canvas) && !canvas.closest("details:not([open])"));
  if (!wanted().length) return;
  await loadLibrary(shown[0].closest("[data-figures]").dataset.library);
  const drawn = JSON.parse(document.getElementById("figures-drawn").textContent);
  for (const canvas of wanted()) draw(canvas, drawn);
}

function isRemembered(name) {
  try {
    return localStorage.getItem(`open-${name}`) === "yes";
  } catch {
    return false; // Storage may be refused: it then stays closed.
  }
}

function remember(details) {
  try {
    localStorage.setItem(`open-${details.dataset.remember}`, details.open ? "yes" : "no");
  } catch {
    // As above.
  }
}

// "toggle" does not bubble; it is caught on its way down.
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.dataset.remember) remember(event.target);
    if (event.target.closest("[data-figures]")) drawAll();
  },
  true,
);

document.addEventListener("htmx:load", (event) => {
  for (const details of event.target.parentElement?.querySelectorAll("details[data-remember]") ?? []) {
    details.open ||= isRemembered(details.dataset.remember);
  }
  drawAll();
});

new MutationObserver(() => {
  for (const [canvas, chart] of charts) {
    colour(chart, canvas);
    chart.update("none");
  }
}).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

drawAll();
