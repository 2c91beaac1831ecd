// What one generator makes of the noise: a canvas with real points, with the mesh of where a grid of noise is led and
// with the path, and over it a mark for where the noise under the hand is led. The canvas is drawn anew when something of
// it changes; with the pointer only the mark moves, so that a frame costs a forward pass and little more.

import { child } from "./elements.js";
import { floats, load } from "./forward.js";
import { begin, board, clipped, dots, path, polyline } from "./sketch.js";

export const REACH = 3.2; // of the pad, in standard deviations of the noise
const GRID = 49; // places along each side of the mesh
const EVERY = 4; // of them a line is drawn of
const JUMP = 0.12; // of the picture: a longer piece of the mesh's lines is a jump, and not drawn
const STAR = "0,-13 3.21,-4.42 12.36,-4.02 5.19,1.69 7.64,10.52 0,5.46 -7.64,10.52 -5.19,1.69 -12.36,-4.02 -3.21,-4.42";

export const number = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "not finite");

// A figure: a canvas, a sheet as large as its plot with a mark that moves on it, a caption above, a line of words below.
export function figure(parent, kind, shape) {
  const root = child(parent, "figure", `gandash-figure ${kind}-figure`);
  const caption = child(root, "figcaption", "");
  const stack = child(root, "div", "gandash-stack");
  const canvas = child(stack, "canvas", kind);
  const plot = child(stack, "div", "gandash-plot");
  plot.setAttribute("aria-hidden", "true");
  const mark = child(plot, "div", "gandash-mark");
  const words = child(root, "div", "gandash-readout");
  let box = null;
  return {
    root, caption, canvas, words,
    // The place of the plot on its canvas, or null.
    lay(found) {
      box = found;
      plot.hidden = !box;
      if (box) Object.assign(plot.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.wide}px`, height: `${box.high}px` });
    },
    move(x, y) {
      mark.hidden = !Number.isFinite(x + y);
      // far away is as good as farther: browsers place nothing beyond some millions of pixels
      const held = (value) => Math.max(-1e4, Math.min(1e4, value));
      if (box && !mark.hidden) mark.style.transform = `translate(${held(box.x(x) - box.left)}px, ${held(box.y(y) - box.top)}px)`;
    },
    shape(name) {
      mark.className = `gandash-mark gandash-mark-${name}`;
      if (name !== "star") return mark.replaceChildren();
      const [svg, polygon] = ["svg", "polygon"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
      svg.setAttribute("viewBox", "-15 -15 30 30");
      polygon.setAttribute("points", STAR);
      svg.append(polygon);
      mark.replaceChildren(svg);
    },
  };
}

export function makePicture(parent) {
  const made = figure(parent, "gandash-made");
  const { canvas } = made;
  canvas.setAttribute("role", "img");
  let generator = null, told = {}, real = new Float32Array(0), mesh = null, way = [], stale = true;

  // What is drawn of a point: its first two numbers, the logarithm where an axis is one, or the place of the number that
  // it says on the board.
  function drawn(points, row) {
    const { dim } = generator;
    const { board: onBoard, log = [] } = told.scene;
    if (!onBoard) return [0, 1].map((place) => (log.includes(place) ? Math.log10 : Number)(points[row * dim + place]));
    let most = 0;
    for (let i = 1; i < dim; i++) if (points[row * dim + i] > points[row * dim + most]) most = i;
    return [most % 10, Math.floor(most / 10)];
  }

  function layer() {
    const { bounds, axes, equal, log = [], board: onBoard } = told.scene;
    const [x, y] = [0, 1].map((place) => [bounds[place], axes[place], log.includes(place)]);
    const { context, look, box } = begin(canvas, x, y, equal);
    made.lay(box);
    if (!box) return;
    clipped(context, box, () => {
      if (onBoard) return board(context, box, look, real);
      dots(context, box, real, look.of("--dot"), 1.7, 0.6);
      const longest = JUMP * Math.hypot(box.wide, box.high);
      if (mesh?.length === GRID) {
        context.strokeStyle = look.of("--star");
        context.globalAlpha = 0.45;
        context.lineWidth = 1;
        for (let i = 0; i < GRID; i += EVERY) {
          polyline(context, box, mesh[i], longest);
          polyline(context, box, mesh.map((row) => row[i]), longest);
        }
        context.globalAlpha = 1;
      }
      path(context, box, look, way, longest);
    });
  }

  return {
    ...made,
    get generator() {
      return generator;
    },
    // Whether another generator has come with this.
    show(data) {
      const fresh = data.weights !== told.weights || data.network !== told.network;
      if (fresh) [generator, mesh] = [load(JSON.parse(data.network), floats(data.weights)), null];
      if (data.real !== told.real) real = floats(data.real);
      told = { ...data, scene: JSON.parse(data.scene) };
      made.caption.textContent = data.caption;
      made.shape(told.scene.board ? "ring" : "star");
      stale = true;
      return fresh;
    },
    // The plane is another one: its mesh has to grow again.
    replane() {
      [mesh, stale] = [null, true];
    },
    resized() {
      stale = true;
    },
    // Where these places of the noise, one row after the other, are led.
    lead(noise, count) {
      const points = generator.run(noise, count);
      way = Array.from({ length: count }, (_, i) => drawn(points, i));
      stale = true;
    },
    // Another row of the mesh, until it is whole; `at(u, v)` is a place of the plane.
    grow(at) {
      if (told.scene.board || mesh?.length === GRID) return false;
      mesh ??= [];
      const span = (i) => REACH * ((2 * i) / (GRID - 1) - 1);
      const noise = Array.from({ length: GRID }, (_, i) => at(span(i), span(mesh.length))).flat();
      const points = generator.run(noise, GRID);
      mesh.push(Array.from({ length: GRID }, (_, i) => drawn(points, i)));
      if (mesh.length === GRID) stale = true;
      return true;
    },
    // The point that is made of this noise, which is lent until the next call, shown in its place and in words.
    paint(noise) {
      if (stale) layer();
      stale = false;
      const point = generator.run(noise, 1);
      const shown = drawn(point, 0);
      made.move(...shown);
      const { bounds, board: onBoard, axes } = told.scene;
      const where = onBoard ? `The number ${shown[0] + 10 * shown[1]}` : axes.map((axis, i) => `${axis} = ${number(point[i])}`).join(", ");
      const out = !onBoard && shown.some((value, i) => !(value >= bounds[i][0] && value <= bounds[i][1]));
      made.words.textContent = `${where}${out ? ", outside the picture" : ""}`;
      return point;
    },
  };
}
