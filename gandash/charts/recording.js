// A recorded film of a shape being learnt, which the picture shows before there is a run; `films.py` describes the file.

const FRAME_MS = 170; // between two frames
const MOST = 65535;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// The frames of a file: their epochs and points, within `bounds`, the ranges of both axes.
function decodeFilm(buffer, bounds) {
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

// Play a film once, or show its last frame alone where motion is unwelcome; `onFrame` is told of each frame and says
// whether it was taken, as it is not while nobody looks. What is returned ends it.
export function play(address, bounds, onFrame) {
  let timer = 0;
  let ended = false;
  const show = (frames, place) => {
    if (ended) return;
    const next = calm.matches ? frames.length - 1 : place;
    const taken = onFrame({ ...frames[next], at: next, recorded: true });
    if (taken && next === frames.length - 1) return;
    timer = setTimeout(show, FRAME_MS, frames, taken ? next + 1 : next);
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
