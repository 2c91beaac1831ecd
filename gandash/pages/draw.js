// A canvas to draw a target on: with mouse, finger or pen, a brush of any width and an eraser.
//
// Strokes are `{ width, corners: [[x, y], …] }` in thousandths of the canvas's half side, y upwards; a finished action
// sends all of them to the page's script. `seq` counts what was sent: an answer to an older drawing is not drawn.

import { child } from "./elements.js";

const UNIT = 1000;
const [NARROWEST, WIDEST] = [4, 400];
const [MOST_STROKES, MOST_CORNERS] = [200, 4000];
const TOLERANCE = 4; // that a stroke may be off by after it is simplified
const [ROOM, ROUGHEST] = [350, 24]; // corners that fit into a link, and how far off strokes may be so that they do
const KEPT = 100; // steps that can be undone
const EMPTY = "Draw here, with mouse, finger or pen";

// ---------------------------------------------------------------------------------------------- geometry

// The corners without which a line stays within `tolerance` are left out (Ramer 1972, Douglas and Peucker 1973).
export function simplified(corners, tolerance) {
  const keep = new Set([0, corners.length - 1]);
  const waiting = [[0, corners.length - 1]];
  while (waiting.length) {
    const [from, to] = waiting.pop();
    const [[ax, ay], [bx, by]] = [corners[from], corners[to]];
    const [dx, dy] = [bx - ax, by - ay];
    const square = dx * dx + dy * dy;
    let [farthest, at] = [tolerance, 0];
    for (let i = from + 1; i < to; i++) {
      const [x, y] = [corners[i][0] - ax, corners[i][1] - ay];
      const share = square ? Math.min(1, Math.max(0, (x * dx + y * dy) / square)) : 0;
      const far = Math.hypot(x - share * dx, y - share * dy);
      if (far > farthest) [farthest, at] = [far, i];
    }
    if (!at) continue;
    keep.add(at);
    waiting.push([from, at], [at, to]);
  }
  return corners.filter((_, i) => keep.has(i));
}

// What is left of a stroke outside of a disc, as strokes.
export function cut(stroke, [cx, cy], radius) {
  const pieces = [];
  let piece = [];
  const end = () => {
    if (piece.length > 1) pieces.push({ width: stroke.width, corners: piece });
    piece = [];
  };
  const { corners } = stroke;
  const outside = ([x, y]) => Math.hypot(x - cx, y - cy) > radius;
  if (corners.length === 1) return outside(corners[0]) ? [stroke] : [];
  for (let i = 1; i < corners.length; i++) {
    const [[ax, ay], [bx, by]] = [corners[i - 1], corners[i]];
    const [dx, dy] = [bx - ax, by - ay];
    const [a, b] = [dx * dx + dy * dy, dx * (ax - cx) + dy * (ay - cy)];
    const root = b * b - a * ((ax - cx) ** 2 + (ay - cy) ** 2 - radius * radius);
    // the shares of the way between which the line is within the disc
    const [low, high] = a && root > 0 ? [(-b - Math.sqrt(root)) / a, (-b + Math.sqrt(root)) / a] : [2, 2];
    const at = (share) => [ax + share * dx, ay + share * dy];
    if (high <= 0 || low >= 1) {
      if (!piece.length) piece.push(corners[i - 1]);
      piece.push(corners[i]);
      continue;
    }
    if (low > 0) {
      if (!piece.length) piece.push(corners[i - 1]);
      piece.push(at(low));
    }
    end();
    if (high < 1) piece.push(at(high), corners[i]);
  }
  end();
  return pieces;
}

const total = (strokes) => strokes.reduce((sum, { corners }) => sum + corners.length, 0);

// Strokes in whole thousandths and few corners, as they are kept.
export function tidied(strokes) {
  const whole = (value) => Math.max(-UNIT, Math.min(UNIT, Math.round(value))) + 0; // no -0
  let tolerance = TOLERANCE;
  let found = strokes;
  do {
    found = found.map(({ width, corners }) => ({
      width,
      corners: simplified(corners, tolerance).map(([x, y]) => [whole(x), whole(y)]),
    }));
    tolerance *= 1.5;
  } while (total(found) > ROOM && tolerance < ROUGHEST);
  return found;
}

const textOf = (strokes) => JSON.stringify({ kind: "drawn", strokes });

function strokesOf(text) {
  try {
    return JSON.parse(text).strokes.map(({ width, corners }) => ({ width, corners }));
  } catch {
    return [];
  }
}

// ---------------------------------------------------------------------------------------------- the pad

function button(parent, text, act) {
  const made = child(parent, "button", "gandash-draw-button", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export function pad(host, send) {
  let strokes = [];
  let undone = []; // what the drawing was before each action
  let before = null; // what it was when the pointer came down
  let pointer = null; // the one that draws
  let erasing = false;
  let width = 40;
  let hover = null;

  const root = child(host, "div", "gandash-draw");
  const dialog = child(host, "dialog", "gandash-draw-dialog");
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-label", "Draw a target");
  const frame = child(root, "div", "gandash-draw-frame");
  const canvas = child(frame, "canvas", "");
  canvas.setAttribute("role", "img");
  const hint = child(frame, "p", "gandash-draw-hint", EMPTY);
  const tools = child(root, "div", "gandash-draw-tools");
  const modes = child(tools, "div", "gandash-draw-modes");
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "Tool");
  const brush = button(modes, "Brush", () => choose(false));
  const eraser = button(modes, "Eraser", () => choose(true));
  const label = child(tools, "label", "gandash-draw-width");
  child(label, "span", "", "Width");
  const slider = child(label, "input", "");
  Object.assign(slider, { type: "range", min: NARROWEST, max: WIDEST, step: 4, value: width });
  slider.addEventListener("input", () => ((width = Number(slider.value)), draw()));
  const undo = button(tools, "Undo", () => undone.length && settle(undone.pop(), false));
  const clear = button(tools, "Clear", () => strokes.length && settle([], true));
  const larger = button(tools, "Larger", () => (dialog.open ? dialog.close() : enlarge()));
  const said = child(root, "p", "gandash-draw-said");
  said.setAttribute("role", "status");

  function choose(erase) {
    erasing = erase;
    brush.setAttribute("aria-pressed", !erase);
    eraser.setAttribute("aria-pressed", erase);
    draw();
  }

  function enlarge() {
    dialog.append(root);
    larger.textContent = "Done";
    dialog.showModal();
    canvas.scrollIntoView?.({ block: "nearest" });
    larger.focus();
  }

  dialog.addEventListener("close", () => {
    host.prepend(root);
    larger.textContent = "Larger";
    larger.focus();
  });
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it

  // Take a finished action, and tell the page; a drawing that has grown too large stays as it was.
  function settle(next, undoable) {
    const tidy = tidied(next);
    const full = tidy.length > MOST_STROKES || total(tidy) > MOST_CORNERS;
    said.textContent = full ? `A drawing has at most ${MOST_STROKES} strokes: erase some first.` : "";
    if (full) strokes = before ?? strokes;
    else {
      if (undoable) undone = [...undone, before ?? strokes].slice(-KEPT);
      strokes = tidy;
    }
    before = null;
    tell();
    if (!full) send(textOf(strokes));
  }

  function tell() {
    const many = strokes.length;
    hint.hidden = many > 0;
    undo.disabled = !undone.length;
    clear.disabled = !many;
    eraser.disabled = !many;
    if (!many && erasing) choose(false);
    canvas.setAttribute("aria-label", many ? `Your drawing: ${many} stroke${many > 1 ? "s" : ""}` : `Your drawing, empty. ${EMPTY}.`);
    draw();
  }

  // ------------------------------------------------------------------------------------------ pictures

  function draw() {
    const side = frame.clientWidth;
    if (!side) return;
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(side * scale)) canvas.width = canvas.height = Math.round(side * scale);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(root);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const half = canvas.width / 2;
    context.setTransform(half / UNIT, 0, 0, -half / UNIT, half, half);
    context.strokeStyle = style.getPropertyValue("--grid");
    context.lineWidth = UNIT / side;
    for (const at of [-500, 0, 500]) {
      context.beginPath();
      context.moveTo(at, -UNIT), context.lineTo(at, UNIT), context.moveTo(-UNIT, at), context.lineTo(UNIT, at);
      context.stroke();
    }
    context.strokeStyle = style.getPropertyValue("--real");
    context.lineCap = context.lineJoin = "round";
    for (const { width, corners } of strokes) {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...corners[0]);
      for (const corner of corners.length > 1 ? corners.slice(1) : corners) context.lineTo(...corner);
      context.stroke();
    }
    if (!hover) return;
    context.strokeStyle = style.getPropertyValue("--ink");
    context.lineWidth = (2 * UNIT) / side;
    context.setLineDash(erasing ? [(8 * UNIT) / side, (8 * UNIT) / side] : []);
    context.beginPath();
    context.arc(...hover, width / 2, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const along = (value, size) => Math.max(-UNIT, Math.min(UNIT, ((2 * value) / size - 1) * UNIT));
    return [along(event.clientX - box.left, box.width), -along(event.clientY - box.top, box.height)];
  }

  function move(event) {
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) {
      const at = place(each);
      if (erasing) strokes = strokes.flatMap((stroke) => cut(stroke, at, (width + stroke.width) / 2));
      else strokes.at(-1).corners.push(at);
    }
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || (pointer !== null && event.pointerType === "touch")) return; // a second finger, or the palm
    event.preventDefault();
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    before = strokes;
    hint.hidden = true;
    strokes = erasing ? strokes : [...strokes, { width, corners: [place(event)] }];
    if (erasing) move(event);
    hover = place(event);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (pointer !== null && event.pointerId !== pointer) return;
    hover = place(event);
    if (pointer !== null) move(event);
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    if (event.pointerType !== "mouse") hover = null;
    settle(strokes, true);
  });
  canvas.addEventListener("pointercancel", (event) => {
    if (event.pointerId !== pointer) return;
    [pointer, strokes, before, hover] = [null, before, null, null];
    tell();
  });
  canvas.addEventListener("pointerleave", () => pointer === null && ((hover = null), draw()));
  const observer = new ResizeObserver(draw);
  observer.observe(frame);
  choose(false);
  tell();

  return {
    root,
    busy: () => pointer !== null,
    text: () => textOf(strokes),

    // Another drawing, from a link or a saved run.
    load(text) {
      [strokes, undone, before] = [strokesOf(text), [], null];
      if (strokes.length) width = Math.min(WIDEST, Math.max(NARROWEST, strokes.at(-1).width));
      slider.value = width;
      tell();
    },

    draw,

    remove() {
      observer.disconnect();
      if (dialog.open) dialog.close();
      host.replaceChildren();
    },
  };
}

// ---------------------------------------------------------------------------------------------- on the Train page

export function render(component) {
  const { data, parentElement } = component;
  let held = parentElement.gandashDraw;
  if (!held) {
    held = parentElement.gandashDraw = { seq: data.seq };
    held.pad = pad(parentElement, (text) => {
      held.seq += 1;
      held.component.setTriggerValue("drawing", JSON.stringify({ seq: held.seq, target: text }));
    });
  }
  held.component = component;
  if (data.seq >= held.seq && !held.pad.busy()) {
    held.seq = data.seq;
    if (data.target !== held.pad.text()) held.pad.load(data.target);
  }
  held.pad.draw(); // the theme may be another one
}

export function unmount(parent) {
  parent.gandashDraw?.pad.remove();
  delete parent.gandashDraw;
}
