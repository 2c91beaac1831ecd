// Draws a Plotly figure into one element and redraws it in place. Called again at every change of data.

const MOST_REDRAWS = 30; // a second
const SPARE = 0.5; // share of the main thread that gliding may take
const states = new WeakMap();
const mounts = (window.gandashMounts ??= {});

function decode(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const n = values.length / 2;
  return { x: values.slice(0, n), y: values.slice(n) };
}

function font(element) {
  return getComputedStyle(element).fontFamily;
}

function start(parent, key) {
  const element = document.createElement("div");
  element.className = "gandash-chart";
  element.setAttribute("role", "img");
  mounts[key] = (mounts[key] ?? 0) + 1;
  element.dataset.mounts = mounts[key];
  element.dataset.frames = 0;
  parent.append(element);
  const state = {
    element, drawn: null, figure: null, queue: [], shown: null, seen: -1, motion: null,
    tick: 0, interval: 250, cost: 10, last: 0, request: 0, timer: 0, stopped: false, waiting: null,
  };
  state.observer = new ResizeObserver(() => state.drawn && window.Plotly?.Plots.resize(element));
  state.observer.observe(element);
  return state;
}

function whenReady(state, then) {
  if (window.Plotly) return then();
  state.waiting = then;
  if (!state.timer) {
    state.timer = setInterval(() => {
      if (!window.Plotly) return;
      clearInterval(state.timer);
      state.timer = 0;
      state.waiting?.();
    }, 20);
  }
}

function drawFigure(state, data) {
  if (data.figure === state.drawn) return;
  const figure = JSON.parse(data.figure);
  figure.layout.font = { ...figure.layout.font, family: font(state.element) };
  figure.layout.autosize = true;
  const config = { displaylogo: false, responsive: false, scrollZoom: data.zoom, displayModeBar: "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: { scale: 2 } };
  if (state.shown && data.motion === state.motion && figure.data.length) {
    Object.assign(figure.data.at(-1), state.shown); // the cloud stays where it is; `glide` moves it
  }
  window.Plotly.react(state.element, figure.data, figure.layout, config);
  state.figure = figure;
  state.drawn = data.figure;
}

function drawPoints(state, points) {
  const began = performance.now();
  const last = state.figure.data.length - 1;
  window.Plotly.restyle(state.element, { x: [points.x], y: [points.y] }, [last]);
  state.shown = points;
  state.last = performance.now();
  state.cost = 0.8 * state.cost + 0.2 * (state.last - began);
}

function between(from, to, share) {
  const mix = (a, b) => a.map((value, i) => value + share * (b[i] - value));
  return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

function arrive(state, frame) {
  drawPoints(state, frame.points);
  state.element.dataset.frames = Number(state.element.dataset.frames) + 1;
  state.element.dataset.epoch = frame.epoch;
}

function glide(state) {
  state.request = 0;
  if (state.stopped || !state.queue.length) return;
  const now = performance.now();
  const leg = state.queue[0];
  leg.from ??= state.shown ?? leg.frame.points;
  leg.began ??= now;
  const share = Math.min(1, (now - leg.began) / leg.duration);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (share >= 1) {
    state.queue.shift();
    arrive(state, leg.frame);
  } else if (!still && leg.from.x.length === leg.frame.points.x.length) {
    const rest = Math.max(1000 / MOST_REDRAWS, state.cost / SPARE);
    if (now - state.last >= rest) drawPoints(state, between(leg.from, leg.frame.points, share));
  }
  if (state.queue.length) state.request = requestAnimationFrame(() => glide(state));
}

function takeFrames(state, data) {
  if (data.motion !== state.motion) {
    state.motion = data.motion;
    state.queue = [];
    state.shown = null;
    state.seen = -1;
  }
  const fresh = data.frames.filter((frame) => frame.at > state.seen);
  if (!fresh.length) return;
  const now = performance.now();
  if (state.tick) state.interval = Math.min(1000, 0.6 * state.interval + 0.4 * (now - state.tick));
  state.tick = now;
  const first = state.seen < 0;
  state.seen = fresh.at(-1).at;
  const frames = fresh.map((frame) => ({ epoch: frame.epoch, points: decode(frame.points) }));
  if (first || document.hidden) {
    state.queue = [];
    return arrive(state, frames.at(-1));
  }
  // what has not been played yet shares the time with what has come
  const legs = [...state.queue.map((leg) => leg.frame), ...frames].slice(-6);
  state.queue = legs.map((frame) => ({ frame, duration: state.interval / legs.length }));
  if (!state.request) state.request = requestAnimationFrame(() => glide(state));
}

export default function ({ data, parentElement }) {
  let state = states.get(parentElement);
  if (!state) {
    state = start(parentElement, data.key);
    states.set(parentElement, state);
  }
  state.element.setAttribute("aria-label", data.label);
  whenReady(state, () => {
    if (data.motion !== state.motion) state.shown = null;
    drawFigure(state, data);
    takeFrames(state, data);
  });
  return () => {
    state.stopped = true;
    clearInterval(state.timer);
    cancelAnimationFrame(state.request);
    state.observer.disconnect();
    window.Plotly?.purge(state.element);
    state.element.remove();
    states.delete(parentElement);
  };
}
