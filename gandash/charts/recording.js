// A recorded film of a shape being learnt, which the picture shows before there is a run; `films.py` describes the file.

const FRAME_MS = 170; // between two frames
const HOLD_MS = 2600; // of the last one, longer than any pause of a training, so that the first one after it is not glided to
const MOST = 65535;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// The frames of a file: their epochs and points, within `bounds`, the ranges of both axes.
export function decodeFilm(buffer, bounds) {
  const values = new Uint16Array(buffer);
  const [count, n] = values;
  const at = (place, axis) => bounds[axis][0] + (values[place] / MOST) * (bounds[axis][1] - bounds[axis][0]);
  return Array.from({ length: count }, (_, frame) => {
    const start = 2 + count + 2 * n * frame;
    const points = { x: new Float32Array(n), y: new Float32Array(n) };
    for (let i = 0; i < n; i += 1) {
      points.x[i] = at(start + 2 * i, 0);
      points.y[i] = at(start + 2 * i + 1, 1);
    }
    return { epoch: values[2 + frame], points };
  });
}

// Play a film over and over, the last frame alone where motion is unwelcome; `onFrame` is told of each. Returns what ends it.
export function play(address, bounds, onFrame) {
  let timer = 0;
  let ended = false;
  let at = 0; // grows with each frame, whatever the round
  const show = (frames, place) => {
    if (ended) return;
    const still = calm.matches;
    const next = still ? frames.length - 1 : place;
    onFrame({ ...frames[next], at: (at += 1), recorded: true });
    if (still) return;
    const last = next === frames.length - 1;
    timer = setTimeout(show, last ? HOLD_MS : FRAME_MS, frames, last ? 0 : next + 1);
  };
  fetch(address)
    .then((answer) => (answer.ok ? answer.arrayBuffer() : null))
    .then((buffer) => buffer && show(decodeFilm(buffer, bounds), 0))
    .catch(() => {}); // the picture is as good without it
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
