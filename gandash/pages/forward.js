// The forward pass of a portable generator, layer by layer, as `gandash/portable.py` has it.
//
// `load` takes what a generator's layers are and all their weights in one row; what it returns maps n rows of noise to n
// rows of points, both row after row in one array. Weights are float32, as in the file, and sums float64. The points are
// lent: the next run of as many rows writes over them. So what follows a pointer allocates nothing.

// The error function, to float64's own precision: a series without cancellation.
export function erf(x) {
  const a = Math.abs(x);
  if (a > 5.9) return Math.sign(x);
  let term = a;
  let sum = a;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * a * a) / (2 * n + 1);
    sum += term;
  }
  return (Math.sign(x) * 2 * Math.exp(-a * a) * sum) / Math.sqrt(Math.PI);
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const MOST_RANK = 1 - 2 ** -24;

const each = (act) => (x) => {
  for (let i = 0; i < x.length; i++) x[i] = act(x[i]);
  return x;
};

const ACTIVATIONS = {
  uniform: () => each((z) => erf(z / Math.SQRT2)),
  relu: () => each((x) => (x > 0 ? x : 0)),
  leaky_relu: ({ slope }) => each((x) => (x > 0 ? x : slope * x)),
  silu: () => each((x) => x * sigmoid(x)),
  tanh: () => each(Math.tanh),
};

// Room for so many numbers, the same again for as long as it is the same many.
function room() {
  let held = new Float64Array(0);
  return (size) => (held.length === size ? held : (held = new Float64Array(size)));
}

function linear({ weight, bias }) {
  const [outs, ins, held] = [bias.length, weight.length / bias.length, room()];
  return (x, n) => {
    const y = held(n * outs);
    for (let row = 0; row < n; row++) {
      for (let out = 0, w = 0; out < outs; out++) {
        let sum = bias[out];
        for (let i = row * ins, end = i + ins; i < end; i++, w++) sum += weight[w] * x[i];
        y[row * outs + out] = sum;
      }
    }
    return y;
  };
}

// The noise, all sines, all cosines, and the digits of its rank as -1 or 1.
function features({ frequencies, gates, digits, uniform }) {
  const [waves, f, g, held] = [frequencies.length, Float32Array.from(frequencies), Float32Array.from(gates), room()];
  return (z, n) => {
    const d = z.length / n;
    const wide = d * (1 + 2 * waves + digits);
    const y = held(n * wide);
    for (let row = 0; row < n; row++) {
      for (let i = 0; i < d; i++) {
        const value = z[row * d + i];
        const at = row * wide;
        y[at + i] = value;
        for (let k = 0; k < waves; k++) {
          const angle = Math.fround(value * f[k]);
          y[at + d + i * waves + k] = Math.sin(angle) * g[k];
          y[at + d + d * waves + i * waves + k] = Math.cos(angle) * g[k];
        }
        const rank = Math.min(Math.max(uniform ? (value + 1) / 2 : (1 + erf(value / Math.SQRT2)) / 2, 0), MOST_RANK);
        for (let k = 0; k < digits; k++) {
          y[at + d * (1 + 2 * waves) + i * digits + k] = (Math.floor(rank * 2 ** (k + 1)) % 2) * 2 - 1;
        }
      }
    }
    return y;
  };
}

function affine({ scale, shift }) {
  return (x) => {
    for (let i = 0; i < x.length; i++) x[i] = x[i] * scale[i % scale.length] + shift[i % scale.length];
    return x;
  };
}

function exponential({ columns }, dim) {
  return (x) => {
    for (let row = 0; row < x.length; row += dim) for (const column of columns) x[row + column] = Math.exp(x[row + column]);
    return x;
  };
}

const LAYERS = { linear, features, affine, exponential, ...ACTIVATIONS };

// `{ latentDim, dim, run(noise, n) }` of `{ latent_dim, dim, layers }`, where a layer names each of its tensors by
// `[start, length]` in `weights`, a Float32Array.
export function load({ latent_dim: latentDim, dim, layers }, weights) {
  const steps = layers.map(({ kind, tensors, ...numbers }) => {
    const held = Object.fromEntries(Object.entries(tensors).map(([name, [at, n]]) => [name, weights.subarray(at, at + n)]));
    return LAYERS[kind]({ ...numbers, ...held }, dim);
  });
  const held = room();
  return {
    latentDim,
    dim,
    run(noise, n) {
      let x = held(noise.length);
      x.set(noise);
      for (const step of steps) x = step(x, n);
      return x;
    },
  };
}

// Base64 text to little-endian float32.
export function floats(text) {
  return new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}
