// Both networks as a diagram: a bar for each layer, and between two of them the linear map that is trained. A map that is
// looked at, by pointer, finger or keyboard, shows its weights and what the last step did to them; they come by the run's
// stream, and only for as long as somebody looks.

import { theme } from "./colours.js";
import { child } from "./elements.js";
import { watch } from "./stream.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
const TALLEST = 84; // of a bar
const MIDDLE = 62; // where the middle of all bars is
const BAR = 12;
const STEP = 132; // from one layer to the next
const EDGE = 56;
const MOST = Math.log(1025);
const VIEW = "networks";
const count = (value) => value.toLocaleString("en-US");
const size = (value) => (value === 0 ? "0" : Math.abs(value) >= 0.01 ? value.toFixed(2) : value.toExponential(0));

function shape(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

const tall = (width) => 14 + ((TALLEST - 14) * Math.log(width + 1)) / MOST;

function drawPlayer(parent, player, onLook) {
  const root = child(parent, "div", `gandash-player gandash-${player.name}`);
  const title = child(root, "p", "gandash-player-title");
  child(title, "b", "", player.title);
  child(title, "span", "", `${count(player.total)} parameters`);
  const wide = 2 * EDGE + STEP * (player.layers.length - 1);
  const svg = shape(root, "svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, role: "group", "aria-label": `${player.title}, from left to right` });
  svg.style.width = `${wide}px`;
  const at = (place) => EDGE + STEP * place;
  player.parameters.forEach((parameters, place) => {
    const [from, to] = [player.layers[place], player.layers[place + 1]];
    const [a, b] = [tall(from.width) / 2, tall(to.width) / 2];
    const [left, right] = [at(place) + BAR / 2, at(place + 1) - BAR / 2];
    const words = parameters
      ? `${player.title}, ${from.title} to ${to.title}: ${count(from.width)} × ${count(to.width)} weights and ${count(to.width)} biases`
      : `${player.title}: ${to.title.toLowerCase()} of the ${from.title.toLowerCase()}, nothing to train`;
    const map = shape(svg, "g", parameters ? { class: "gandash-map", role: "button", tabindex: 0, "aria-label": words, "aria-pressed": false } : { class: "gandash-map-none" });
    shape(map, "polygon", { points: `${left},${MIDDLE - a} ${right},${MIDDLE - b} ${right},${MIDDLE + b} ${left},${MIDDLE + a}` });
    shape(map, "text", { x: (left + right) / 2, y: MIDDLE + 4, class: "gandash-quiet" }, parameters ? count(parameters) : "fixed");
    if (!parameters) return;
    const fixed = player.layers[1].title === "Features" ? 1 : 0;
    const look = { key: `${player.name}:${place - fixed}`, words, map };
    map.addEventListener("pointerenter", () => onLook(look));
    map.addEventListener("focus", () => onLook(look));
    map.addEventListener("click", () => onLook(look));
    map.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        onLook(look);
      }
    });
  });
  player.layers.forEach(({ title: name, width, notes }, place) => {
    const high = tall(width);
    shape(svg, "rect", { x: at(place) - BAR / 2, y: MIDDLE - high / 2, width: BAR, height: high, rx: 3 });
    shape(svg, "text", { x: at(place), y: 118 }, `${name} · ${count(width)}`);
    notes.forEach((note, line) => shape(svg, "text", { x: at(place), y: 133 + 13 * line, class: "gandash-quiet" }, note));
  });
}

// ---------------------------------------------------------------------------------------------- inside a map

// Blue where a value is negative, orange where it is positive, as strong as it is large.
function paint(canvas, { values, shape: [rows, columns] }, reach, dark) {
  canvas.width = columns;
  canvas.height = rows;
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(columns, rows);
  const zero = dark ? [17, 23, 26] : [255, 255, 255];
  values.forEach((value, place) => {
    const share = Math.min(Math.abs(value) / (reach || 1), 1) ** 0.7;
    const tone = value < 0 ? [37, 99, 235] : [217, 119, 6];
    for (let part = 0; part < 3; part += 1) picture.data[4 * place + part] = zero[part] + share * (tone[part] - zero[part]);
    picture.data[4 * place + 3] = 255;
  });
  pen.putImageData(picture, 0, 0);
}

function showInside(chart) {
  const { looked, inside, data } = chart;
  for (const map of chart.root.querySelectorAll(".gandash-map")) map.setAttribute("aria-pressed", map === looked?.map);
  inside.words.parentElement.hidden = !data.run;
  if (!looked) {
    inside.words.textContent = "Point at what lies between two layers to see its weights and what the last step did to them.";
    inside.pictures.hidden = true;
    return;
  }
  const views = chart.state?.views;
  const found = views?.arrays.get(VIEW);
  const weights = found?.get(`weights:${looked.key}`);
  const step = found?.get(`step:${looked.key}`);
  inside.pictures.hidden = !weights;
  if (!weights) {
    inside.words.textContent = `${looked.words}. Its weights are on their way.`;
    return;
  }
  const [reach, moved] = [weights, step].map((array) => array?.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) ?? 0);
  inside.words.textContent = `${looked.words}, at epoch ${count(views.epoch)}.`;
  inside.captions[0].textContent = `Weights, up to ±${size(reach)}`;
  inside.captions[1].textContent = step ? `Last step, up to ±${size(moved)}` : "Last step: not known";
  const isDark = theme() === "dark";
  paint(inside.canvases[0], weights, reach, isDark);
  inside.canvases[1].hidden = !step;
  if (step) paint(inside.canvases[1], step, moved, isDark);
}

// ---------------------------------------------------------------------------------------------- the element

function follow(chart) {
  chart.feed?.close();
  chart.feed = null;
  chart.state = null;
  if (!chart.looked || !chart.data.run) return;
  chart.feed = watch(
    chart.data.run,
    (state) => {
      chart.state = state;
      showInside(chart);
    },
    { base: chart.data.base },
  );
  chart.feed.look([VIEW]);
}

function mount(parent) {
  const root = child(parent, "div", "gandash-networks");
  const players = child(root, "div", "");
  const panel = child(root, "div", "gandash-inside");
  const words = child(panel, "p", "");
  const pictures = child(panel, "div", "gandash-inside-pictures");
  const figures = [0, 1].map(() => child(pictures, "figure", ""));
  const captions = figures.map((figure) => child(figure, "figcaption", ""));
  const canvases = figures.map((figure, place) => {
    const canvas = child(figure, "canvas", "");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", ["Weights as a picture, a row for each output", "Their change in the last step"][place]);
    return canvas;
  });
  return { root, players, inside: { words, pictures, captions, canvases }, looked: null, feed: null, state: null, data: {} };
}

export function render({ data, parentElement }) {
  const chart = (parentElement.gandashNetworks ??= mount(parentElement));
  const before = chart.data;
  chart.data = data;
  if (before.players !== data.players) {
    chart.looked = null;
    chart.players.replaceChildren();
    const look = (looked) => {
      if (chart.looked?.key === looked.key) return;
      const first = !chart.looked;
      chart.looked = looked;
      if (first) follow(chart);
      showInside(chart);
    };
    for (const player of JSON.parse(data.players)) drawPlayer(chart.players, player, look);
    chart.players.onpointerleave = () => {
      if (chart.players.contains(document.activeElement)) return;
      chart.looked = null;
      follow(chart);
      showInside(chart);
    };
  }
  if (before.run !== data.run || before.players !== data.players) follow(chart);
  showInside(chart);
}

export function unmount(parent) {
  parent.gandashNetworks?.feed?.close();
  delete parent.gandashNetworks;
}
