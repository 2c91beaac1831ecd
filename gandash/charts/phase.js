// What a phase did that was played by itself, drawn over a picture: rings around the points that it was played on, and,
// of the generator's, an arrow from each point to where it went; besides, where the generator's loss pulls points now.

import { OWN, drawArrows } from "./layers.js";

const RING = 5.5; // pixels, radius
const LENGTH = 7; // pixels of an arrow for one pixel of way; it grows with the square root
const SHORTEST = 4; // pixels, likewise
const LONGEST = 60;
const HEAD = 4;
const MOST_WANTED = 72; // arrows of what the generator wants: more of them would hide what was done
const FONT = "12px sans-serif";
const [GAP, SAMPLE, LINE] = [6, 16, 18]; // pixels of the words that explain it

// Draw a phase of the stream in `box`, `{ left, top, wide, high, x, y }` as layers have it. `look` has the colours `real`,
// `generated` and `ground`, the `theme`, "light" or "dark", and the `bounds` of the picture's own ranges.
export function mark(pen, { real, generated, moved, wanted }, box, look) {
  pen.lineCap = "round";
  const arrow = OWN[look.theme].arrow;
  const some = wanted.subarray(0, 4 * MOST_WANTED);
  drawArrows(pen, box, some, { bounds: look.bounds, colour: look.ground, width: 2.8 });
  drawArrows(pen, box, some, { bounds: look.bounds, colour: arrow, width: 1 });
  did(pen, real, generated, moved, box, look);
  const entries = [];
  if (moved.x.length) entries.push([look.generated, "went"]);
  else if (real.x.length || generated.x.length) entries.push([real.x.length ? look.real : look.generated, "played on"]);
  if (wanted.length) entries.push([arrow, "G wants"]);
  explain(pen, entries, box, look);
}

// What the colours mean, in the lower right corner.
function explain(pen, entries, { left, top, wide, high }, { ground }) {
  pen.font = FONT;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const widths = entries.map(([, words]) => pen.measureText(words).width + 2 * GAP + SAMPLE);
  const whole = widths.reduce((sum, width) => sum + width, GAP);
  let x = left + wide - whole - 4;
  const y = top + high - LINE / 2 - 4;
  pen.globalAlpha = 0.85;
  pen.fillStyle = ground;
  pen.fillRect(x, y - LINE / 2, whole, LINE);
  pen.globalAlpha = 1;
  entries.forEach(([colour, words], i) => {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 1.6;
    pen.beginPath();
    if (words === "played on") pen.arc(x + GAP + SAMPLE / 2, y, RING, 0, 2 * Math.PI);
    else {
      const [from, to] = [x + GAP, x + GAP + SAMPLE - 2];
      pen.moveTo(from, y);
      pen.lineTo(to, y);
      for (const side of [1, -1]) {
        pen.moveTo(to, y);
        pen.lineTo(to - HEAD, y + side * 0.6 * HEAD);
      }
    }
    pen.stroke();
    pen.fillText(words, x + GAP + SAMPLE + 2, y);
    x += widths[i];
  });
}

function did(pen, real, generated, moved, { x, y }, look) {
  if (!moved.x.length) {
    rings(pen, real, x, y, look.real, look.ground);
    rings(pen, generated, x, y, look.generated, look.ground);
    return;
  }
  twice(pen, look.generated, look.ground, () => {
    for (let i = 0; i < moved.x.length; i++) {
      const [fromX, fromY] = [x(generated.x[i]), y(generated.y[i])];
      arrow(pen, fromX, fromY, x(moved.x[i]) - fromX, y(moved.y[i]) - fromY);
    }
  });
}

function rings(pen, points, x, y, colour, ground) {
  twice(pen, colour, ground, () => {
    for (let i = 0; i < points.x.length; i++) {
      const [across, down] = [x(points.x[i]), y(points.y[i])];
      if (!Number.isFinite(across + down)) continue;
      pen.moveTo(across + RING, down);
      pen.arc(across, down, RING, 0, 2 * Math.PI);
    }
  });
}

function arrow(pen, x, y, right, down) {
  const way = Math.hypot(right, down);
  if (!(way > 0) || !Number.isFinite(x + y + way)) return;
  const long = Math.min(LONGEST, SHORTEST + LENGTH * Math.sqrt(way));
  const [unitX, unitY] = [right / way, down / way];
  const [tipX, tipY] = [x + long * unitX, y + long * unitY];
  pen.moveTo(x, y);
  pen.lineTo(tipX, tipY);
  for (const side of [1, -1]) {
    pen.moveTo(tipX, tipY);
    pen.lineTo(tipX - HEAD * (unitX + side * 0.6 * unitY), tipY - HEAD * (unitY - side * 0.6 * unitX));
  }
}

// On a rim of the ground, so that it is seen on points of its own colour.
function twice(pen, colour, ground, trace) {
  for (const [style, width] of [
    [ground, 3.5],
    [colour, 1.6],
  ]) {
    pen.beginPath();
    trace();
    pen.strokeStyle = style;
    pen.lineWidth = width;
    pen.stroke();
  }
}
