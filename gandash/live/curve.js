// Values over the epochs as lines on a canvas.

import { epochText, fitted, frame, logTicks, looks, tickText, ticks } from "./axes.js";
import { axisOf } from "./series.js";

const FEWEST_EPOCHS = 5; // that an axis shows
const MARGIN = 0.06;
const USUAL = 12; // pixels of the text at which the sizes below hold
const LINE = 1.5;
const TICK_PIXELS = 45; // for each tick, upwards
const EPOCH_PIXELS = 70;

// The range in which most values of some columns are, whether the axis is logarithmic, and in words what is cut off.
// `log` as for `axisOf`; the range has `reach` in it too.
function rangeOf(columns, log, reach) {
  const found = axisOf(columns, log);
  if (!found) return { range: [0, 1], log: false, cut: "" };
  const ends = found.range ? [] : reach.map((value) => (found.log ? Math.log10(value) : value));
  const [lowest, highest] = [Math.min(found.lowest, ...ends), Math.max(found.highest, ...ends)];
  const margin = MARGIN * (highest - lowest || Math.abs(highest) || 1);
  return { ...found, range: found.range ?? [lowest - margin, highest + margin] };
}

// What lines with a `name`, or one without, say at their ends or at the epoch that is looked at, for who does not see them.
export function inWords(title, lines, cursor, unit = "") {
  const placed = lines.map((line) => ({ ...line, at: cursor === null ? line.x.length - 1 : line.x.findLastIndex((epoch) => epoch <= cursor) }));
  const there = placed.filter(({ at }) => at >= 0);
  if (!there.length) return `${title}: nothing yet`;
  const [{ x, at }] = there;
  const values = there.map(({ name, y, at }) => [name, `${+y[at].toPrecision(3)}${unit}`].filter(Boolean).join(" "));
  return `${title}, epoch ${x[at].toLocaleString("en")}: ${values.join(", ")}`;
}

// Draw `lines`, each `{ x, y, colour }` with a style sheet's name of a colour. `hints` are `[value, text]`, drawn across
// where they are within the range; `since` is an epoch to mark; `log` is for `rangeOf`. Returns what is cut
// off, in words. `reach` are values that are shown even if the lines do not get there. `cursor` is an epoch that is looked
// at, or null.
export function curve(canvas, { lines, hints = [], reach = [], since = 0, log = null, cursor = null }) {
  const { context, width, height } = fitted(canvas);
  context.clearRect(0, 0, width, height);
  const found = rangeOf(lines.map((line) => Array.from(line.y)), log, reach);
  const nothing = lines.every((line) => !line.x.length); // then there are no figures to tell
  const look = looks(canvas);
  const last = Math.max(FEWEST_EPOCHS, ...lines.map((line) => line.x.at(-1) ?? 0));
  const place = found.log ? Math.log10 : (value) => value;
  const times = look.size / USUAL;
  const upwards = height / (TICK_PIXELS * times);
  const whole = (range, most) => {
    const { values, step } = ticks(range, most);
    return values.map((value) => [value, tickText(value, step)]);
  };
  let sideways = ticks([0, last], width / (EPOCH_PIXELS * times));
  if (sideways.step < 1) sideways = ticks([0, last], last);
  const box = frame(context, width, height, look, {
    x: { range: [0, last], ticks: sideways.values.map((value) => [value, epochText(value)]), title: "epoch" },
    y: {
      range: found.range,
      ticks: nothing ? [] : found.log ? logTicks(found.range, upwards) : whole(found.range, upwards),
    },
  });
  if (!box) return found.cut;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 1, box.wide + 1, box.high + 2);
  context.clip();
  const dotted = (x0, y0, x1, y1) => {
    context.setLineDash([2, 3]);
    context.lineWidth = 1;
    context.strokeStyle = look.of("--hint");
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
    context.setLineDash([]);
  };
  const near = hints.filter(([value]) => !nothing && place(value) > found.range[0] && place(value) < found.range[1]);
  for (const [value] of near) dotted(box.left, box.y(place(value)), box.left + box.wide, box.y(place(value)));
  if (since) dotted(box.x(since), box.top, box.x(since), box.top + box.high);
  context.lineJoin = "round";
  for (const { x, y, colour } of lines) {
    const shown = [...x.keys()].filter((i) => !found.log || y[i] > 0);
    context.strokeStyle = context.fillStyle = look.of(colour);
    context.lineWidth = LINE * times;
    context.beginPath();
    for (const i of shown) context.lineTo(box.x(x[i]), box.y(place(y[i])));
    context.stroke();
    if (shown.length === 1) context.fillRect(box.x(x[shown[0]]) - 3, box.y(place(y[shown[0]])) - 3, 6, 6);
  }
  if (cursor !== null) {
    context.fillStyle = look.of("--text");
    context.fillRect(box.x(cursor) - 1, box.top, 2, box.high);
  }
  context.fillStyle = look.of("--hint");
  const word = (text, x, y, align, base) => {
    [context.textAlign, context.textBaseline] = [align, base];
    context.lineWidth = 4;
    context.strokeStyle = look.of("--ground"); // lines pass behind it
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  let right = box.left + box.wide - 3;
  for (const [value, text] of near) {
    const y = box.y(place(value));
    const above = y - box.top > 1.4 * look.size;
    word(text, right, above ? y - 2 : y + 3, "right", above ? "bottom" : "top");
    right -= context.measureText(text).width + look.size; // where an axis is long, two lines lie too close for one above another
  }
  if (since) word("trained on", box.x(since) + 3, box.top + 2, "left", "top");
  context.restore();
  return found.cut;
}
