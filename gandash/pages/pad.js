// A pad of a generator's noise, and what it, or two of them, make of the place under the hand.
//
// The pad is a plane of the latent space, `offset + u · first axis + v · second axis`. What is dragged is a place in it;
// the points that the generators make of it are computed here, in time for the next picture.

import { child } from "./elements.js";
import { between, dot, normal, turned } from "./latent.js";
import { figure, makePicture, number, REACH } from "./made.js";
import { begin, clipped, path as drawPath } from "./sketch.js";

const SLICE = 5; // ms of a picture's time that the meshes may take
const STEP = 0.1; // at each press of an arrow key; with shift a fifth
const SECONDS = 4; // that a path takes
const REST = 400; // ms without a movement, after which the place is told to those who hear the page
const PATH_POINTS = 240;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const held = (value) => Math.max(-REACH, Math.min(REACH, value));

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

export function makePad(root) {
  const pictures = child(root, "div", "gandash-pictures");
  const pad = figure(pictures, "gandash-pad");
  pad.shape("dot");
  const shown = [makePicture(pictures)];
  pad.canvas.tabIndex = 0;
  pad.canvas.setAttribute("role", "application");
  const heard = child(root, "div", "gandash-heard");
  heard.setAttribute("role", "status");
  const tools = child(root, "div", "gandash-tools");
  button(tools, "Path begins here", () => setEnd(0));
  button(tools, "Path ends here", () => setEnd(1));
  const way = child(tools, "label", "gandash-slider");
  child(way, "span", "", "Way");
  const select = child(way, "select", "");
  for (const [value, text] of [["straight", "straight"], ["sphere", "along the sphere"]]) {
    Object.assign(child(select, "option", "", text), { value });
  }
  select.addEventListener("change", () => { lead(); seek(share); });
  const play = button(tools, "Play the path", () => (playing ? halt() : start()));
  const place = slider(tools, "Along the path", [0, 1, 0.001], 0, (value) => { halt(); seek(value); });
  const turn = slider(tools, "Turn the plane", [0, 90, 1], 0, (value) => { halt(); angle = (value * Math.PI) / 180; replane(); });
  const elsewhere = button(tools, "Another place", () => { halt(); seed += 1; offset = normal(size, seed); replane(); });

  const state = (root.gandashPad = { draws: 0, noise: [], points: [] }); // for those who look on from outside
  let size = 0; // of the noise
  let axes = [], plane = [], offset = [], base = [];
  let z = [], path = [], places = [], share = 0, angle = 0, seed = 1;
  let playing = 0, request = 0, resting = 0, box = null, stale = true, subject = null;

  const at = (u, v) => base.map((value, i) => value + u * plane[0][i] + (size > 1 ? v * plane[1][i] : 0));
  const place2 = (noise) => [dot(noise, plane[0]), size > 1 ? dot(noise, plane[1]) : 0];

  // The plane at this angle through what of the offset stands upright on it.
  function replane() {
    const [u, v] = plane.length ? place2(z) : [0.6, 0.4];
    plane = turned(axes, angle);
    const [a, b] = place2(offset);
    base = offset.map((value, i) => value - a * plane[0][i] - (size > 1 ? b * plane[1][i] : 0));
    path = [at(-2, -0.5), at(1, 1.8)];
    for (const picture of shown) picture.replane();
    lead();
    go(at(u, v));
  }

  // Where the path leads, on the pad and in the pictures.
  function lead() {
    const noise = Array.from({ length: PATH_POINTS }, (_, i) => between(path[0], path[1], i / (PATH_POINTS - 1), select.value === "sphere"));
    places = noise.map(place2);
    for (const picture of shown) picture.lead(noise.flat(), PATH_POINTS);
    stale = true;
  }

  function go(next) {
    z = next;
    request ||= requestAnimationFrame(paint);
  }

  function setEnd(which) {
    halt();
    path[which] = z;
    place.input.value = share = which;
    lead();
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

  function grow() {
    const until = performance.now() + SLICE;
    let more = true;
    while (more && performance.now() < until) more = shown.some((picture) => picture.grow(at));
    return more;
  }

  function paint() {
    request = 0;
    if (!size || !pad.canvas.clientWidth) return;
    if (grow()) request = requestAnimationFrame(paint);
    if (stale) layer();
    stale = false;
    const [u, v] = place2(z);
    pad.move(u, v);
    const numbers = size > 1 ? `(${number(u)}, ${number(v)})` : number(u);
    pad.words.textContent = `Noise ${numbers}${size > 2 ? `, of length ${number(Math.sqrt(dot(z, z)))}` : ""}`;
    state.draws += 1;
    state.noise = z;
    state.points.length = shown.length;
    shown.forEach((picture, i) => (state.points[i] = picture.paint(z)));
    clearTimeout(resting);
    resting = setTimeout(tell, REST);
  }

  function tell() {
    heard.textContent = [pad, ...shown].map(({ words }) => words.textContent).join("; ");
    for (const { canvas, words, caption } of shown) canvas.setAttribute("aria-label", `${caption.textContent}: ${words.textContent}`);
  }

  function layer() {
    const range = [-REACH, REACH];
    const names = size > 2 ? ["first direction", "second direction"] : ["first number of the noise", "second number"];
    const found = begin(pad.canvas, [range, size > 1 ? names[0] : "the noise"], size > 1 ? [range, names[1]] : [range], true);
    const { context, look } = found;
    box = found.box;
    pad.lay(box);
    if (!box) return;
    clipped(context, box, () => {
      context.strokeStyle = look.of("--plot-text");
      context.globalAlpha = 0.35;
      for (let radius = 1; radius <= 3 && size > 1; radius++) {
        context.beginPath();
        context.arc(box.x(0), box.y(0), box.x(radius) - box.x(0), 0, 2 * Math.PI);
        context.stroke();
      }
      context.globalAlpha = 1;
      drawPath(context, box, look, places);
    });
  }

  function drag(event) {
    if (!box) return;
    const { left, top } = pad.canvas.getBoundingClientRect();
    const u = held(((event.clientX - left - box.left) / box.wide) * 2 * REACH - REACH);
    const v = held(REACH - ((event.clientY - top - box.top) / box.high) * 2 * REACH);
    go(at(u, v));
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
    if (arrow) go(at(held(u + step * arrow[0]), held(v + step * arrow[1])));
    else if (event.key === "0") go(at(0, 0));
    else return;
    halt();
    event.preventDefault();
    event.stopPropagation();
  });
  const resized = new ResizeObserver(() => {
    stale = true;
    for (const picture of shown) picture.resized();
    if (size) go(z);
  });
  resized.observe(pictures);

  return {
    show(data) {
      const told = JSON.parse(data.generators);
      while (shown.length > told.length) shown.pop().root.remove();
      while (shown.length < told.length) shown.push(makePicture(pictures));
      pictures.classList.toggle("gandash-two", shown.length > 1);
      const fresh = shown.map((picture, i) => picture.show(told[i]));
      const line = told[0].latent_dim === 1;
      pad.caption.textContent = line ? "The noise, a line: drag, or press the arrow keys" : "The noise: drag, or press the arrow keys";
      pad.canvas.setAttribute("aria-label", `A ${line ? "line" : "plane"} of the noise. Arrow keys move through it, with Shift in small steps, 0 goes to the middle.`);
      if (data.subject !== subject || shown[0].generator.latentDim !== size) {
        halt();
        subject = data.subject;
        size = shown[0].generator.latentDim;
        axes = JSON.parse(data.axes);
        [plane, angle, seed, share] = [[], 0, 1, 0];
        offset = size > 2 ? normal(size, seed) : Array(size).fill(0);
        [turn.input.value, place.input.value] = [0, 0];
        replane();
      } else if (fresh.includes(true)) lead(); // another generator of the same run comes to the same place
      turn.label.hidden = axes.length < 3;
      elsewhere.hidden = size <= 2;
      stale = true;
      go(z);
    },
    end() {
      halt();
      resized.disconnect();
      clearTimeout(resting);
      cancelAnimationFrame(request);
    },
  };
}
