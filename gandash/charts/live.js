// The loader's script: brings Plotly to the page once, and the one function that draws every live chart.
//
// Chart elements run `chart.js`, a few lines that come with each of their messages; all that is long is sent here, once.
// A chart is drawn by Plotly when its figure changes. The cloud of generated points moves far more often than that, so
// it is moved without Plotly: each star is an SVG path whose place is one attribute (measured: a few milliseconds for
// 1,000 stars; Plotly.restyle takes some fifty times as long). Plotly's own record of the points is kept in step, so
// that zoom, hover and the picture download see what is on screen.

const MOST_REDRAWS = 30; // of a moving cloud, a second
const GLIDE_SHARE = 0.5; // of the main thread's time that moving it may take
const FIGURE_SHARE = 0.04; // of the main thread's time that a chart's new figures may take
const LONGEST_TICK = 2000; // ms; anything longer was a pause, not a tick
const WHEEL_PAUSE = 200; // ms; Plotly stretches the picture after a turn of the wheel and draws it anew a little later
const FAR = 1e5; // pixels

const charts = new Map(); // by key: what is on screen
const parked = new Map(); // by key: figures that came in a message of their own
const mounts = (window.gandashMounts ??= {});
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const touch = matchMedia("(pointer: coarse)");

// ---------------------------------------------------------------------------------------------- points

function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const n = values.length / 2;
  return { x: values.slice(0, n), y: values.slice(n) };
}

function between(from, to, share) {
  const mix = (a, b) => a.map((value, i) => value + share * (b[i] - value));
  return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

const pixel = (value) => Math.max(-FAR, Math.min(FAR, value)).toFixed(1);

// Move the stars to these points. False if Plotly has another number of them on screen (some are not finite, say).
function moveStars(element, points) {
  const place = element.data.length - 1;
  const trace = element._fullData?.[place];
  const record = element.calcdata?.[place];
  const n = points.x.length;
  if (trace?.visible === "legendonly") {
    Object.assign(element.data[place], points);
    return true;
  }
  const stars = trace ? element.querySelectorAll(`.trace${trace.uid} path.point`) : [];
  if (!record || stars.length !== n || record.length !== n) return false;
  const { xaxis, yaxis } = element._fullLayout;
  for (let i = 0; i < n; i++) {
    const x = xaxis.c2p(points.x[i]);
    const y = yaxis.c2p(points.y[i]);
    if (!Number.isFinite(x + y)) return false;
    stars[i].setAttribute("transform", `translate(${pixel(x)},${pixel(y)})`);
    record[i].x = points.x[i];
    record[i].y = points.y[i];
  }
  Object.assign(element.data[place], points);
  Object.assign(trace, points);
  return true;
}

// ---------------------------------------------------------------------------------------------- motion

function draw(chart, points, exact) {
  chart.drawnAt = performance.now();
  if (!moveStars(chart.element, points)) {
    if (!exact) return; // wait for the frame itself rather than let Plotly draw what lies between two
    window.Plotly.restyle(chart.element, { x: [points.x], y: [points.y] }, [chart.element.data.length - 1]);
  }
  chart.shown = points;
  chart.painted = false;
}

function arrive(chart, frame) {
  draw(chart, frame.points, true);
  chart.element.dataset.frames = Number(chart.element.dataset.frames) + 1;
  chart.element.dataset.epoch = frame.epoch;
}

function glide(chart) {
  chart.request = 0;
  if (!chart.queue.length || document.hidden) return;
  const now = performance.now();
  if (!chart.painted) {
    // from the start of a redraw to the next call: the whole of what it cost, painting included; towards the median,
    // which other work that happens to come in between does not move
    chart.cost *= now - chart.drawnAt > chart.cost ? 1.1 : 0.9;
    chart.painted = true;
  }
  const rest = Math.max(1000 / MOST_REDRAWS - 4, chart.cost / GLIDE_SHARE);
  if (now - chart.drawnAt >= rest && !chart.element._dragging && now > chart.pausedUntil) {
    let arrived = null;
    while (chart.queue.length && chart.queue[0].due <= now) arrived = chart.queue.shift();
    if (arrived) {
      chart.from = arrived;
      arrive(chart, arrived);
    } else if (chart.from.points.x.length === chart.queue[0].points.x.length) {
      const { from, queue } = chart;
      draw(chart, between(from.points, queue[0].points, (now - from.due) / (queue[0].due - from.due)), false);
    }
  }
  if (chart.queue.length) chart.request = requestAnimationFrame(() => glide(chart));
}

function takeFrames(chart, data) {
  const fresh = data.frames.filter((frame) => frame.at > chart.seen);
  if (!fresh.length) return;
  const now = performance.now();
  const since = now - chart.tickedAt;
  if (since < LONGEST_TICK) chart.interval += 0.4 * (since - chart.interval);
  chart.tickedAt = now;
  const jump = chart.seen < 0 || !chart.shown || since > LONGEST_TICK * 5 || calm.matches || chart.slept;
  chart.slept = false;
  chart.seen = fresh.at(-1).at;
  const frames = fresh.map((frame) => ({ epoch: frame.epoch, points: decode(frame.points) }));
  if (jump) {
    chart.queue = [];
    arrive(chart, frames.at(-1));
    return;
  }
  // what has not been shown yet shares the time until the next tick with what has come
  const legs = [...chart.queue, ...frames].slice(-6);
  chart.from = { points: chart.shown, due: now };
  chart.queue = legs.map((frame, i) => ({ ...frame, due: now + (chart.interval * (i + 1)) / legs.length }));
  chart.request ||= requestAnimationFrame(() => glide(chart));
}

// ---------------------------------------------------------------------------------------------- figures

function drawFigure(chart, text, data) {
  const figure = JSON.parse(text);
  const { element } = chart;
  const family = getComputedStyle(element).getPropertyValue("--st-font") || getComputedStyle(element).fontFamily;
  figure.layout.font = { ...figure.layout.font, family };
  figure.layout.autosize = true;
  if (touch.matches) figure.layout.dragmode = false; // a finger scrolls the page
  if (data.frames && chart.shown) Object.assign(figure.data.at(-1), chart.shown);
  const began = performance.now();
  window.Plotly.react(element, figure.data, figure.layout, {
    displaylogo: false,
    showSendToCloud: false,
    displayModeBar: touch.matches ? false : "hover",
    scrollZoom: data.zoom && !touch.matches,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { scale: 2, filename: data.key },
  });
  chart.figureAt = performance.now();
  chart.figureCost += 0.5 * (chart.figureAt - began - chart.figureCost);
  chart.text = text;
  chart.size = [element.clientWidth, element.clientHeight];
  if (!data.frames) element.dataset.frames = Number(element.dataset.frames) + 1;
}

function resize(chart) {
  const { element } = chart;
  const size = [element.clientWidth, element.clientHeight];
  if (!chart.text || !size[0] || !size[1] || (size[0] === chart.size[0] && size[1] === chart.size[1])) return;
  chart.size = size;
  window.Plotly.relayout(element, { autosize: true });
}

// Bring what is on screen up to date with the newest data; may be called at any time.
function update(chart) {
  const { data } = chart;
  if (document.hidden || !chart.element.clientWidth) {
    chart.queue = [];
    chart.slept = true;
    return;
  }
  if (data.motion !== chart.motion) {
    chart.motion = data.motion;
    chart.queue = [];
    chart.shown = null;
    chart.seen = -1;
  }
  const park = parked.get(data.key);
  const text = data.figure ?? (park?.version === data.version ? park.figure : null);
  if (text === null) return;
  if (text !== chart.text) {
    const due = chart.text ? chart.figureAt + chart.figureCost / FIGURE_SHARE - performance.now() : 0;
    if (due > 0 || chart.element._dragging) {
      chart.timer ||= setTimeout(() => {
        chart.timer = 0;
        update(chart);
      }, Math.max(due, 50));
      return;
    }
    drawFigure(chart, text, data);
  }
  if (data.frames) takeFrames(chart, data);
}

// ---------------------------------------------------------------------------------------------- life

function mount(parent, key) {
  const element = document.createElement("div");
  element.className = "gandash-chart";
  element.setAttribute("role", "img");
  mounts[key] = (mounts[key] ?? 0) + 1;
  element.dataset.chart = key;
  element.dataset.mounts = mounts[key];
  element.dataset.frames = 0;
  parent.append(element);
  const chart = {
    element, data: null, text: null, motion: null, timer: 0, size: [0, 0], figureAt: 0, figureCost: 0, // figure
    queue: [], from: null, shown: null, seen: -1, slept: false, request: 0, // motion
    interval: 250, tickedAt: -Infinity, drawnAt: 0, cost: 10, painted: true, pausedUntil: 0, // pace
  };
  chart.observer = new ResizeObserver(() => (chart.text ? resize(chart) : chart.data && update(chart)));
  chart.observer.observe(element);
  element.addEventListener("wheel", () => (chart.pausedUntil = performance.now() + WHEEL_PAUSE), { passive: true });
  return chart;
}

function unmount(parent) {
  const chart = parent.gandashChart;
  if (!chart) return;
  clearTimeout(chart.timer);
  cancelAnimationFrame(chart.request);
  chart.observer.disconnect();
  window.Plotly.purge(chart.element);
  chart.element.remove();
  if (charts.get(chart.data.key) === chart) charts.delete(chart.data.key);
  delete parent.gandashChart;
}

function render({ data, parentElement }) {
  if (data.parked) {
    const container = parentElement.closest("[data-testid='stElementContainer']");
    if (container) container.style.display = "none";
    parked.set(data.key, data);
    if (charts.has(data.key)) update(charts.get(data.key));
    return;
  }
  const chart = (parentElement.gandashChart ??= mount(parentElement, data.key));
  chart.data = data;
  chart.element.setAttribute("aria-label", data.label);
  charts.set(data.key, chart);
  update(chart);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) charts.forEach(update);
});

export default function ({ data }) {
  const hub = (window.gandashCharts ??= { waiting: new Map() });
  const begin = () => {
    hub.render = render;
    hub.unmount = unmount;
    hub.waiting.forEach(render);
    hub.waiting.clear();
  };
  if (window.Plotly) {
    begin();
  } else if (!hub.loading) {
    hub.loading = true;
    // As a file of its own, and told that all of it is needed, the browser compiles it beside the main thread
    // (measured: 0.2 s of the main thread instead of 1.1 s).
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob(["//# allFunctionsCalledOnLoad\n", data]));
    script.onload = () => {
      URL.revokeObjectURL(script.src);
      begin();
    };
    document.head.append(script);
  }
}
