// What lies under the points of a picture: what can be seen inside a run (`gandash/core/views`), and the points' trails.
//
// What is drawn of a view follows from the names of its arrays, which `core/views/view.py` explains; so a new view needs
// nothing here. Colours are those that the page's style has names for (`palettes.py`), and of our own those of a surface,
// which differ in lightness on both sides of the middle and for the colour-blind too (blue and orange), and of an arrow.

import { contour } from "./contours.js";

export const OWN = {
  light: { surface: [[120, 177, 226], [250, 250, 250], [243, 178, 102]], arrow: "#22303a" },
  dark: { surface: [[38, 94, 150], [22, 29, 33], [140, 82, 20]], arrow: "#f1f5f4" },
};
const named = new Map(); // by look

// The colours of "light" or "dark", which the page is now.
function coloursOf(look) {
  if (!named.has(look)) {
    const style = getComputedStyle(document.documentElement);
    const [guess, generated, turned, real] = ["--plot-text", "--generated", "--misfit", "--real"].map((name) => style.getPropertyValue(name).trim());
    named.set(look, { ...OWN[look], guess, generated: channels(generated), turned: channels(turned), real: channels(real) });
  }
  return named.get(look);
}

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)); // of #rrggbb

const FINER = 4; // pixels of a surface's image for each of its cells
const ARROW = 0.07; // of the picture's shorter side, for a pull that would change the loss by 1 on the way across it
const LONGEST_ARROW = 0.16; // likewise
const HEAD = 5; // pixels
const SHADES = 8; // of a mesh's cells
const SQUEEZED = 7; // doublings of density from the faintest cell to the strongest
const MOST_TRAILS = 8; // frames

const rgba = ([r, g, b], alpha) => `rgb(${r} ${g} ${b} / ${alpha})`;

// ---------------------------------------------------------------------------------------------- which moment

// Views come before the points of their moment are on screen, which glide there: `take` those of the stream's state, and
// `at` says which to draw while the points are at that progress.
export function inStep() {
  let waiting = [];
  let newest = null;
  let shown = null;
  return {
    take(views) {
      if (views === newest) return;
      newest = views;
      if (!views) shown = null;
      waiting = views ? [...waiting, views].slice(-6) : [];
    },
    at(at, moving) {
      while (waiting.length && (!moving || waiting[0].at <= at)) shown = waiting.shift();
      return shown;
    },
  };
}

// The last frames that were on screen, oldest first.
export function trail() {
  let frames = [];
  return {
    get frames() {
      return frames;
    },
    add(points) {
      if (frames.length && frames.at(-1).x.length !== points.x.length) frames = [];
      if (frames.at(-1) !== points) frames = [...frames, points].slice(-MOST_TRAILS);
    },
    forget() {
      frames = [];
    },
  };
}

// ---------------------------------------------------------------------------------------------- drawing

// Draw layers into `box`, `{ left, top, wide, high, x, y }` in pixels, where x and y lead from the picture's units there.
// `views` are the arrays of each view that is on, `trails` frames that have been on screen, `bounds` the picture's own
// ranges, `look` is "light" or "dark". `kept` is the same object at each call for a picture: trails change more often
// than what is below them, which is drawn anew only where it is another one.
export function paintLayers(pen, box, { views, trails = [], bounds, look }, kept) {
  const { width, height } = pen.canvas;
  const parts = [...views, look, width, height, box.left, box.top, box.x(0), box.y(0), box.x(1), box.y(1)];
  const same = kept.parts?.length === parts.length && parts.every((part, i) => part === kept.parts[i]);
  if (!same) {
    const image = (kept.image ??= document.createElement("canvas"));
    Object.assign(image, { width, height }); // which clears it as well
    kept.parts = parts;
    const below = image.getContext("2d");
    below.setTransform(pen.getTransform());
    paintViews(below, box, { views, bounds, look });
  }
  pen.save();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.drawImage(kept.image, 0, 0);
  pen.restore();
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.wide, box.high);
  pen.clip();
  drawTrails(pen, box, trails, coloursOf(look));
  pen.restore();
}

function paintViews(pen, box, { views, bounds, look }) {
  const colours = coloursOf(look);
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.wide, box.high);
  pen.clip();
  for (const draw of [drawSurface, drawMesh, drawLine, drawContours]) {
    for (const parts of views) draw(pen, box, parts, { bounds, look, colours });
  }
  for (const parts of views) if (parts.has("arrows")) drawArrows(pen, box, parts.get("arrows").values, { bounds, colour: colours.arrow });
  pen.restore();
}

const images = new WeakMap(); // of surfaces, by their values
const lines = new WeakMap(); // of contours, likewise

function drawSurface(pen, box, parts, { bounds, look, colours }) {
  const surface = parts.get("surface");
  if (!surface) return;
  const scale = parts.get("scale").values;
  const known = images.get(surface.values);
  const image = known?.look === look ? known.image : imageOf(surface, scale, colours.surface);
  images.set(surface.values, { look, image });
  const [[left, right], [bottom, top]] = bounds;
  const [x, y] = [box.x(left), box.y(top)];
  pen.imageSmoothingEnabled = true;
  pen.drawImage(image, x, y, box.x(right) - x, box.y(bottom) - y);
  trace(pen, box, surface, scale[1], bounds);
  pen.strokeStyle = colours.guess;
  pen.lineWidth = 1.5;
  pen.stroke();
}

function imageOf({ values, shape: [rows, columns] }, scale, colours) {
  const image = document.createElement("canvas");
  [image.width, image.height] = [columns * FINER, rows * FINER];
  const pen = image.getContext("2d");
  const pixels = pen.createImageData(image.width, image.height);
  const clamp = (place, most) => Math.min(Math.max(place, 0), most);
  let next = 0;
  for (let down = 0; down < image.height; down++) {
    const i = clamp(rows - 0.5 - (down + 0.5) / FINER, rows - 1);
    const [i0, i1] = [Math.floor(i), Math.min(Math.floor(i) + 1, rows - 1)];
    for (let across = 0; across < image.width; across++) {
      const j = clamp((across + 0.5) / FINER - 0.5, columns - 1);
      const [j0, j1] = [Math.floor(j), Math.min(Math.floor(j) + 1, columns - 1)];
      const [u, v] = [i - i0, j - j0];
      const lower = values[i0 * columns + j0] * (1 - v) + values[i0 * columns + j1] * v;
      const upper = values[i1 * columns + j0] * (1 - v) + values[i1 * columns + j1] * v;
      const value = lower * (1 - u) + upper * u;
      const [side, share] = value < scale[1]
        ? [colours[0], Math.min(1, (scale[1] - value) / (scale[1] - scale[0]))]
        : [colours[2], Math.min(1, (value - scale[1]) / (scale[2] - scale[1]))];
      for (let channel = 0; channel < 3; channel++)
        pixels.data[next++] = colours[1][channel] + share * (side[channel] - colours[1][channel]);
      pixels.data[next++] = 255;
    }
  }
  pen.putImageData(pixels, 0, 0);
  return image;
}

// Begin a path along a level of a grid that lies over the picture's bounds.
function trace(pen, box, { values, shape: [rows, columns] }, level, [[left, right], [bottom, top]]) {
  const known = lines.get(values) ?? new Map();
  if (!known.has(level)) known.set(level, contour(values, columns, level));
  lines.set(values, known);
  const segments = known.get(level);
  const x = (j) => box.x(left + ((j + 0.5) / columns) * (right - left));
  const y = (i) => box.y(bottom + ((i + 0.5) / rows) * (top - bottom));
  pen.beginPath();
  for (let k = 0; k < segments.length; k += 4) {
    pen.moveTo(x(segments[k]), y(segments[k + 1]));
    pen.lineTo(x(segments[k + 2]), y(segments[k + 3]));
  }
}

function drawContours(pen, box, parts, { bounds, colours }) {
  for (const kind of ["real", "generated"]) {
    const grid = parts.get(`contours:${kind}`);
    if (!grid) continue;
    [...parts.get(`levels:${kind}`).values].forEach((level, i, { length }) => {
      trace(pen, box, grid, level, bounds);
      pen.strokeStyle = rgba(colours[kind], 0.35 + (0.6 * (i + 1)) / length);
      pen.lineWidth = 1.25;
      pen.stroke();
    });
  }
}

// From 0 for what is spread thin to 1 for what is squeezed together.
const density = (stretch) => Math.min(1, Math.max(0, (1 - Math.log2(Math.abs(stretch) + 1e-12)) / SQUEEZED));

function drawMesh(pen, box, parts, { colours }) {
  const mesh = parts.get("mesh");
  if (!mesh) return;
  const { values, shape: [rows, columns] } = mesh;
  const stretch = parts.get("stretch").values;
  const shades = new Map();
  for (let i = 0; i + 1 < rows; i++) {
    for (let j = 0; j + 1 < columns; j++) {
      const here = stretch[i * (columns - 1) + j];
      const shade = Math.round(density(here) * SHADES) * (here < 0 ? -1 : 1) + (here < 0 ? -0.5 : 0);
      const path = shades.get(shade) ?? new Path2D();
      shades.set(shade, path);
      [[i, j], [i, j + 1], [i + 1, j + 1], [i + 1, j]].forEach(([row, column], corner) => {
        const place = 2 * (row * columns + column);
        const [x, y] = [box.x(values[place]), box.y(values[place + 1])];
        if (corner) path.lineTo(x, y);
        else path.moveTo(x, y);
      });
      path.closePath();
    }
  }
  pen.lineWidth = 0.6;
  for (const [shade, path] of shades) {
    const colour = shade < 0 ? colours.turned : colours.generated;
    const strength = Math.floor(Math.abs(shade)) / SHADES;
    pen.fillStyle = rgba(colour, 0.04 + 0.5 * strength);
    pen.fill(path);
    pen.strokeStyle = rgba(colour, 0.25 + 0.4 * strength);
    pen.stroke(path);
  }
}

function drawLine(pen, box, parts, { colours }) {
  const line = parts.get("line");
  if (!line) return;
  const stretch = parts.get("stretch").values;
  const { values } = line;
  pen.lineCap = "round";
  for (let k = 0; k < stretch.length; k++) {
    const strength = density(stretch[k]);
    pen.beginPath();
    pen.moveTo(box.x(values[2 * k]), box.y(values[2 * k + 1]));
    pen.lineTo(box.x(values[2 * k + 2]), box.y(values[2 * k + 3]));
    pen.strokeStyle = rgba(colours.generated, 0.35 + 0.6 * strength);
    pen.lineWidth = 1.5 + 5 * strength;
    pen.stroke();
  }
}

// Arrows, flat, four numbers each: where it begins, and a pull in the picture's units, of which it has the root as length.
export function drawArrows(pen, box, values, { bounds: [[left, right], [bottom, top]], colour, width = 1.2 }) {
  const side = Math.min(box.wide, box.high);
  const [across, up] = [box.x(1) - box.x(0), box.y(1) - box.y(0)]; // pixels of a unit
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  const heads = new Path2D();
  for (let k = 0; k < values.length; k += 4) {
    const [dx, dy] = [values[k + 2], values[k + 3]];
    const pull = Math.hypot(dx * (right - left), dy * (top - bottom));
    const pixels = Math.hypot(dx * across, dy * up);
    if (!(pixels > 0)) continue;
    const length = side * Math.min(LONGEST_ARROW, ARROW * Math.sqrt(pull));
    const [u, v] = [(dx * across) / pixels, (dy * up) / pixels];
    const [x, y] = [box.x(values[k]), box.y(values[k + 1])];
    const [tipX, tipY] = [x + length * u, y + length * v];
    const head = Math.min(HEAD, length * 0.6);
    pen.moveTo(x, y);
    pen.lineTo(tipX, tipY);
    heads.moveTo(tipX + 0.4 * head * u, tipY + 0.4 * head * v);
    heads.lineTo(tipX - head * u + 0.5 * head * v, tipY - head * v - 0.5 * head * u);
    heads.lineTo(tipX - head * u - 0.5 * head * v, tipY - head * v + 0.5 * head * u);
    heads.closePath();
  }
  pen.stroke();
  pen.fill(heads);
}

function drawTrails(pen, box, frames, colours) {
  pen.lineWidth = 1;
  for (let k = 1; k < frames.length; k++) {
    const [from, to] = [frames[k - 1], frames[k]];
    pen.beginPath();
    for (let i = 0; i < to.x.length; i++) {
      pen.moveTo(box.x(from.x[i]), box.y(from.y[i]));
      pen.lineTo(box.x(to.x[i]), box.y(to.y[i]));
    }
    pen.strokeStyle = rgba(colours.generated, (0.5 * k) / frames.length);
    pen.stroke();
  }
}
