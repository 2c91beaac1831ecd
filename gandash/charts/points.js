// Pure functions on clouds of points `{ x, y }`: no page, no Plotly.

const SIDES = ["above", "below", "left", "right"];
const MARGIN = 0.04; // of the span, beyond the outermost point

// Base64 text to points: little-endian float32, all x, then all y.
export function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const n = values.length / 2;
  return { x: values.slice(0, n), y: values.slice(n) };
}

// Points on the straight way from one frame to the next.
export function between(from, to, share) {
  const mix = (a, b) => a.map((value, i) => value + share * (b[i] - value));
  return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

// How far a value is beyond a range, in spans of it; 0 inside.
function beyond(value, [low, high]) {
  return (value < low ? value - low : value > high ? value - high : 0) / (high - low);
}

// How many points a picture with these ranges does not show, by side. Each counts once, on the side it is farthest
// beyond; those that are not finite are on none.
export function outside(points, xRange, yRange) {
  const found = { total: points.x.length, above: 0, below: 0, left: 0, right: 0, notFinite: 0 };
  for (let i = 0; i < found.total; i++) {
    const x = beyond(points.x[i], xRange);
    const y = beyond(points.y[i], yRange);
    if (!Number.isFinite(points.x[i]) || !Number.isFinite(points.y[i])) found.notFinite++;
    else if (x || y) found[Math.abs(y) >= Math.abs(x) ? (y > 0 ? "above" : "below") : x > 0 ? "right" : "left"]++;
  }
  return found;
}

export const countOutside = (found) => SIDES.reduce((sum, side) => sum + found[side], 0);

// The same in words; nothing if the picture shows them all.
export function outsideText(found) {
  const number = (value) => value.toLocaleString("en-US");
  const share = (count) => `${number(count)} of ${number(found.total)} points ${count === 1 ? "is" : "are"}`;
  const count = countOutside(found);
  const where = SIDES.filter((side) => found[side]).map((side) => `${number(found[side])} ${side}`);
  const sentences = [];
  if (count) sentences.push(`${share(count)} outside: ${where.join(", ")}`);
  if (found.notFinite) sentences.push(`${share(found.notFinite)} not finite`);
  return sentences.join("; ");
}

// The ranges `{ x, y }` that hold those of `home` and every finite point of the clouds. With `equal`, one unit on both
// axes, they keep the form of `home`.
export function fittedRanges(home, clouds, equal) {
  const fit = {};
  for (const axis of ["x", "y"]) {
    let [low, high] = home[axis];
    for (const cloud of clouds) {
      for (let i = 0; i < cloud.x.length; i++) {
        const value = cloud[axis][i];
        if (!Number.isFinite(cloud.x[i]) || !Number.isFinite(cloud.y[i])) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    const margin = MARGIN * (high - low);
    fit[axis] = [low < home[axis][0] ? low - margin : low, high > home[axis][1] ? high + margin : high];
  }
  if (!equal) return fit;
  const span = ([low, high]) => high - low;
  const times = Math.max(span(fit.x) / span(home.x), span(fit.y) / span(home.y));
  return Object.fromEntries(["x", "y"].map((axis) => [axis, scaled(fit[axis], (times * span(home[axis])) / span(fit[axis]))]));
}

// A range stretched about its middle and then moved by `shift` of its span.
export function scaled([low, high], times, shift = 0) {
  const middle = low / 2 + high / 2 + shift * (high - low);
  const half = ((high - low) * times) / 2;
  return [middle - half, middle + half];
}
