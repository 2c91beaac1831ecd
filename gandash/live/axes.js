// Axes on a canvas: where ticks are, what they say, and the frame that they stand around.

const SYMBOLS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const GAP = 6; // pixels between an axis and its numbers

// At most about `most` round values within a range, evenly spaced, and their step.
export function ticks([low, high], most) {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step && values.length < 50; i++) values.push(i * step);
  return { values, step };
}

// A value of an axis with such a step, in as few digits as tell it from its neighbours.
export function tickText(value, step) {
  if (Math.abs(value) < step / 1e6) return "0";
  if (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4) return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toFixed(Math.min(digits, 8)).replace("-", "−");
}

// An epoch, such as 1.5k.
export function epochText(value) {
  const [unit, symbol] = SYMBOLS.find(([size]) => value >= size) ?? [1, ""];
  return `${+(value / unit).toPrecision(4)}${symbol}`;
}

// Ticks of a logarithmic axis, `[logarithm, text]`: powers of ten, every so many of them where they are too many, and
// round values between them where they are too few.
export function logTicks([low, high], most) {
  const inside = (values) => values.filter((value) => value >= low && value <= high);
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
  const every = Math.max(1, Math.ceil((high - low) / Math.max(most, 1)));
  const steps = [1, 2, 5].map(Math.log10);
  let values = inside(powers.filter((power) => power % every === 0));
  if (values.length < 3 && every === 1) values = inside(powers.flatMap((power) => steps.map((step) => power + step)));
  if (values.length < 2) return ticks([10 ** low, 10 ** high], most).values.filter((value) => value > 0).map((value) => [Math.log10(value), logText(Math.log10(value))]);
  return values.map((value) => [value, logText(value)]);
}

// Ticks of an axis, `[value, text]`; a logarithmic one's values are decimal logarithms.
export function axisTicks(range, most, log) {
  if (log) return logTicks(range, most);
  const { values, step } = ticks(range, most);
  return values.map((value) => [value, tickText(value, step)]);
}

const logText = (value) => (Math.abs(value) < 4 ? String(+(10 ** value).toPrecision(3)) : `${+(10 ** (value - Math.floor(value + 1e-9))).toPrecision(3)}e${Math.floor(value + 1e-9)}`);

// Make a canvas as large as it is on screen, in real pixels. Its context then takes CSS pixels.
export function fitted(canvas) {
  const scale = Math.min(devicePixelRatio || 1, 3);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const context = canvas.getContext("2d");
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height, scale };
}

// The colours and the font that the style sheet gives an element.
export function looks(element) {
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  return { size, font: `${size}px ${style.fontFamily}`, of: (name) => style.getPropertyValue(name).trim() };
}

// Draw grid, numbers and titles around a plot, and say where it is: `{ left, top, wide, high, x(value), y(value) }`.
//
// `x` and `y` are `{ range, ticks: [[value, text]], title }`. With `equal`, one unit is as long on both axes.
export function frame(context, width, height, look, { x, y, equal = false }) {
  context.font = look.font;
  const line = look.size * 1.3;
  const widest = Math.max(0, ...y.ticks.map(([, text]) => context.measureText(text).width));
  let left = GAP + widest + (y.title ? line : 2);
  let top = line / 2;
  const lastHalf = x.ticks.length ? context.measureText(x.ticks.at(-1)[1]).width / 2 : 0;
  let wide = width - left - Math.max(4, Math.min(lastHalf, 16));
  let high = height - top - line - GAP - (x.title ? line : 0);
  if (wide < 20 || high < 20) return null;
  const [spanX, spanY] = [x, y].map(({ range }) => range[1] - range[0]);
  if (equal) {
    const unit = Math.min(wide / spanX, high / spanY); // pixels
    left += (wide - unit * spanX) / 2;
    top += (high - unit * spanY) / 2;
    [wide, high] = [unit * spanX, unit * spanY];
  }
  const box = {
    left, top, wide, high,
    x: (value) => left + ((value - x.range[0]) / spanX) * wide,
    y: (value) => top + high - ((value - y.range[0]) / spanY) * high,
  };
  context.lineWidth = 1;
  context.strokeStyle = look.of("--grid");
  context.beginPath();
  const crisp = (value) => Math.round(value) + 0.5;
  for (const [value] of x.ticks) {
    context.moveTo(crisp(box.x(value)), top);
    context.lineTo(crisp(box.x(value)), top + high);
  }
  for (const [value] of y.ticks) {
    context.moveTo(left, crisp(box.y(value)));
    context.lineTo(left + wide, crisp(box.y(value)));
  }
  context.stroke();
  context.fillStyle = look.of("--plot-text");
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [value, text] of y.ticks) context.fillText(text, left - GAP, box.y(value));
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const [value, text] of x.ticks) context.fillText(text, box.x(value), top + high + GAP);
  if (x.title) context.fillText(x.title, left + wide / 2, top + high + GAP + line);
  if (y.title) {
    context.save();
    context.translate(left - GAP - widest - line, top + high / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(y.title, 0, 0);
    context.restore();
  }
  return box;
}
