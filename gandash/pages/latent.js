// Places of the noise: ways from one to another, planes through them, and how they are drawn by chance.

export const dot = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

const along = (a, b, share) => a.map((value, i) => value + share * (b[i] - value));

// A place on the way from a to b; on the sphere the length changes evenly and the direction turns (Shoemake 1985).
export function between(a, b, share, sphere) {
  const [la, lb] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))];
  const angle = sphere && la && lb ? Math.acos(Math.max(-1, Math.min(1, dot(a, b) / (la * lb)))) : 0;
  if (Math.sin(angle) < 1e-6) return along(a, b, share);
  const long = la + share * (lb - la);
  const [wa, wb] = [Math.sin((1 - share) * angle) / Math.sin(angle) / la, Math.sin(share * angle) / Math.sin(angle) / lb];
  return a.map((value, i) => long * (wa * value + wb * b[i]));
}

// Two axes, turned by an angle towards the next two; with three the second one alone turns.
export function turned(axes, angle) {
  const mix = (a, b) => a.map((value, i) => Math.cos(angle) * value + Math.sin(angle) * b[i]);
  if (axes.length >= 4) return [mix(axes[0], axes[2]), mix(axes[1], axes[3])];
  return axes.length === 3 ? [axes[0], mix(axes[1], axes[2])] : axes.slice(0, 2);
}

// Numbers that look like N(0, 1), the same for the same seed (mulberry32, Box and Muller).
export function normal(size, seed) {
  let state = seed * 0x9e3779b9;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Array.from({ length: size }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}
