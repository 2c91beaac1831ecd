// A film of a run in a file of its own (`film.py`): play it, drag through it, in light or dark. It asks for nothing.

import { board } from "./board.js";
import { picture } from "./picture.js";

const NOWHERE = 65535;
const LEVELS = 65534;
const REST_MS = 1500; // at the end, before it begins again
const STILL = [{ at: 0 }]; // there is no stream
const at = (id) => document.getElementById(id);
const root = document.documentElement;
const { scene, ranges, seconds, real, frames } = JSON.parse(at("film").textContent);
const onBoard = Boolean(scene.numbers);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

// Base64 of little-endian 16-bit numbers, all x and then all y, as points.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const n = bytes.length / 4;
  const [x, y] = ranges.map(([low, high], axis) =>
    Float32Array.from({ length: n }, (_, i) => {
      const value = view.getUint16(2 * (axis * n + i), true);
      return value === NOWHERE ? NaN : low + (value / LEVELS) * (high - low);
    }),
  );
  return { x, y };
}

const [text, fit, back] = at("note").children;
const [slider, play] = [at("slider"), at("play")];
const cloud = picture(at("cloud"), { root: at("note"), text, fit, back });
const numbers = onBoard ? board(at("numbers")) : null;
const dots = real && unpack(real);
const moments = new Map();
let place = 0;
let timer = 0;

function moment(i) {
  if (!moments.has(i)) moments.set(i, { ...frames[i], at: i, points: unpack(frames[i].points) });
  return moments.get(i);
}

function show(next) {
  place = next;
  const frame = moment(place);
  if (onBoard) numbers.show([frame]);
  else cloud.show(dots, STILL, { visited: frame });
  slider.value = place;
  slider.style.setProperty("--done", `${(100 * place) / Math.max(frames.length - 1, 1)}%`);
  const words = `Epoch ${frame.epoch.toLocaleString("en-US")}`;
  slider.setAttribute("aria-valuetext", `${words}. ${frame.words}`);
  at("epoch").textContent = words;
  at("words").textContent = frame.words;
}

function stop() {
  clearTimeout(timer);
  timer = 0;
  play.textContent = "Play";
}

function start() {
  play.textContent = "Pause";
  const next = () => {
    const last = place === frames.length - 1;
    show(last ? 0 : place + 1);
    timer = setTimeout(next, place === frames.length - 1 ? REST_MS : 1000 * seconds);
  };
  timer = setTimeout(next, 1000 * seconds);
}

function changeTheme() {
  root.dataset.theme = (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
  cloud.redraw();
}

at("title").textContent = scene.title;
at("marks").hidden = onBoard;
at("cloud").parentElement.hidden = onBoard;
at("numbers").hidden = !onBoard;
if (onBoard) numbers.begin(scene);
else cloud.begin(scene);
slider.max = frames.length - 1;
slider.addEventListener("input", () => {
  stop();
  show(Number(slider.value));
});
play.addEventListener("click", () => (timer ? stop() : start()));
at("theme").addEventListener("click", changeTheme);
dark.addEventListener("change", () => cloud.redraw());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "t") changeTheme();
  else if (event.key === " " && event.target === document.body) play.click();
});
show(calm.matches ? frames.length - 1 : 0);
if (!calm.matches && frames.length > 1) start();
