// What Plotly draws of a scene with lines (`figures.py`) and a run's curves: pure data in, a figure out.

import { axisOf, smooth } from "./series.js";

const LINE = 1.5; // pixels
const FAINT_LINE = 1;
const DOT = 6;
const FAINT_DOT = 4;
const HINT_PIXELS = 34; // from the right end of one word to that of the next
const NOTHING = { x: [], y: [] };

// A line over the epochs; a single value is a dot. The stream goes on to fill a curve's own arrays: Plotly gets others.
function trace({ x, y }, name, colour, width, size) {
  return {
    type: "scatter",
    mode: x.length > 1 ? "lines" : "markers",
    name,
    x: x.slice(),
    y: y.slice(),
    line: { color: colour, width },
    marker: { color: colour, size },
    hovertemplate: "%{y:.4g}",
  };
}

// A column as a trace or, smoothed, as two: faint as it is, and its average above.
function traces({ name, colour, faint }, curve, smoothing) {
  if (!smoothing) return [trace(curve, name, colour, LINE, DOT)];
  const raw = trace(curve, name, faint, FAINT_LINE, FAINT_DOT);
  delete raw.hovertemplate;
  const average = { x: curve.x, y: smooth(curve.x, curve.y, smoothing) };
  return [
    { ...raw, hoverinfo: "skip", legendgroup: name, showlegend: false },
    { ...trace(average, name, colour, LINE, DOT), legendgroup: name },
  ];
}

// Give the y axis a range for these columns in which a few wild values do not flatten all others; is it a log one? What
// is cut off is told in `meta.cut`. `log` as for `axisOf`.
function chooseRange(layout, columns, log) {
  const found = axisOf(columns, log);
  const axis = layout.yaxis;
  if (!found) {
    if (log) axis.type = "log";
    return Boolean(log);
  }
  const [bottom, top] = found.range ?? [found.lowest, found.highest];
  // Plotly marks powers of ten alone where they are at least 0.7 of its steps
  const nticks = Math.min(Math.max(Math.floor((top - bottom) / 0.75), 3), 6);
  // without a format it would call 50 between 10 and 100 a 5
  if (found.log) Object.assign(axis, { type: "log", nticks, tickformat: ".4~g" });
  if (found.range) {
    axis.range = found.range;
    layout.meta.cut = found.cut.slice(0, 1).toUpperCase() + found.cut.slice(1);
  }
  return found.log;
}

// Add a thin dotted line between two ends, with a word at this place.
function mark(layout, { line, word }, ends, text, place) {
  (layout.shapes ??= []).push({ ...line, ...ends });
  (layout.annotations ??= []).push({ ...word, text, xref: ends.xref, yref: ends.yref, ...place });
}

// The words of several stand beside each other: where an axis is long, their lines lie too close for one above another.
function hint(layout, look, { y, text }, log, before) {
  const place = log ? Math.log10(y) : y; // unlike a shape, an annotation sits at the logarithm
  const ends = { xref: "paper", x0: 0, x1: 1, yref: "y", y0: y, y1: y };
  mark(layout, look, ends, text, { x: 1, y: place, xanchor: "right", yanchor: "bottom", xshift: -HINT_PIXELS * before });
}

// Title, legend and ideal of metrics, of those that were measured; the names that their lines go by.
function metrics(scene, layout, lines) {
  const units = new Set(lines.map((line) => line.unit));
  const [first] = lines;
  const together = units.size === 1;
  layout.title.text = lines.length === 1 ? `${first.name} (${first.unit})` : together ? first.unit : "";
  layout.showlegend = lines.length > 1;
  if (scene.lines.length && !lines.length) {
    if (scene.lines.length < 3) layout.title.text = scene.lines.map((line) => line.name).join(", ");
    layout.annotations = [
      { text: "Not measured yet", x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false },
    ];
    layout.yaxis.showticklabels = false; // figures of nothing
  }
  const ideals = new Set(lines.map((line) => line.ideal));
  // a legend that does not fit into a line would take the chart's height
  const named = lines.map((line) => (together ? line : { ...line, name: `${line.name} (${line.unit.replace("axis ", "")})` }));
  const log = lines.length > 0 && lines.every((line) => line.log);
  const hints = ideals.size === 1 && first.ideal !== null ? [{ y: first.ideal, text: "ideal" }] : [];
  if (log && lines.length === 1 && first.mark) hints.push(first.mark);
  return { named, log, hints: hints.filter(({ y }) => y > 0 || !log) };
}

// A curve in the unit that its line is drawn in; a logarithmic axis has no 0, but a smallest value for some lines.
function scaled({ times = 1, lowest }, curve, log) {
  if (times === 1) return curve;
  return { x: curve.x, y: Array.from(curve.y, (value) => Math.max(times * value, log ? lowest : -Infinity)) };
}

// The figure `{ data, layout }` of a scene, whose columns are in `curves`, a Map of `{ x, y }` by their names.
export function curveFigure(scene, curves) {
  const layout = structuredClone(scene.layout);
  let { lines, hints } = scene;
  let log = { auto: null, linear: false, fixed: false }[scene.scale];
  if (scene.scale === "measured") {
    const measured = lines.filter((line) => curves.get(line.column)?.x.length);
    ({ named: lines, log, hints } = metrics(scene, layout, measured));
  }
  const shown = lines.map((line) => scaled(line, curves.get(line.column) ?? NOTHING, log));
  if (scene.scale !== "fixed") log = chooseRange(layout, shown.map((curve) => Array.from(curve.y)), log);
  if (scene.since !== null) {
    const ends = { xref: "x", x0: scene.since, x1: scene.since, yref: "paper", y0: 0, y1: 1 };
    mark(layout, scene.mark, ends, "trained on", { x: scene.since, y: 1, xanchor: "left", yanchor: "top" });
  }
  hints.forEach((each, i) => hint(layout, scene.mark, each, log, i));
  const data = lines.flatMap((line, i) => traces(line, shown[i], scene.smoothing));
  return { data, layout };
}
