// What Explore's canvases are drawn with.

import { axisTicks, fitted, frame, looks } from "./axes.js";

const TICK_PIXELS = 70;

export function axis(range, title, pixels, log) {
  return { range, title, ticks: axisTicks(range, pixels / TICK_PIXELS, log) };
}

// A canvas cleared, with axes `[range, title, whether it is logarithmic]` around its plot, one without a title bare; `box`
// is null where there is no room for one.
export function begin(canvas, x, y, equal) {
  const { context, width, height } = fitted(canvas);
  context.clearRect(0, 0, width, height);
  const look = looks(canvas);
  const [wide, high] = equal ? Array(2).fill(Math.min(width, height)) : [width, height];
  const [across, up] = [[x, wide], [y, high]].map(([[range, title, log], pixels]) => (title ? axis(range, title, pixels, log) : { range, ticks: [] }));
  const box = frame(context, width, height, look, { x: across, y: up, equal });
  return { context, look, box };
}

export function clipped(context, box, act) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.wide, box.high);
  context.clip();
  act();
  context.restore();
}

export function star(context, x, y, radius) {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const [angle, r] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 ? radius * 0.42 : radius];
    context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
  context.fill();
}

export function dots(context, box, points, colour, radius, alpha) {
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  for (let i = 0; i < points.length; i += 2) {
    context.beginPath();
    context.arc(box.x(points[i]), box.y(points[i + 1]), radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

// A line through places `[x, y]`; pieces longer than so many pixels are jumps, and not drawn.
export function polyline(context, box, places, longest = Infinity) {
  context.beginPath();
  let last = null;
  for (const [x, y] of places) {
    const here = [box.x(x), box.y(y)];
    if (!Number.isFinite(here[0] + here[1])) last = null;
    else {
      if (!last || Math.hypot(here[0] - last[0], here[1] - last[1]) > longest) context.moveTo(...here);
      else context.lineTo(...here);
      last = here;
    }
  }
  context.stroke();
}

// A path with its two ends.
export function path(context, box, look, places, longest) {
  context.strokeStyle = look.of("--path");
  context.lineWidth = 2;
  polyline(context, box, places, longest);
  context.fillStyle = look.of("--path");
  for (const [x, y] of [places[0], places.at(-1)]) {
    context.beginPath();
    context.arc(box.x(x), box.y(y), 4, 0, 2 * Math.PI);
    context.fill();
  }
}

// The numbers from 0 to 99, those that really occur in the colour of real points.
export function board(context, box, look, real) {
  const occurs = new Set();
  for (let i = 0; i < real.length; i += 2) occurs.add(real[i] + 10 * real[i + 1]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let n = 0; n < 100; n++) {
    context.fillStyle = look.of(occurs.has(n) ? "--dot" : "--plot-text");
    context.globalAlpha = occurs.has(n) ? 1 : 0.7;
    context.fillText(n, box.x(n % 10), box.y(Math.floor(n / 10)));
  }
  context.globalAlpha = 1;
}
