// What a phase did that was played by itself, drawn over a picture: rings around the points that it was played on, and,
// of the generator's, an arrow from each point to where it went.

const RING = 5.5; // pixels, radius
const LENGTH = 7; // pixels of an arrow for one pixel of way; it grows with the square root
const SHORTEST = 4; // pixels, likewise
const LONGEST = 60;
const HEAD = 4;

// Draw a phase of the stream where `x(value)` and `y(value)` say. `look` has the colours `real`, `generated`, `ground`.
export function mark(pen, { real, generated, moved }, { x, y }, look) {
  pen.lineCap = "round";
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
