// The clouds of points, the generated one of which moves many times a second, on canvases of their own below Plotly's
// picture: the stars with the grid, which would otherwise lie over them, and above them the dots. Plotly, which takes a
// third of a second for as many points, knows them all but draws a single one of each cloud, which is not seen
// (`live.css`): that is what it needs for legend, hover and the axes.

import { drawDots, drawStars, star } from "./symbols.js";

const POINTS = 1.4; // radius of Plotly's stars, in that of its other symbols

// What Plotly shall draw of a cloud that is painted here, and of one in a picture by itself.
export const unseen = (trace) => ({ ...trace, marker: { ...trace.marker, maxdisplayed: 1 } });
export const drawn = (trace) => ({ ...trace, marker: { ...trace.marker, maxdisplayed: 0 } });

export function makeSky(element) {
  const [stars, dots] = ["gandash-sky", "gandash-dots"].map((name) => {
    const canvas = document.createElement("canvas");
    canvas.className = name;
    element.before(canvas); // above what else lies under the points
    return canvas;
  });
  return { element, stars, dots, sprite: null };
}

// Tell Plotly where its last trace's points are. False if it has another number of them.
export function record(element, points) {
  const [trace, known] = [element._fullData.at(-1), element.calcdata.at(-1)];
  if (trace.visible !== "legendonly") {
    if (!trace.visible || known.length !== points.x.length) return false;
    known.forEach((point, i) => {
      point.x = points.x[i];
      point.y = points.y[i];
    });
  }
  Object.assign(element.data.at(-1), points);
  Object.assign(trace, points);
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

// The context of a canvas, which then covers the plot and is empty.
function penOf(canvas, { xaxis, yaxis }, ratio) {
  const [width, height] = [xaxis, yaxis].map((axis) => Math.round(axis._length * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const place = { left: xaxis._offset, top: yaxis._offset, width: width / ratio, height: height / ratio };
  for (const [name, value] of Object.entries(place)) canvas.style[name] = `${value}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

const places = ({ xaxis, yaxis }) => ({ x: (value) => xaxis.c2p(value), y: (value) => yaxis.c2p(value) });

// Draw the generated points that Plotly knows of, where the axes are now.
export function paint(sky) {
  const { _fullData: traces, _fullLayout: layout } = sky.element;
  const ratio = devicePixelRatio;
  const pen = penOf(sky.stars, layout, ratio);
  rule(pen, layout, ratio);
  const points = shownOf(traces.at(-1), sky.stars);
  if (points) drawStars(pen, points, places(layout), spriteOf(sky, points.marker, ratio), ratio);
}

// Draw all, whenever Plotly has drawn.
export function paintAll(sky) {
  const { calcdata, _fullData: traces, _fullLayout: layout } = sky.element;
  const stars = traces.at(-1);
  if (stars.visible === true) for (const each of calcdata.at(-1)) each.mrc = stars.marker.size / 2; // hover counts from the edge
  paint(sky);
  const pen = penOf(sky.dots, layout, devicePixelRatio);
  const points = shownOf(traces[0], sky.dots);
  if (!points) return;
  pen.scale(devicePixelRatio, devicePixelRatio);
  pen.fillStyle = points.marker.color;
  drawDots(pen, points, places(layout), points.marker.size / 2);
}

// A trace that is to be seen, and null of one that is empty or hidden by the legend; its canvas tells how many points it has.
function shownOf(trace, canvas) {
  const shown = trace.visible === true;
  canvas.dataset.points = shown ? trace.x.length : 0;
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
  const [real, generated, ground] = ["--real", "--generated", "--st-background-color"].map((name) => style.getPropertyValue(name));
  const box = { left: 0, top: 0, wide: width, high: height, x: (value) => xaxis.c2p(value), y: (value) => yaxis.c2p(value) };
  draw(pen, phase, box, { real, generated, ground, ...look });
}
