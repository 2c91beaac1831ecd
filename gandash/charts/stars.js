// The clouds of points, the generated one of which moves many times a second, on a canvas of their own below Plotly's
// picture: the grid, which would otherwise lie over them, above it the stars, and above those the dots, which are kept as
// they were drawn. Plotly, which takes a third of a second for as many points, knows them all but draws a single one of
// each cloud, which is not seen (`live.css`): that is what it needs for legend, hover and the axes.

import { drawDots, drawStars, star } from "./symbols.js";

export const [DOTS, STARS] = [0, 1]; // their traces
const POINTS = 1.4; // radius of Plotly's stars, in that of its other symbols

// What Plotly shall draw of a cloud that is painted here, and of one in a picture by itself.
export const unseen = (trace) => ({ ...trace, marker: { ...trace.marker, maxdisplayed: 1 } });
export const plotted = (trace) => ({ ...trace, marker: { ...trace.marker, maxdisplayed: 0 } });

export function makeSky(element) {
  const [canvas, dots] = [0, 1].map(() => document.createElement("canvas"));
  canvas.className = "gandash-sky";
  element.before(canvas); // above what else lies under the points
  return { element, canvas, dots, sprite: null };
}

// Tell Plotly where a trace's points are, however many. False if it had none, or is to have none: its legend is another.
export function record(element, place, points) {
  const [trace, known] = [element._fullData[place], element.calcdata[place]];
  if (!trace.visible || !points.x.length) return false;
  if (trace.visible === true) {
    known.length = Math.min(known.length, points.x.length);
    for (let i = 0; i < points.x.length; i++) {
      const point = (known[i] ??= { i, mrc: known[0].mrc });
      point.x = points.x[i];
      point.y = points.y[i];
    }
  }
  for (const each of [element.data[place], trace]) Object.assign(each, points);
  return true;
}

// One star, to be copied.
function spriteOf(sky, { color, size }, ratio) {
  const look = [color, size, ratio].join();
  if (sky.sprite?.look !== look) sky.sprite = { look, image: star((POINTS * size) / 2, color, ratio) };
  return sky.sprite.image;
}

// Plotly's grid, below the stars.
function rule(pen, { xaxis, yaxis }, ratio) {
  const { width, height } = pen.canvas;
  const line = Math.max(1, Math.round(ratio));
  const place = (axis, tick) => Math.round(axis.l2p(tick.x) * ratio - line / 2);
  pen.fillStyle = xaxis.gridcolor;
  for (const tick of xaxis._gridVals ?? []) pen.fillRect(place(xaxis, tick), 0, line, height);
  pen.fillStyle = yaxis.gridcolor;
  for (const tick of yaxis._gridVals ?? []) pen.fillRect(0, place(yaxis, tick), width, line);
}

// The context of a canvas, which then is as large as the plot and empty.
function penOf(canvas, { xaxis, yaxis }, ratio) {
  const [width, height] = [xaxis, yaxis].map((axis) => Math.round(axis._length * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

const places = ({ xaxis, yaxis }) => ({ x: (value) => xaxis.c2p(value), y: (value) => yaxis.c2p(value) });

// Draw the generated points that Plotly knows of, where the axes are now.
export function paint(sky) {
  const { canvas, element } = sky;
  const { _fullData: traces, _fullLayout: layout } = element;
  const { xaxis, yaxis } = layout;
  const ratio = devicePixelRatio;
  const pen = penOf(canvas, layout, ratio);
  const place = { left: xaxis._offset, top: yaxis._offset, width: canvas.width / ratio, height: canvas.height / ratio };
  for (const [name, value] of Object.entries(place)) canvas.style[name] = `${value}px`;
  rule(pen, layout, ratio);
  const points = shownOf(sky, "stars", traces[STARS]);
  if (points) drawStars(pen, points, places(layout), spriteOf(sky, points.marker, ratio), ratio);
  if (canvas.dataset.dots > 0) pen.drawImage(sky.dots, 0, 0);
}

// Draw all, whenever Plotly has drawn.
export function paintAll(sky) {
  const { calcdata, _fullData: traces, _fullLayout: layout } = sky.element;
  const { visible, marker } = traces[STARS];
  if (visible === true) for (const point of calcdata[STARS]) point.mrc = marker.size / 2; // hover counts from the edge
  const points = shownOf(sky, "dots", traces[DOTS]);
  if (points) {
    const pen = penOf(sky.dots, layout, devicePixelRatio);
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.fillStyle = points.marker.color;
    drawDots(pen, points, places(layout), points.marker.size / 2);
  }
  paint(sky);
}

// A trace that is to be seen, and null of one that is empty or hidden by the legend; the canvas tells how many points it has.
function shownOf({ canvas }, name, trace) {
  const shown = trace.visible === true;
  canvas.dataset[name] = shown ? trace.x.length : 0;
  return shown ? trace : null;
}

// What a phase did, over the picture, where the axes are now; null clears it. `look` is what of its look the page knows.
export function paintPhase(element, canvas, phase, draw, look) {
  const { xaxis, yaxis } = element._fullLayout;
  const ratio = devicePixelRatio;
  const [width, height] = [xaxis._length, yaxis._length];
  Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const place = { left: xaxis._offset, top: yaxis._offset, width, height };
  for (const [name, value] of Object.entries(place)) canvas.style[name] = `${value}px`;
  Object.assign(canvas.dataset, { phase: phase?.loss ?? "", wanted: (phase?.wanted.length ?? 0) / 4 });
  if (!phase) return;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(element);
  const [real, generated, ground] = ["--real", "--generated", "--ground"].map((name) => style.getPropertyValue(name));
  const box = { left: 0, top: 0, wide: width, high: height, x: (value) => xaxis.c2p(value), y: (value) => yaxis.c2p(value) };
  draw(pen, phase, box, { real, generated, ground, ...look });
}
