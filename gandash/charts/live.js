// Draws every chart of a page from the run's stream; charts of one run share one connection.
//
// What a chart looks like, its scene, comes from the page's script and is drawn at once; what it shows comes by the
// stream. A chart is drawn by Plotly when its scene or its curves change. Clouds of points are many, and the generated one
// moves far more often than that: they are drawn without Plotly (`stars.js`).
//
// A chart's axes are in one of three views: "home", the ranges of its figure; "fit", everything there is; or "own", what
// the user made of them, which lasts for as long as the figure's `uirevision` does.

import { colours, onTurn, sceneOf, theme } from "./colours.js";
import { curveFigure } from "./curves.js";
import { afterPaint, child, sayUnseen } from "./elements.js";
import { follow } from "./follow.js";
import { inStep, paintLayers, trail } from "./layers.js";
import { moment, wordsAt } from "./moment.js";
import { between, countOutside, decode, fittedRanges, outside, outsideText, scaled } from "./points.js";
import { mark } from "./phase.js";
import { recolour, turnedInto } from "./recolour.js";
import { play } from "./recording.js";
import { DOTS, makeSky, paint, paintAll, paintPhase, plotted, record, STARS, unseen } from "./stars.js";
import { watch } from "./stream.js";
import { switches } from "./switches.js";

const MOST_REDRAWS = 30; // of a moving cloud, a second
const GLIDE_SHARE = 0.5; // of the main thread's time that moving it may take
const FIGURE_SHARE = 0.04; // of the main thread's time that new data of a chart's figure may take
const LONGEST_GAP = 2000; // ms between messages; anything longer was a pause of the training
const LATEST_LOAD = 5000; // ms, until Plotly is loaded even if the page's buttons are not there yet
const LATEST_IDLE = 1000; // ms, until it is then loaded whatever else the page does
const DELAY = 0.4; // of the time between two messages, by which the points lag behind, so that a late one is not seen
const MOST_WAITING = 12; // frames
const VISIT_MS = 140; // in which points get to where they were at a past epoch
const REST_MS = 80; // in which they come to rest
const LEGEND_SYMBOL = 45; // pixels, with the space around it
const LEGEND_LINE = 19; // pixels
const TICK_LINE = 16; // pixels that the number at a tick takes of an axis upwards
const FEWEST_TICKS = 3;
const PICTURE = { format: "png", scale: 2 }; // that is downloaded
const PAN = 0.1; // of the span, at each press of a key
const ZOOM = 0.8; // of the span, likewise
const KEYS = { ArrowLeft: [1, -PAN, 0], ArrowRight: [1, PAN, 0], ArrowUp: [1, 0, PAN], ArrowDown: [1, 0, -PAN] };
Object.assign(KEYS, { "+": [ZOOM, 0, 0], "=": [ZOOM, 0, 0], "-": [1 / ZOOM, 0, 0] });

export { together } from "./follow.js";

const charts = new Set(); // what is on screen
const mounts = (window.gandashMounts ??= {});
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const touch = matchMedia("(pointer: coarse)");
const NONE = { x: [], y: [] };
const NO_CURVES = new Map();

const isCloud = ({ scene }) => scene.traces !== undefined;

// ---------------------------------------------------------------------------------------------- motion

// Bring a cloud of the figure up to date; true where that is left to be painted.
function put({ element }, cloud, points) {
  if (record(element, cloud, points)) return true;
  window.Plotly.restyle(element, { x: [points.x], y: [points.y] }, [cloud]);
  return false;
}

function draw(chart, points) {
  chart.drawnAt = performance.now();
  chart.shown = points;
  if (put(chart, STARS, points)) paint(chart.sky);
  chart.painted = false;
  tell(chart);
}

function arrive(chart, frame) {
  draw(chart, frame.points);
  say(chart, frame.recorded ? frame.epoch : null);
  if (frame.recorded) return;
  chart.at = frame.at;
  chart.trail.add(frame.points);
  showLayers(chart);
  chart.element.dataset.frames = Number(chart.element.dataset.frames) + 1;
  chart.element.dataset.epoch = frame.epoch;
}

// A picture that is recorded says so.
function say(chart, epoch) {
  if (epoch === null) {
    chart.badge?.remove();
    chart.badge = null;
    return;
  }
  chart.badge ??= child(chart.element.parentElement, "div", "gandash-recording");
  chart.badge.textContent = `Recording, epoch ${epoch}`;
  const { xaxis, yaxis } = chart.element._fullLayout; // in the plot's corner, not on the numbers of its axes
  const [right, bottom] = [xaxis, yaxis].map(({ _offset, _length }) => _offset + _length);
  chart.badge.style.right = `${chart.element.clientWidth - right + 6}px`;
  chart.badge.style.bottom = `${chart.element.clientHeight - bottom + 6}px`;
}

// Before there is a run, a film of the shape that is chosen, for as long as there is none.
function roll(chart) {
  const { data, scene, film } = chart;
  const address = data.run ? "" : (data.film ?? "");
  if ((film?.address ?? "") === address) return;
  film?.stop();
  chart.film = null;
  if (!address) return;
  const show = (frame) => {
    const seen = Boolean(window.Plotly && chart.drawn && !document.hidden);
    if (seen) takeFrames(chart, [frame]);
    else rolling.first = frame; // drawn with the figure itself
    return seen;
  };
  const { xaxis, yaxis } = scene.layout;
  const rolling = { address, first: null, stop: () => {} };
  chart.film = rolling;
  afterPaint(() => {
    if (chart.film === rolling) rolling.stop = play(address, [xaxis.range, yaxis.range], show); // the shape is seen first
  });
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
  const [{ due, awaited }] = chart.queue;
  if (now - chart.drawnAt >= rest || (awaited && due <= now)) {
    let arrived = null;
    while (chart.queue.length && chart.queue[0].due <= now) arrived = chart.queue.shift();
    if (arrived) {
      chart.from = arrived;
      arrive(chart, arrived);
    } else if (chart.from.points.x.length === chart.queue[0].points.x.length) {
      const { from, queue } = chart;
      draw(chart, between(from.points, queue[0].points, (now - from.due) / (queue[0].due - from.due)));
    }
  }
  if (chart.queue.length) chart.request = requestAnimationFrame(() => glide(chart));
}

// Of a run that `rests`, as after an epoch by hand, nothing comes that points could go on to: they are there soon.
function takeFrames(chart, all, rests = false) {
  const fresh = all.filter((frame) => frame.at > chart.seen);
  if (!fresh.length) return;
  const now = performance.now();
  const since = now - chart.heardAt;
  if (since < LONGEST_GAP && !rests) chart.interval += 0.2 * (since - chart.interval);
  chart.heardAt = now;
  const jump = chart.seen < 0 || !chart.shown || since > LONGEST_GAP || calm.matches || chart.slept;
  chart.slept = false;
  chart.seen = fresh.at(-1).at;
  if (jump) {
    chart.queue = [];
    arrive(chart, fresh.at(-1));
    return;
  }
  if (rests) return hurry(chart, fresh, REST_MS);
  // What has come is shown behind what still waits, in about the time until more of it comes. Where the last of it is
  // due is kept a little behind the next message, and gets there over a few messages rather than at once.
  if (!chart.queue.length) chart.from = { points: chart.shown, due: now };
  const start = chart.queue.at(-1)?.due ?? now;
  const { interval } = chart;
  const time = Math.min(Math.max(now + interval * (1 + DELAY) - start, 0.5 * interval), 1.4 * interval);
  fresh.forEach((frame, i) => chart.queue.push({ ...frame, due: start + (time * (i + 1)) / fresh.length }));
  chart.queue.splice(0, chart.queue.length - MOST_WAITING);
  chart.request ||= requestAnimationFrame(() => glide(chart));
}

// ---------------------------------------------------------------------------------------------- layers

// Ask for what is switched on, live and in the past.
function lookInside({ feed, switched, time }) {
  if (!switched) return;
  feed?.look(switched.names());
  time?.look(switched.names());
}

// Draw what is on under the points, on a canvas of its own: it changes less often than they do.
function showLayers(chart) {
  const { layers, switched, element } = chart;
  if (!switched || !element._fullLayout?._size) return;
  const views = chart.past ? chart.time.views : chart.steps.at(chart.at, chart.queue.length > 0);
  const found = switched.chosen(views);
  const look = theme();
  switched.tell(found, views, look, Boolean(chart.feed));
  element.dataset.layers = found.map(([, , name]) => name).join(" ");
  if (found.length) Object.assign(element.dataset, { layersEpoch: views.epoch, layersAt: views.at });
  else delete element.dataset.layersEpoch;
  const trails = switched.on("trails") ? chart.trail.frames : [];
  const { xaxis, yaxis } = element._fullLayout;
  const ratio = devicePixelRatio;
  const { x, y } = ranges(element);
  const shown = [look, trails.at(-1), ratio, xaxis._offset, yaxis._offset, xaxis._length, yaxis._length, ...x, ...y];
  shown.push(...found.map(([, parts]) => parts));
  if (chart.under?.length === shown.length && shown.every((part, i) => part === chart.under[i])) return;
  chart.under = shown;
  const size = [xaxis, yaxis].map((axis) => Math.round(axis._length * ratio));
  if (layers.width !== size[0] || layers.height !== size[1]) [layers.width, layers.height] = size;
  const place = { left: xaxis._offset, top: yaxis._offset, width: size[0] / ratio, height: size[1] / ratio };
  for (const [name, value] of Object.entries(place)) layers.style[name] = `${value}px`;
  const pen = layers.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, place.width, place.height);
  if (!found.length && !trails.length) return;
  const to = ([low, high], length, value) => ((value - low) / (high - low)) * length;
  const box = {
    left: 0, top: 0, wide: place.width, high: place.height,
    x: (value) => to(x, place.width, value),
    y: (value) => place.height - to(y, place.height, value),
  };
  const { layout } = chart.scene;
  const bounds = [layout.xaxis.range, layout.yaxis.range];
  paintLayers(pen, box, { views: found.map(([, parts]) => parts), trails, bounds, look }, chart.kept);
}

// To the last of these frames at once, or nearly so, whatever is on the way.
function hurry(chart, frames, time = VISIT_MS) {
  const last = frames.at(-1);
  chart.queue = [];
  if (!chart.shown || calm.matches || chart.shown.x.length !== last.points.x.length) return arrive(chart, last);
  const now = performance.now();
  chart.from = { points: chart.shown, due: now };
  chart.queue = frames.map((frame, i) => ({ ...frame, due: now + (time * (i + 1)) / frames.length, awaited: frame === last }));
  chart.request ||= requestAnimationFrame(() => glide(chart));
}

// Show the points of the moment that is looked at.
function visit(chart, frames) {
  const past = chart.time?.frame ?? null;
  const newest = frames.at(-1);
  if (past) {
    if (chart.past !== past) hurry(chart, [past]);
  } else if (chart.past && newest) {
    chart.seen = newest.at;
    hurry(chart, [newest]);
  } else takeFrames(chart, frames, chart.state.state?.active === false);
  if (chart.past !== past) chart.trail.forget();
  chart.past = past;
}

// ---------------------------------------------------------------------------------------------- view

const ranges = (element) => ({ x: element._fullLayout.xaxis.range, y: element._fullLayout.yaxis.range });

// An axis of epochs shows a few at least: between two of them is nothing.
function noNarrower(chart, range) {
  const times = (chart.element.layout.meta?.narrowest ?? 0) / (range[1] - range[0]);
  return times > 1 ? scaled(range, times) : range;
}

// The ranges that a view asks for; null where Plotly shall find them.
function rangesOf(chart, view) {
  if (view === "home") return chart.home;
  if (!isCloud(chart)) return { x: null, y: null };
  const { _fullData: traces, layout } = chart.element;
  return fittedRanges(chart.home, [traces[DOTS], chart.shown ?? NONE], layout.yaxis.scaleanchor === "x");
}

function look(chart, view, { x, y } = rangesOf(chart, view)) {
  chart.view = view;
  if (x) x = noNarrower(chart, x);
  window.Plotly.relayout(chart.element, {
    ...(x ? { "xaxis.range": [...x] } : { "xaxis.autorange": true }),
    ...(y ? { "yaxis.range": [...y] } : { "yaxis.autorange": true }),
  });
  tell(chart);
}

// What the phase did that was just played by itself, over the points.
function light(chart) {
  const { element, state, lamp } = chart;
  if (!isCloud(chart) || !element._fullLayout) return;
  const phase = chart.past ? null : (state?.phase ?? null);
  const { x, y } = ranges(element);
  const look = [...x, ...y, element.clientWidth, element.clientHeight, chart.identity, theme()].join();
  if (phase === lamp.phase && (!phase || look === lamp.look)) return;
  Object.assign(lamp, { phase, look });
  const { xaxis, yaxis } = chart.scene.layout;
  paintPhase(element, lamp.canvas, phase, mark, { theme: theme(), bounds: [xaxis.range, yaxis.range] });
}

// Mark the past epoch that is looked at in a curve.
function markEpoch({ time, cursor, element }) {
  if (!element._fullLayout) return;
  const { xaxis, yaxis } = element._fullLayout;
  const place = time?.frame ? xaxis.l2p(time.epoch) : NaN;
  cursor.hidden = !(place >= 0 && place <= xaxis._length);
  if (cursor.hidden) return;
  const pixels = { left: xaxis._offset + place - 1, top: yaxis._offset, height: yaxis._length };
  for (const [name, value] of Object.entries(pixels)) cursor.style[name] = `${value}px`;
}

// Say what the picture does not show, and offer to show it.
function tell(chart) {
  const { element, note, view } = chart;
  if (!element._fullLayout) return;
  light(chart);
  if (!isCloud(chart)) markEpoch(chart);
  let text = "";
  let more = false;
  if (isCloud(chart)) {
    const { x, y } = ranges(element);
    const found = chart.shown && element._fullData[STARS].visible === true ? outside(chart.shown, x, y) : null;
    if (found) [text, more] = [outsideText(found), countOutside(found) > 0];
  } else if (view !== "fit" && element.layout.meta?.cut) {
    [text, more] = [element.layout.meta.cut, true];
  }
  const { l, t } = element._fullLayout._size;
  sayUnseen(note, { text, more, home: view === "home", picture: element, left: l, top: t });
}

function press(chart, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || !chart.element._fullLayout) return;
  if (event.key === "0") look(chart, "home");
  else if (event.key === "f") look(chart, "fit");
  else if (KEYS[event.key]) {
    const [times, right, up] = KEYS[event.key];
    const { x, y } = ranges(chart.element);
    look(chart, "own", { x: scaled(x, times, right), y: scaled(y, times, up) });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

// Ends a drag as if the mouse button had been let go: what it drags is about to go.
function endDrag(element) {
  if (element._dragging) document.dispatchEvent(new MouseEvent("mouseup"));
}

// Once a chart's first figure is drawn.
function listen(chart) {
  const { element } = chart;
  element.on("plotly_relayout", (change) => {
    if (Object.keys(change).some((name) => /axis\.range\[/.test(name))) {
      chart.view = "own"; // it was the mouse, not `look`
      const { x, y } = ranges(element);
      if (noNarrower(chart, x) !== x) look(chart, "own", { x, y });
    }
    tell(chart);
  });
  element.on("plotly_relayouting", () => {
    if (chart.sky) paintAll(chart.sky);
    tell(chart);
    showLayers(chart);
  });
  element.on("plotly_restyle", () => tell(chart)); // the legend hides and shows
  element.on("plotly_doubleclick", () => look(chart, chart.view === "home" ? "fit" : "home"));
  element.on("plotly_afterplot", () => {
    if (chart.sky) paintAll(chart.sky);
    showLayers(chart);
    element.querySelectorAll(".modebar-btn").forEach((button) => (button.tabIndex = -1)); // the chart is one stop
  });
}

// ---------------------------------------------------------------------------------------------- figures

const ruler = document.createElement("canvas").getContext("2d");

// Lines that a legend takes beside the title, above the plot; Plotly itself makes no room there.
function legendLines({ data, layout }, width) {
  const entries = data.filter((trace) => trace.showlegend !== false);
  if (!layout.showlegend || !entries.length) return 1;
  const long = (text, { size }) => {
    ruler.font = `${size}px ${layout.font.family}`;
    return ruler.measureText(text).width;
  };
  const names = entries.reduce((sum, { name }) => sum + long(name, layout.legend.font), long(layout.title.text, layout.title.font));
  return Math.ceil((names + entries.length * LEGEND_SYMBOL) / (width - layout.margin.l - layout.margin.r));
}

// No more numbers along a low chart's y axis than have room there.
function thinTicks({ yaxis, margin }, height) {
  const most = Math.max(FEWEST_TICKS, Math.floor((height - margin.t - margin.b) / TICK_LINE));
  yaxis.nticks = Math.min(yaxis.nticks, most);
  if (yaxis.tickvals?.length > most) yaxis.tickvals = yaxis.tickvals.filter((_, i) => i % 2 === 0);
}

// What Plotly shall draw now; new objects at every call, since Plotly keeps them.
function figureOf(chart) {
  const { scene, state } = chart;
  if (!isCloud(chart)) return curveFigure(scene, state?.curves ?? NO_CURVES);
  const [dots, stars] = structuredClone(scene.traces);
  const data = [
    { ...dots, ...realOf(chart) },
    { ...stars, ...(chart.shown ?? NONE) },
  ].map(unseen);
  return { data, layout: structuredClone(scene.layout) };
}

// The picture as a file.
function save({ element, data: { key } }) {
  const { width, height } = element._fullLayout;
  const figure = { data: element.data.map(plotted), layout: element.layout };
  return window.Plotly.downloadImage(figure, { ...PICTURE, width, height, filename: key });
}

function drawFigure(chart) {
  const { element } = chart;
  const began = performance.now();
  const { data, layout } = figureOf(chart);
  const family = getComputedStyle(element).getPropertyValue("--st-font") || getComputedStyle(element).fontFamily;
  layout.font = { ...layout.font, family };
  layout.uirevision = revisionOf(chart);
  layout.autosize = true;
  layout.margin.t += LEGEND_LINE * (legendLines({ data, layout }, element.clientWidth) - 1);
  if (!isCloud(chart)) thinTicks(layout, element.clientHeight);
  if (touch.matches) layout.dragmode = false; // a finger scrolls the page
  const sameType = element._fullLayout?.yaxis.type === (layout.yaxis.type ?? "linear");
  if (layout.uirevision !== element.layout?.uirevision || !sameType) chart.view = "home";
  chart.home = { x: layout.xaxis.range ?? null, y: layout.yaxis.range ?? null };
  if (chart.view === "own" || (chart.view === "fit" && isCloud(chart))) {
    for (const axis of ["x", "y"]) layout[`${axis}axis`].range = [...ranges(element)[axis]];
  } else if (chart.view === "fit") {
    delete layout.yaxis.range;
  }
  const first = !element._fullLayout;
  // `react` leaves what follows the mouse with the fixed axes of the figure before; a cloud's figure is seldom another
  const plot = isCloud(chart) ? "newPlot" : "react";
  // the very same functions each time: where a function is another one Plotly takes it for another configuration, plots
  // anew and reacts once more in a microtask, so that two figures drawn in one task would undo each other for ever
  window.Plotly[plot](element, data, layout, {
    displaylogo: false,
    showSendToCloud: false,
    displayModeBar: touch.matches ? false : "hover",
    doubleClick: false,
    modeBarButtons: [
      ["zoom2d", "pan2d"],
      [{ name: "home", title: "Reset axes", icon: window.Plotly.Icons.home, click: chart.goHome }],
      [isCloud(chart) ? { name: "picture", title: "Download plot as a PNG", icon: window.Plotly.Icons.camera, click: chart.save } : "toImage"],
    ],
    toImageButtonOptions: { ...PICTURE, filename: chart.data.key },
  });
  if (isCloud(chart)) paintAll((chart.sky ??= makeSky(element)));
  chart.figureAt = performance.now();
  chart.figureCost += 0.5 * (chart.figureAt - began - chart.figureCost);
  chart.drawn = wanted(chart);
  chart.size = [element.clientWidth, element.clientHeight];
  if (first || plot === "newPlot") listen(chart); // a new plot has forgotten who listened
  tell(chart);
  if (!isCloud(chart)) element.dataset.frames = Number(element.dataset.frames) + 1;
}

// What is on screen in the colours of the scene, which is drawn only later.
function tint(chart, turned) {
  const { element, scene } = chart;
  recolour(element, turned);
  if (!isCloud(chart)) return;
  const { _fullData: traces, _fullLayout: layout } = element;
  scene.traces.forEach(({ marker }, place) => (traces[place].marker.color = marker.color));
  for (const axis of ["xaxis", "yaxis"]) layout[axis].gridcolor = scene.layout[axis].gridcolor;
  paintAll(chart.sky);
  showLayers(chart);
  light(chart);
}

function resize(chart) {
  const { element } = chart;
  const size = [element.clientWidth, element.clientHeight];
  if (!chart.drawn || !size[0] || !size[1] || (size[0] === chart.size[0] && size[1] === chart.size[1])) return;
  chart.size = size;
  window.Plotly.relayout(element, { autosize: true });
}

// Ms for which the figure that is wanted has to wait: until the user lets go of the one on screen, and newer data so that
// figures leave the main thread to the user. A cloud moves without its figure, which is hardly ever another.
function wait({ element, drawn, scene, figureAt, figureCost }) {
  if (!drawn) return 0;
  if (element._dragging) return 50;
  const first = drawn[0] !== scene || drawn[1] === -1; // of a scene, or of a run's data
  return first || scene.traces ? 0 : figureAt + figureCost / FIGURE_SHARE - performance.now();
}

// Charts whose turn comes one after the other, each once the one before it is seen: all of them take the page's thread for
// half a second.
const soon = new Set();

function drawSoon(chart) {
  if (!soon.size) afterPaint(drawNext);
  soon.add(chart);
}

function drawNext() {
  const [chart] = soon;
  soon.delete(chart);
  if (soon.size) afterPaint(drawNext);
  if (charts.has(chart)) update(chart, true);
}

// For as long as this stays the same, a zoom does.
const revisionOf = ({ scene, data }) => `${scene.layout.uirevision} ${data.run}`;

// What a figure is made of: two of them are the same where its parts are; -1 is no data of a run. Points are put into it.
const wanted = ({ scene, state }) => (scene.traces ? [scene] : [scene, state?.rows || -1]);

const realOf = ({ state, real }) => state?.real ?? real;

// Bring what is on screen up to date with the newest scene and the newest state; may be called at any time. The first curves
// of a run come after its points, and after each other.
function update(chart, due = false) {
  const { data, element, scene, state } = chart;
  if (!window.Plotly) return;
  if (document.hidden || !element.clientWidth) {
    chart.queue = [];
    chart.slept = true;
    return;
  }
  const identity = `${revisionOf(chart)} ${scene.layout.meta.look}`;
  const first = chart.identity === null && !data.run ? chart.film?.first : null;
  if (identity !== chart.identity) {
    // another shape or run: drawn at once, and nothing of the last one stays
    endDrag(element);
    const blank = (!chart.shown || chart.badge) && chart.drawn?.[0] === scene && (isCloud(chart) || chart.drawn[1] === -1);
    // a bare scene that nobody has moved looks the same for the run that begins now: its first data is drawn sooner
    const drawn = blank && chart.view === "home" ? chart.drawn : null;
    if (drawn) element.layout.uirevision = revisionOf(chart);
    Object.assign(chart, { identity, queue: [], seen: -1, past: null, shown: null, drawn });
    Object.assign(chart, { at: -1, steps: inStep(), trail: trail() });
    if (!drawn) say(chart, null); // otherwise the recording stays until the run's first frame
    delete element.dataset.epoch;
  }
  chart.shown ??= state?.frames.at(-1)?.points ?? first?.points ?? null;
  const figure = wanted(chart);
  if (!chart.drawn?.every((part, i) => part === figure[i])) {
    const rest = wait(chart);
    if (chart.drawn?.[0] === scene && chart.drawn[1] === -1 && !due) drawSoon(chart);
    else if (rest <= 0) {
      drawFigure(chart);
      if (first && chart.shown === first.points) say(chart, first.epoch);
    } else {
      chart.timer ||= setTimeout(() => {
        chart.timer = 0;
        update(chart);
      }, Math.max(rest, 50));
    }
  }
  if (isCloud(chart) && chart.drawn?.[0] === scene) {
    const real = realOf(chart);
    if (element.data[DOTS].x !== real.x && put(chart, DOTS, real)) paintAll(chart.sky);
  }
  const label = (isCloud(chart) && wordsAt(chart.time ?? {}, state?.words)?.label) || data.label;
  if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
  if (!isCloud(chart)) markEpoch(chart);
  else if (state) visit(chart, state.frames);
  if (chart.switched) {
    chart.steps.take(state?.views ?? null);
    showLayers(chart);
  }
  light(chart);
}

// ---------------------------------------------------------------------------------------------- life

function button(parent, text, title, onClick) {
  const element = child(parent, "button", "", text);
  element.type = "button";
  element.title = title;
  element.addEventListener("click", onClick);
  return element;
}

function mount(parent, { key, layers }) {
  const root = layers === undefined ? parent : child(parent, "div", "gandash-cloud");
  const bar = layers === undefined ? null : child(root, "div", "");
  const frame = child(root, "div", "gandash-frame");
  const element = child(frame, "div", "gandash-chart");
  element.setAttribute("role", "img");
  element.setAttribute("aria-description", "Arrow keys move, plus and minus zoom, F fits everything, 0 goes back.");
  element.tabIndex = 0;
  mounts[key] = (mounts[key] ?? 0) + 1;
  element.dataset.chart = key;
  element.dataset.mounts = mounts[key];
  element.dataset.frames = 0;
  const note = child(frame, "div", "gandash-note");
  note.hidden = true;
  const chart = {
    element, data: {}, scene: null, real: NONE, feed: null, state: null, // what it is told
    drawn: null, identity: null, timer: 0, size: [0, 0], figureAt: 0, figureCost: 0, // figure
    view: "home", home: null, note: { root: note, text: child(note, "span", "") }, // view
    lamp: { canvas: child(frame, "canvas", "gandash-lamp"), phase: null, look: "" }, // what a phase did
    sky: null, // the clouds
    root: bar ? root : frame, layers: null, switched: null, steps: inStep(), trail: trail(), at: -1, // what lies under it
    under: null, kept: {}, // and what of it is drawn
    time: null, past: null, cursor: child(frame, "div", "gandash-cursor"), unlisten: null, // the moment
    film: null, badge: null, // before there is a run
    queue: [], from: null, shown: null, seen: -1, slept: false, request: 0, // motion
    interval: 250, heardAt: -Infinity, drawnAt: 0, cost: 10, painted: true, // pace
  };
  chart.cursor.hidden = true;
  chart.goHome = () => look(chart, "home");
  chart.save = () => save(chart);
  chart.note.fit = button(note, "Fit", "Widen the axes to all there is (F)", () => look(chart, "fit"));
  chart.note.back = button(note, "Back", "Back to the usual axes (0)", chart.goHome);
  chart.observer = new ResizeObserver(() => (chart.drawn ? resize(chart) : chart.scene && update(chart)));
  chart.observer.observe(element);
  element.addEventListener("keydown", (event) => press(chart, event));
  if (bar) {
    chart.layers = document.createElement("canvas");
    chart.layers.className = "gandash-under";
    frame.prepend(chart.layers);
    chart.switched = switches(bar, () => {
      lookInside(chart);
      showLayers(chart);
    });
  }
  return chart;
}

export function unmount(parent) {
  const chart = parent.gandashChart;
  if (!chart) return;
  chart.feed?.close();
  chart.film?.stop();
  chart.film = null;
  chart.unlisten?.();
  clearTimeout(chart.timer);
  cancelAnimationFrame(chart.request);
  chart.observer.disconnect();
  window.Plotly?.purge(chart.element);
  chart.root.remove();
  charts.delete(chart);
  delete parent.gandashChart;
}

export function render({ data, parentElement }) {
  loadPlotly(data.plotly);
  const chart = (parentElement.gandashChart ??= mount(parentElement, data));
  charts.add(chart);
  const [before, { run }] = [chart.data, data];
  chart.data = data;
  if (before.scene !== data.scene) {
    chart.scene = sceneOf(data.scene);
    chart.real = chart.scene.real ? decode(chart.scene.real) : NONE;
  }
  if (before.layers !== data.layers) chart.switched.offer(JSON.parse(data.layers));
  if (before.run !== run) {
    chart.unlisten?.();
    chart.time = run ? moment(run, data.base) : null;
    chart.unlisten = chart.time?.listen(() => update(chart));
    follow(watch, chart, data, update);
  }
  if (before.run !== run || before.layers !== data.layers) lookInside(chart);
  update(chart);
  roll(chart);
}

// Charts that come before Plotly are drawn once it is there: the buttons come first.
function loadPlotly(address) {
  if (window.gandashPlotly) return;
  window.gandashPlotly = document.createElement("script");
  window.gandashPlotly.src = address;
  window.gandashPlotly.onload = () => charts.forEach(drawSoon);
  const latest = performance.now() + LATEST_LOAD;
  const load = () => {
    const buttons = document.querySelector(".st-key-controls");
    if (buttons && !buttons.querySelector("button") && performance.now() < latest) setTimeout(load, 50);
    else if (window.requestIdleCallback) afterPaint(() => requestIdleCallback(append, { timeout: LATEST_IDLE }));
    else afterPaint(append);
  };
  const append = () => document.head.append(window.gandashPlotly);
  // fetched and compiled beside the page's thread, while that still draws the buttons
  document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "script", href: address }));
  load();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) charts.forEach((chart) => update(chart));
});
onTurn((before) => {
  const turned = turnedInto(before, colours());
  for (const chart of charts) {
    chart.scene = sceneOf(chart.data.scene);
    if (chart.drawn && !document.hidden) tint(chart, turned);
    drawSoon(chart);
  }
});
