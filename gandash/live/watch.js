// A run for viewers: what the stream tells, drawn on a page without a session. Words of the stream are text, never markup.

import { curve, inWords } from "./curve.js";
import { writeNotes } from "./elements.js";
import { picture } from "./picture.js";
import { announced, watch } from "./stream.js";

const CHOICE = "gandash-watch-theme"; // of this browser
const LONGEST_RUN = 64; // characters that the stream takes
const PATIENCE_MS = 8000; // with a server that says nothing
const CURVES_MS = 250; // between two drawings of the curves
const WIDE = matchMedia("(min-width: 900px)");

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const [text, fit, back] = at("note").children;
const points = picture(at("cloud"), { root: at("note"), text, fit, back });
let numbers = null; // in place of the picture, where the points mean numbers

// ---------------------------------------------------------------------------------------------- themes

const dark = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null; // a browser may keep nothing
  }
}

function changeTheme() {
  const next = (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  try {
    localStorage.setItem(CHOICE, next);
  } catch {
    // then it lasts as long as the page
  }
  redraw();
}

function redraw() {
  points.redraw();
  numbers?.repaint();
  drawCurves();
}

// ---------------------------------------------------------------------------------------------- curves

let state = null; // the newest of the stream
let feed = null;
let boardComing = null;
let past = null; // the timeline and its module, which come once the page is up
let now = null; // the moment of the run that is looked at
let timer = 0;
let drawnRows = -1;

function line(column, name, colour) {
  const { x = [], y = [] } = state.curves.get(column) ?? {};
  return { name, x, y, colour };
}

// Shares as they are read; on a logarithmic axis 0 is drawn at the smallest that is told.
function inPercent(shares) {
  return { ...shares, y: Array.from(shares.y, (share) => Math.max(100 * share, 0.1)) };
}

function drawCurves() {
  clearTimeout(timer);
  timer = 0;
  if (!state?.scene || document.hidden) return;
  const { objective, since } = state.scene;
  drawnRows = state.rows;
  const cursor = now?.epoch ?? null;
  const losses = [line("discriminator_loss", "discriminator", "--discriminator"), line("generator_loss", "generator", "--generated")];
  const gap = [inPercent(line("headline", "", "--measure"))];
  const hints = objective === "non-saturating" ? [[Math.log(2), "ln 2"], [2 * Math.log(2), "2 ln 2"]] : [];
  write(at("losses_cut"), curve(at("losses"), { lines: losses, hints, since, cursor }));
  write(at("gap_cut"), curve(at("gap"), { lines: gap, hints: [[5, "like real"]], reach: [5], since, cursor, log: true }));
  at("losses").setAttribute("aria-label", inWords("Losses", losses, cursor));
  at("gap").setAttribute("aria-label", inWords("Gap to real", gap, cursor, " %"));
}

// ---------------------------------------------------------------------------------------------- words

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function writeTiles(tiles) {
  const list = at("tiles");
  while (list.children.length > tiles.length) list.lastChild.remove();
  tiles.forEach(({ label, value, note, help }, i) => {
    const tile = list.children[i] ?? list.appendChild(document.createElement("div"));
    if (!tile.children.length) tile.append(...["dt", "dd", "dd"].map((tag) => document.createElement(tag)));
    [label, value, note].forEach((words, place) => write(tile.children[place], words));
    tile.title = help;
  });
}

function tellMissing(sentence) {
  document.title = "gandash";
  write(at("title"), "No run to see");
  write(at("sentence"), sentence);
  write(at("said"), sentence);
  writeNotes(at("notes"), []);
}

function tellState({ state: run, words: told, scene }) {
  const words = now ? past.wordsAt(now, told) : told;
  const title = [scene.title, scene.name].filter(Boolean).join(" · ");
  write(at("title"), title);
  document.title = [words.status?.label, title, "gandash"].filter(Boolean).join(" · ");
  const badge = at("badge");
  badge.hidden = !words.status;
  write(badge, words.status?.label ?? "");
  badge.dataset.colour = words.status?.colour ?? "gray";
  write(at("progress"), words.progress ?? "");
  write(at("pace"), words.pace ?? "");
  const record = words.record ?? "";
  at("by_hand").hidden = !record;
  at("by_hand").title = record;
  write(at("sentence"), [words.told ?? words.sentence, record].filter(Boolean).join(" "));
  writeNotes(at("notes"), words.notes ?? []);
  write(at("said"), announced(words, state.changes));
  at("bar").value = Math.min(Math.max(run.progress, 0), 1);
  at("cloud").setAttribute("aria-label", words.label ?? "Real and generated points");
  numbers?.label(words.label ?? "How often each number is real and generated");
  at("tiles").classList.toggle("past", Boolean(now?.frame));
  writeTiles(words.tiles ?? []);
}

// ---------------------------------------------------------------------------------------------- the stream

let identity = null; // of what the picture shows

const whatIsDrawn = ({ title, axes, bounds, equal, numbers }) => JSON.stringify([title, axes, bounds, equal, numbers]);

// Another picture: nothing of the last one stays.
function show(scene) {
  const onBoard = Boolean(scene?.numbers);
  for (const part of [at("legend"), at("cloud").parentElement]) part.hidden = onBoard;
  at("numbers").hidden = !onBoard;
  points.begin(onBoard ? null : scene);
  numbers?.begin(onBoard ? scene : null);
  if (onBoard) boardComing ??= import("./board.js").then(bringBoard);
}

// What can be seen inside the run. Its scripts come when there is something to switch, after the first picture.
let layers = null;
let coming = null;

function offer(offers) {
  if (offers.length) coming ??= import("./switches.js").then(lookInside);
  if (!layers) return;
  layers.offer(offers);
  feed.look(layers.names());
  now?.look(layers.names());
  points.see(state.views);
}

function lookInside(tools) {
  layers = tools.switches(at("layers"), () => {
    feed.look(layers.names());
    now?.look(layers.names());
    points.see(state.views);
  });
  points.lookInside(tools, layers);
  offer(state.offers ?? []);
}

function bringBoard({ board }) {
  numbers = board(at("numbers"));
  numbers.begin(state.scene?.numbers ? state.scene : null);
  apply(state);
}

function apply(told) {
  state = told;
  at("connection").hidden = told.connected;
  if (!told.connected) return;
  if (told.kind === "outdated") return [at("sentence"), at("said")].forEach((element) => write(element, told.sentence));
  const gone = told.kind === "missing";
  if (!gone && !told.scene) return;
  document.body.dataset.stage = gone ? "missing" : "there";
  const next = gone ? null : whatIsDrawn(told.scene);
  if (next !== identity) {
    identity = next;
    drawnRows = -1;
    show(gone ? null : told.scene);
  }
  if (gone) return tellMissing(`${told.sentence} This page goes on by itself once there is something to see.`.trim());
  tellState(told);
  now?.know(told.kept);
  past?.bar.show(now, told);
  drawPoints();
  offer(told.offers ?? []);
  if (told.rows !== drawnRows) timer ||= setTimeout(drawCurves, drawnRows < 0 ? 0 : CURVES_MS);
}

function drawPoints() {
  const frame = now?.frame ?? null;
  if (state.scene.numbers) {
    numbers?.play(frame ? null : state.phase);
    numbers?.show(frame ? [frame] : state.frames);
  } else {
    const moment = { played: state.phase, visited: frame, views: now?.views ?? null, rests: !state.state.active };
    points.show(state.real, state.frames, moment);
  }
}

async function bringTimeline(run) {
  const module = await import("./timeline.js");
  const style = document.head.appendChild(document.createElement("link"));
  Object.assign(style, { rel: "stylesheet", href: at("timeline").dataset.style });
  const bar = module.timeline(at("timeline"), () => root.dataset.theme ?? (dark.matches ? "dark" : "light"));
  past = { bar, wordsAt: module.wordsAt };
  now = module.moment(run, root.dataset.base);
  now.listen(turn);
  if (layers) now.look(layers.names());
  if (state) apply(state);
}

// Another moment is looked at.
function turn() {
  if (!state?.scene) return;
  tellState(state);
  drawPoints();
  drawCurves();
}

function begin() {
  const choice = stored();
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;
  at("theme").addEventListener("click", changeTheme);
  document.addEventListener("keydown", (event) => {
    if (event.key === "t" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) changeTheme();
  });
  dark.addEventListener("change", redraw);
  document.addEventListener("visibilitychange", drawCurves);
  new ResizeObserver(drawCurves).observe(at("losses"));
  if (root.dataset.font && WIDE.matches) {
    // of Streamlit's own files; a phone reads just as well in its own font
    const font = new FontFace("Source Sans", `url(${root.dataset.font})`, { weight: "200 900" });
    document.fonts.add(font);
    font.load().then(redraw, () => {});
  }
  const run = runOfAddress();
  if (run && run.length <= LONGEST_RUN) {
    feed = watch(run, apply, { base: root.dataset.base });
    feed.look([]);
    bringTimeline(run);
    setTimeout(() => state || write(at("sentence"), "The server does not answer. This page keeps trying."), PATIENCE_MS);
    return;
  }
  document.body.dataset.stage = "missing";
  tellMissing("The address of this page names no run. Take the link from Show to an audience, beside the Train button.");
}

function runOfAddress() {
  const name = location.pathname.slice(`${root.dataset.base}/watch/`.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // it stays as it is, and no run has such a name
  }
}

begin();
