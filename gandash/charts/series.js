// Values over the epochs, made fit to be drawn: smoothed, and the range in which most of them are. Pure functions; a
// curve is `{ x, y }`, epochs and finite values of one length, thinned or not.

const MOST_VALUES = 2000; // that percentiles are estimated from
const BULK = [0.05, 0.95];
const PEAK = 10; // ranges are cut where they would be so many times as long as the span of the bulk of the values
const FENCE = 2; // how far beyond that bulk a range that is cut still reaches, in its spans
const DECADES = 1000; // from which ratio on values are shown on a logarithmic axis
const MARGIN = 0.06; // of such a range, at both ends

// Exponential moving average over the epochs that starts without a bias towards 0, as TensorBoard's: each value is the
// mean of all up to it, weighted with `weight` to the power of how many epochs ago they were (Kingma & Ba 2015, section
// 3, for the correction at the start). A value stands for all epochs since the one before it. With a value for every
// epoch: [4, 1, 1] at a weight of 0.5 becomes [4, 2, 1.43]. A weight of 0 leaves all as it is, 1 is the mean so far.
export function smooth(x, y, weight) {
  const mean = new Array(y.length);
  let sum = 0;
  let share = 0;
  for (let i = 0; i < y.length; i++) {
    const epochs = i ? x[i] - x[i - 1] : y.length > 1 ? x[1] - x[0] : 1;
    const kept = weight ** epochs;
    const own = weight === 1 ? epochs : 1 - kept;
    sum = kept * sum + own * y[i];
    share = kept * share + own;
    mean[i] = sum / share;
  }
  return mean;
}

// What lies so far up in sorted values, from 0 to 1, between two of them where it is between.
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// From the lowest 5th to the highest 95th percentile of columns that are not empty.
export function bulk(columns) {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns) {
    const step = Math.ceil(column.length / MOST_VALUES);
    const some = Float64Array.from({ length: Math.ceil(column.length / step) }, (_, i) => column[i * step]).sort();
    low = Math.min(low, quantile(some, BULK[0]));
    high = Math.max(high, quantile(some, BULK[1]));
  }
  return [low, high];
}

export function extent(columns) {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns) {
    for (const value of column) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

// The lowest and the highest value to show of columns of finite values; null if that is all of them. If the bulk would
// take less than a tenth of the range, what is far from it is left out: it then takes a fifth or more.
export function robustRange(columns) {
  const [low, high] = bulk(columns);
  const span = high - low || Math.abs(low) || 1;
  const [lowest, highest] = extent(columns);
  if (highest - lowest <= PEAK * span) return null;
  const near = (value) => value >= low - FENCE * span && value <= high + FENCE * span;
  const [bottom, top] = extent(columns.map((column) => column.filter(near)));
  const margin = MARGIN * (top - bottom || span);
  return [bottom - margin, top + margin];
}

// How an axis shows columns of finite values: `log`, whether it is logarithmic; `lowest` and `highest` of all values and
// `range`, that of `robustRange`, as they lie on it; `cut`, in words, what that leaves out. Null if there is no value to
// show. With `log` null it is logarithmic if all values are positive and their bulk spans decades.
export function axisOf(columns, log) {
  if (log) columns = columns.map((column) => column.filter((value) => value > 0));
  columns = columns.filter((column) => column.length);
  if (!columns.length) return null;
  if (log === null) {
    const [low, high] = bulk(columns);
    log = extent(columns)[0] > 0 && high / low >= DECADES;
  }
  if (log) columns = columns.map((column) => column.map(Math.log10));
  const [lowest, highest] = extent(columns);
  const range = robustRange(columns);
  const [dip, peak] = [lowest, highest].map((end) => short(log ? 10 ** end : end));
  const words = [];
  if (range && highest > range[1]) words.push(`peaks up to ${peak}`);
  if (range && lowest < range[0]) words.push(`dips down to ${dip}`);
  return { log, lowest, highest, range, cut: words.length ? `${words.join(" and ")} are cut off` : "" };
}

// A number in a few letters: 1,234 or 1.2e13.
export function short(value) {
  const size = Math.abs(value);
  if (value && !(size >= 0.001 && size < 1e6)) return value.toExponential(1).replace("e+", "e");
  if (size >= 100) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(3)));
}
