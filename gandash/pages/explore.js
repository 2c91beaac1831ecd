// A generator under the hand: a pad of its noise, and where each place of it is led; and a sample beside real points.
//
// The pad is a plane of the latent space, `offset + u · first axis + v · second axis`. What is dragged is a place in it;
// the point that the generator makes of it is computed here, in time for the next picture.

import { fitted, frame, looks, tickText, ticks } from "./axes.js";
import { child } from "./elements.js";
import { floats, load } from "./forward.js";

const REACH = 3.2; // of the pad, in standard deviations of the noise
const GRID = 49; // places along each side of the mesh
const EVERY = 4; // of them a line is drawn of
const SLICE = 5; // ms of a picture's time that the mesh may take
const STEP = 0.1; // at each press of an arrow key; with shift a fifth
const SECONDS = 4; // that a path takes
const JUMP = 0.12; // of the picture: a longer piece of the mesh's lines is a jump, and not drawn
const TICK_PIXELS = 70;
const PATH_POINTS = 240;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function button(parent, text, act) {
  const made = child(parent, "button", "gandash-button", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function slider(parent, text, [low, high, step], value, act) {
  const label = child(parent, "label", "gandash-slider");
  child(label, "span", "", text);
  const input = child(label, "input", "");
  Object.assign(input, { type: "range", min: low, max: high, step, value });
  input.addEventListener("input", () => act(Number(input.value)));
  return { label, input };
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const along = (a, b, share) => a.map((value, i) => value + share * (b[i] - value));
const number = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "not finite");

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

// What is drawn of a point: its first two numbers, or the place of the number that it says on the board.
function drawn(points, row, dim, board) {
  if (!board) return [points[row * dim], points[row * dim + 1]];
  let most = 0;
  for (let i = 1; i < dim; i++) if (points[row * dim + i] > points[row * dim + most]) most = i;
  return [most % 10, Math.floor(most / 10)];
}

function axis(range, title, pixels) {
  const { values, step } = ticks(range, pixels / TICK_PIXELS);
  return { range, title, ticks: values.map((value) => [value, tickText(value, step)]) };
}

function begin(canvas, x, y, equal) {
  const { context, width, height } = fitted(canvas);
  context.clearRect(0, 0, width, height);
  const look = looks(canvas);
  const [wide, high] = equal ? Array(2).fill(Math.min(width, height)) : [width, height];
  const box = frame(context, width, height, look, { x: axis(...x, wide), y: axis(...y, high), equal });
  return { context, look, box };
}

function clipped(context, box, act) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.wide, box.high);
  context.clip();
  act();
  context.restore();
}

function star(context, x, y, radius) {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const [angle, r] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 ? radius * 0.42 : radius];
    context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
  context.fill();
}

function dots(context, box, points, colour, radius, alpha) {
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  for (let i = 0; i < points.length; i += 2) {
    context.beginPath();
    context.arc(box.x(points[i]), box.y(points[i + 1]), radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

function polyline(context, box, places, longest = Infinity) {
  context.beginPath();
  let last = null;
  for (const [x, y] of places) {
    const here = [box.x(x), box.y(y)];
    if (!Number.isFinite(here[0] + here[1])) last = null;
    else {
      if (!last || Math.hypot(here[0] - last[0], here[1] - last[1]) > longest) context.moveTo(...here);
      else context.lineTo(...here);
      last = here;
    }
  }
  context.stroke();
}

// ---------------------------------------------------------------------------------------------- the pad

function makePad(root) {
  const pictures = child(root, "div", "gandash-pictures");
  const figure = (text, kind) => {
    const made = child(pictures, "figure", "");
    const caption = child(made, "figcaption", "", text);
    const canvas = child(made, "canvas", kind);
    return { canvas, caption };
  };
  const pad = figure("The noise: drag, or press the arrow keys", "gandash-pad");
  const picture = figure("What the generator makes of it, over real points", "gandash-made");
  pad.canvas.tabIndex = 0;
  pad.canvas.setAttribute("role", "application");
  pad.canvas.setAttribute("aria-label", "A plane of the noise. Arrow keys move through it, with Shift in small steps, 0 goes to the middle.");
  picture.canvas.setAttribute("role", "img");
  const readout = child(root, "output", "gandash-readout");
  const tools = child(root, "div", "gandash-tools");
  const ends = [button(tools, "Path begins here", () => setEnd(0)), button(tools, "Path ends here", () => setEnd(1))];
  const way = child(tools, "label", "gandash-slider");
  child(way, "span", "", "Way");
  const select = child(way, "select", "");
  for (const [value, text] of [["straight", "straight"], ["sphere", "along the sphere"]]) {
    Object.assign(child(select, "option", "", text), { value });
  }
  select.addEventListener("change", () => { pathMade = null; seek(share); });
  const play = button(tools, "Play the path", () => (playing ? halt() : start()));
  const place = slider(tools, "Along the path", [0, 1, 0.001], 0, (value) => { halt(); seek(value); });
  const turn = slider(tools, "Turn the plane", [0, 90, 1], 0, (value) => { halt(); angle = (value * Math.PI) / 180; replane(); });
  const elsewhere = button(tools, "Another place", () => { halt(); seed += 1; offset = draw(seed); replane(); });

  let made = null; // the generator
  let told = {};
  let axes = [], plane = [], offset = [], base = [];
  let z = [], path = [], share = 0, angle = 0, seed = 0;
  let playing = 0, request = 0, under = null, pathMade = null, mesh = null, real = new Float32Array(0);

  const at = (u, v) => base.map((value, i) => value + u * (plane[0][i] ?? 0) + v * (plane[1][i] ?? 0));
  const place2 = (noise) => [dot(noise, plane[0]), dot(noise, plane[1])];
  const flat = () => (made.latentDim === 1 ? [1, 0] : [1, 1]);

  // Numbers that look like N(0, 1), the same for the same seed (mulberry32, Box and Muller).
  function draw(from) {
    let state = from * 0x9e3779b9;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return Array.from({ length: made.latentDim }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
  }

  // The plane at this angle through what of the offset stands upright on it.
  function replane() {
    const [u, v] = plane.length ? place2(z) : [0.6, 0.4];
    plane = turned(axes, angle);
    const [a, b] = place2(offset);
    base = offset.map((value, i) => value - a * plane[0][i] - b * plane[1][i]);
    go(at(u, v));
    path = [at(-2, -0.5), at(1, 1.8)];
    pathMade = mesh = under = null;
  }

  function go(next) {
    z = next;
    request ||= requestAnimationFrame(paint);
  }

  function setEnd(which) {
    halt();
    path[which] = z;
    pathMade = null;
    place.input.value = share = which;
    go(z);
  }

  function seek(value) {
    share = value;
    place.input.value = value;
    go(between(path[0], path[1], share, select.value === "sphere"));
  }

  function start() {
    const from = share >= 1 ? 0 : share;
    const began = performance.now() - from * SECONDS * 1000;
    play.textContent = "Stop";
    const step = (now) => {
      const value = Math.min(Math.max((now - began) / (SECONDS * 1000), 0), 1);
      seek(value);
      if (value < 1) playing = requestAnimationFrame(step);
      else halt();
    };
    playing = requestAnimationFrame(step);
  }

  function halt() {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play the path";
  }

  // Another slice of the mesh: where each of a grid of places is led.
  function grow() {
    mesh ??= { rows: [], done: false };
    const until = performance.now() + SLICE;
    const span = (i) => REACH * ((2 * i) / (GRID - 1) - 1);
    while (mesh.rows.length < GRID && performance.now() < until) {
      const v = span(mesh.rows.length);
      const noise = Array.from({ length: GRID }, (_, i) => at(span(i), v)).flat();
      const points = made.run(noise, GRID);
      mesh.rows.push(Array.from({ length: GRID }, (_, i) => drawn(points, i, made.dim, told.scene.board)));
    }
    if (mesh.rows.length === GRID) {
      mesh.done = true;
      under = null;
    }
  }

  function layer() {
    const { scene } = told;
    const { context, look, box } = begin(picture.canvas, [scene.bounds[0], scene.axes[0]], [scene.bounds[1], scene.axes[1]], scene.equal);
    if (!box) return null;
    clipped(context, box, () => {
      if (scene.board) board(context, box, look);
      else dots(context, box, real, look.of("--dot"), 1.7, 0.6);
      if (!mesh?.done) return;
      context.strokeStyle = look.of("--star");
      context.fillStyle = look.of("--star");
      context.globalAlpha = 0.45;
      context.lineWidth = 1;
      const longest = JUMP * Math.hypot(box.wide, box.high);
      if (scene.board) return;
      for (let i = 0; i < GRID; i += EVERY) {
        polyline(context, box, mesh.rows[i], longest);
        polyline(context, box, mesh.rows.map((row) => row[i]), longest);
      }
    });
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [picture.canvas.width, picture.canvas.height];
    copy.getContext("2d").drawImage(picture.canvas, 0, 0);
    return { copy, box, look };
  }

  // The numbers from 0 to 99, those that really occur in the colour of real points.
  function board(context, box, look) {
    const occurs = new Set();
    for (let i = 0; i < real.length; i += 2) occurs.add(real[i] + 10 * real[i + 1]);
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let n = 0; n < 100; n++) {
      context.fillStyle = look.of(occurs.has(n) ? "--dot" : "--plot-text");
      context.globalAlpha = occurs.has(n) ? 1 : 0.45;
      context.fillText(n, box.x(n % 10), box.y(Math.floor(n / 10)));
    }
    context.globalAlpha = 1;
  }

  function paint() {
    request = 0;
    if (!made || !pad.canvas.clientWidth) return;
    if (!mesh?.done) {
      grow();
      if (!mesh.done) request = requestAnimationFrame(paint);
    }
    const { board: onBoard } = told.scene;
    const point = made.run(z, 1);
    const shown = drawn(point, 0, made.dim, onBoard);
    const wayTo = (i) => between(path[0], path[1], i / (PATH_POINTS - 1), select.value === "sphere");
    if (!pathMade) {
      const places = Array.from({ length: PATH_POINTS }, (_, i) => wayTo(i));
      const points = made.run(places.flat(), PATH_POINTS);
      pathMade = [places.map(place2), places.map((_, i) => drawn(points, i, made.dim, onBoard))];
    }
    paintPad();
    under ??= layer();
    if (under) paintPicture(shown);
    tell(point, shown);
    root.dataset.draws = Number(root.dataset.draws ?? 0) + 1;
    root.dataset.noise = JSON.stringify(z);
    root.dataset.point = JSON.stringify([...point]);
  }

  function paintPad() {
    const range = [-REACH, REACH];
    const names = told.planar ? ["first number of the noise", "second number"] : ["first direction", "second direction"];
    const { context, look, box } = begin(pad.canvas, [range, names[0]], [range, names[1]], true);
    if (!box) return;
    pad.box = box;
    clipped(context, box, () => {
      context.strokeStyle = look.of("--plot-text");
      context.globalAlpha = 0.35;
      for (let radius = 1; radius <= 3; radius++) {
        context.beginPath();
        context.arc(box.x(0), box.y(0), box.x(radius) - box.x(0), 0, 2 * Math.PI);
        context.stroke();
      }
      context.globalAlpha = 1;
      paintPath(context, box, look, pathMade[0]);
      context.fillStyle = look.of("--star");
      const [u, v] = place2(z);
      context.beginPath();
      context.arc(box.x(u), box.y(v), 9, 0, 2 * Math.PI);
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = look.of("--ground");
      context.stroke();
    });
  }

  function paintPath(context, box, look, places, longest) {
    context.strokeStyle = look.of("--path");
    context.lineWidth = 2;
    polyline(context, box, places, longest);
    context.fillStyle = look.of("--path");
    for (const [x, y] of [places[0], places.at(-1)]) {
      context.beginPath();
      context.arc(box.x(x), box.y(y), 4, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function paintPicture([x, y]) {
    const { copy, box, look } = under;
    const { canvas } = picture;
    const context = canvas.getContext("2d");
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(copy, 0, 0);
    context.restore();
    clipped(context, box, () => {
      if (!told.scene.board) paintPath(context, box, look, pathMade[1], JUMP * Math.hypot(box.wide, box.high));
      context.fillStyle = look.of("--star");
      if (told.scene.board) {
        context.globalAlpha = 0.4;
        context.beginPath();
        context.arc(box.x(x), box.y(y), 14, 0, 2 * Math.PI);
        context.fill();
        context.globalAlpha = 1;
        return;
      }
      star(context, box.x(x), box.y(y), 13);
      context.lineWidth = 1.5;
      context.strokeStyle = look.of("--ground");
      context.stroke();
    });
  }

  function tell(point, shown) {
    const [u, v] = place2(z);
    const { bounds, board: onBoard, axes: titles } = told.scene;
    const where = onBoard ? `the number ${shown[0] + 10 * shown[1]}` : shown.map((value, i) => `${titles[i]} = ${number(value)}`).join(", ");
    const out = !onBoard && shown.some((value, i) => !(value >= bounds[i][0] && value <= bounds[i][1]));
    const length = made.latentDim > 2 ? `, length of the noise ${number(Math.sqrt(dot(z, z)))}` : "";
    readout.textContent = `Noise (${number(u)}, ${number(v)})${length} → ${where}${out ? ", outside the picture" : ""}`;
    picture.canvas.setAttribute("aria-label", readout.textContent);
  }

  function drag(event) {
    if (!pad.box) return;
    const { left, top } = pad.canvas.getBoundingClientRect();
    const { box } = pad;
    const held = (value) => Math.max(-REACH, Math.min(REACH, value));
    const u = held(((event.clientX - left - box.left) / box.wide) * 2 * REACH - REACH);
    const v = held(REACH - ((event.clientY - top - box.top) / box.high) * 2 * REACH);
    go(at(u * flat()[0], v * flat()[1]));
  }

  pad.canvas.addEventListener("pointerdown", (event) => {
    halt();
    pad.canvas.setPointerCapture(event.pointerId);
    drag(event);
  });
  pad.canvas.addEventListener("pointermove", (event) => pad.canvas.hasPointerCapture(event.pointerId) && drag(event));
  pad.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [u, v] = place2(z);
    const arrow = ARROWS[event.key];
    const step = STEP * (event.shiftKey ? 0.2 : 1);
    const held = (value) => Math.max(-REACH, Math.min(REACH, value));
    if (arrow) go(at(held(u + step * arrow[0]), flat()[1] * held(v + step * arrow[1])));
    else if (event.key === "0") go(at(0, 0));
    else return;
    halt();
    event.preventDefault();
    event.stopPropagation();
  });
  const resized = new ResizeObserver(() => { under = null; made && go(z); });
  resized.observe(pad.canvas);
  resized.observe(picture.canvas);

  return {
    show(data) {
      const fresh = data.weights !== told.weights || data.network !== told.network;
      told = { ...data, scene: JSON.parse(data.scene) };
      under = null;
      if (fresh) {
        halt();
        made = load(JSON.parse(data.network), floats(data.weights));
        axes = JSON.parse(data.axes);
        [plane, angle, seed, share] = [[], 0, 1, 0];
        told.planar = made.latentDim <= 2;
        offset = told.planar ? Array(made.latentDim).fill(0) : draw(seed);
        [turn.input.value, place.input.value] = [0, 0];
        turn.label.hidden = axes.length < 3;
        elsewhere.hidden = told.planar;
        replane();
      }
      told.planar = made.latentDim <= 2;
      real = floats(data.real);
      go(z);
    },
    end() {
      halt();
      resized.disconnect();
      cancelAnimationFrame(request);
    },
  };
}

// ---------------------------------------------------------------------------------------------- a sample

function makeSample(root) {
  const canvas = child(root, "canvas", "gandash-sample");
  canvas.setAttribute("role", "img");
  let told = null;

  function bars(context, [low, high], counts, base, size, upright, colour, filled) {
    const most = Math.max(...told.histograms.real.flat(), ...told.histograms.generated.flat(), 1e-9);
    const step = (high - low) / counts.length;
    context.beginPath();
    counts.forEach((count, i) => {
      const tall = (count / most) * size;
      const [from, to] = [low + i * step, low + (i + 1) * step];
      for (const place of [from, to]) context.lineTo(...(upright ? [base + tall, place] : [place, base - tall]));
    });
    if (filled) {
      context.lineTo(...(upright ? [base, high] : [high, base]));
      context.lineTo(...(upright ? [base, low] : [low, base]));
      context.globalAlpha = 0.35;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
    } else {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
    }
  }

  function paint() {
    if (!told || !canvas.clientWidth) return;
    const { context, width, height } = fitted(canvas);
    context.clearRect(0, 0, width, height);
    const look = looks(canvas);
    const { scene, real, generated, histograms } = told;
    const edge = Math.min(90, width / 6); // the marginals' room
    context.save();
    context.translate(0, edge);
    const [wide, high] = [width - edge, height - edge];
    const size = scene.equal ? Array(2).fill(Math.min(wide, high)) : [wide, high];
    const box = frame(context, wide, high, look, {
      x: axis(scene.bounds[0], scene.axes[0], size[0]), y: axis(scene.bounds[1], scene.axes[1], size[1]), equal: scene.equal,
    });
    if (box) {
      clipped(context, box, () => {
        context.fillStyle = look.of("--star");
        context.globalAlpha = 0.6;
        for (let i = 0; i < generated.length; i += 2) star(context, box.x(generated[i]), box.y(generated[i + 1]), 4.5);
        context.globalAlpha = 1;
        dots(context, box, real, look.of("--dot"), 1.7, 0.6);
      });
      for (const [name, colour, filled] of [["real", "--dot", true], ["generated", "--star", false]]) {
        bars(context, [box.left, box.left + box.wide], histograms[name][0], box.top - 4, edge - 12, false, look.of(colour), filled);
        bars(context, [box.top + box.high, box.top], histograms[name][1], box.left + box.wide + 4, edge - 12, true, look.of(colour), filled);
      }
    }
    context.restore();
    root.dataset.shown = generated.length / 2;
  }

  const resized = new ResizeObserver(paint);
  resized.observe(canvas);
  return {
    show(data) {
      told = { scene: JSON.parse(data.scene), histograms: JSON.parse(data.histograms), real: floats(data.real), generated: floats(data.generated) };
      canvas.setAttribute("aria-label", data.label);
      paint();
    },
    end: () => resized.disconnect(),
  };
}

const PARTS = { pad: makePad, sample: makeSample };

export function render({ data, parentElement }) {
  let held = parentElement.gandashExplore;
  if (!held) {
    const root = child(parentElement, "div", `gandash-explore gandash-explore-${data.shows}`);
    held = parentElement.gandashExplore = { root, part: PARTS[data.shows](root) };
  }
  held.part.show(data);
}

export function unmount(parentElement) {
  parentElement.gandashExplore?.part.end();
  parentElement.gandashExplore?.root.remove();
  delete parentElement.gandashExplore;
}
