// The picture of a pattern of whole numbers from 0 to 99: the newest sequences of ten, the generator's outputs for the first
// of them as a heatmap, and a board of ten by ten with how often each number is generated beside how often it is real. It is drawn as elements, so that the style sheet knows its
// colours and text stays text; `board.css` belongs to it.
//
// On the Train page it is an element of its own, as the charts of `live.js` are; the viewers' page uses `board` alone.

import { child } from "./elements.js";
import { follow } from "./follow.js";
import { moment, wordsAt } from "./moment.js";
import { watch } from "./stream.js";

export { together } from "./follow.js";

const SIDE = 10;
const DEPTH = SIDE * SIDE;
const GAP = 10; // pixels between the sequences and the board
const CAPTION = 18; // pixels of the words above the sequences
const MOST_SEQUENCES = 12;
const USUAL_SEQUENCES = 3; // for which there is room above the board
const LOW = 0.72; // height of a sequence's number, in squares of the board
const LOWEST = 19; // pixels of it at least
const NARROW = 0.66; // width of a sequence's number beside the board, in its squares
const NARROWEST = 21; // pixels of it at least
const TIMES = 2; // a full square is so many times the real share
const HEAT = 82; // pixels of the heatmap with its words
const HEAT_LEAST = 0.85; // of the squares' size without it; where they would be smaller, it makes room for them
const MARKS = 2; // rows of the heatmap below the outputs: an empty one, and one with the numbers that belong
const LEGEND = { real: "real", generated: "generated", over: "over twice real", misfit: "misfit" };
const MOST_TOLD = 4; // numbers whose change is told in words
const SLIVER = 0.06; // of a square, at least, for a number that is generated at all

const text = (value) => value.toLocaleString("en-US");
const percent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`; // never rounded up to 100 %

// ---------------------------------------------------------------------------------------------- what is counted

// The number at each place of a frame, in its order; NaN for what is no place of the board.
function numbersOf({ x, y }) {
  return Array.from(x, (column, i) => {
    const inside = column >= -0.5 && column < SIDE - 0.5 && y[i] >= -0.5 && y[i] < SIDE - 0.5;
    return inside ? SIDE * Math.round(y[i]) + Math.round(column) : NaN;
  });
}

// How often each number comes: `counts`, of `total` places; how many `fit` the pattern, how many of its `distinct` numbers
// appear, and how many places are `lost`, on no square.
function tally(numbers, pattern) {
  const counts = new Array(DEPTH).fill(0);
  for (const number of numbers) if (number >= 0) counts[number]++;
  const fit = pattern.reduce((sum, number) => sum + counts[number], 0);
  const known = counts.reduce((sum, count) => sum + count, 0);
  const distinct = pattern.filter((number) => counts[number]).length;
  return { counts, fit, distinct, total: numbers.length, lost: numbers.length - known };
}

export function summary({ fit, distinct, total, lost }, pattern) {
  const verb = pattern.length === 1 ? "appears" : "appear";
  const words = `Of these ${text(total)} numbers ${percent(total ? fit / total : 0)} fit; ${distinct} of ${pattern.length} ${verb}`;
  return lost ? `${words}; ${text(lost)} not finite` : words;
}

export function about(number, pattern, found) {
  const belongs = pattern.includes(number);
  const real = `real ${percent(belongs ? 1 / pattern.length : 0)}`;
  const words = found?.total
    ? `generated ${percent(found.counts[number] / found.total)} (${text(found.counts[number])} of ${text(found.total)}), ${real}`
    : `${real}, nothing generated yet`;
  return `${number}${belongs ? "" : " does not fit"}: ${words}`;
}

// What a phase did that was played by itself: `real` and `generated` are how often each number is in the batch that it was
// played on, null where it was on none; of the generator's, `moved` is by how much each one comes more or less often now.
// `words` say it in a line.
function playedOn({ real, generated, moved }) {
  const count = (points) => (points.x.length ? tally(numbersOf(points), []).counts : null);
  const [was, is] = [count(generated), count(moved)];
  if (was && is) {
    const change = is.map((number, i) => number - was[i]);
    const others = change.reduce((sum, more) => sum + Math.max(0, more), 0);
    const most = [...change.keys()].filter((i) => change[i]).sort((a, b) => Math.abs(change[b]) - Math.abs(change[a]));
    const told = most.slice(0, MOST_TOLD).map((number) => `${number} ${signed(change[number])}`).join(", ");
    const words = others
      ? `The update made ${others} of ${text(generated.x.length)} numbers others: ${told}${most.length > MOST_TOLD ? " …" : ""}`
      : `The update left each of the batch's ${text(generated.x.length)} numbers what it is`;
    return { real: null, generated: null, moved: change, words };
  }
  const parts = [["red", real], ["green", generated]].filter(([, points]) => points.x.length);
  const words = parts.map(([colour, points]) => `${text(points.x.length)} ${colour === "red" ? "real" : "generated"} ones (${colour})`);
  return { real: count(real), generated: was, moved: null, words: `Played on numbers of a batch: ${words.join(" and ")}` };
}

const signed = (change) => (change > 0 ? `+${change}` : `−${-change}`);

// How large a square is and where the sequences are, for so much room: `{ cell, wide, low, rows, beside }`, in pixels;
// `heat` whether the heatmap has a place, if it is wanted.
function arranged(width, height, wanted = false) {
  const without = fitted(width, height, 0);
  const within = wanted ? fitted(width, height, HEAT) : { cell: 0 };
  if (within.rows && within.cell >= HEAT_LEAST * without.cell) return { ...within, heat: true };
  return { ...without, heat: false };
}

function fitted(width, height, heat) {
  const lowOf = (cell) => Math.max(LOWEST, Math.round(LOW * cell));
  const above = { cell: 0 };
  for (let cell = Math.floor(Math.min(width, height) / SIDE); cell > 0 && !above.cell; cell--) {
    const rows = Math.floor((height - SIDE * cell - GAP - CAPTION - heat) / lowOf(cell));
    const few = cell <= 30 ? 1 : cell <= 40 ? 2 : USUAL_SEQUENCES; // a phone's board counts for more
    if (rows >= few) Object.assign(above, { cell, wide: cell, low: lowOf(cell), rows, beside: false });
  }
  const beside = { cell: 0 };
  for (let cell = Math.floor(Math.min(width / SIDE, height / SIDE)); cell > 0 && !beside.cell; cell--) {
    const wide = Math.max(NARROWEST, Math.round(NARROW * cell));
    if (SIDE * (cell + wide) + 2 * GAP > width) continue;
    const low = lowOf(cell);
    Object.assign(beside, { cell, wide, low, rows: Math.floor((height - CAPTION - heat) / low), beside: true });
  }
  const best = beside.cell > above.cell ? beside : above;
  return { ...best, rows: Math.max(0, Math.min(best.rows ?? 0, MOST_SEQUENCES)) };
}

// ---------------------------------------------------------------------------------------------- the elements

// Set only what is another one: most of the board stays as it is from frame to frame.
function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

// The outputs (10 × 100, flat) on a canvas of a pixel each, the stronger the larger: a row a number, that of its largest
// entry; below them what belongs. A largest entry that does not belong has another colour.
function paintHeat(canvas, outputs, member, colours) {
  const count = outputs.length / DEPTH;
  [canvas.width, canvas.height] = [DEPTH, count + MARKS];
  const context = canvas.getContext("2d");
  let top = 0;
  for (const value of outputs) if (Number.isFinite(value)) top = Math.max(top, value);
  const said = [];
  for (let row = 0; row < count; row++) {
    const vector = outputs.subarray(DEPTH * row, DEPTH * (row + 1));
    const largest = vector.indexOf(Math.max(...vector));
    said.push(largest);
    for (let number = 0; number < DEPTH; number++) {
      context.globalAlpha = top ? Math.max(0, Math.min(1, vector[number] / top)) || 0 : 0;
      context.fillStyle = number === largest && !member.has(number) ? colours.misfit : colours.generated;
      context.fillRect(number, row, 1, 1);
    }
  }
  context.globalAlpha = 1;
  context.fillStyle = colours.real;
  for (const number of member) context.fillRect(number, count + MARKS - 1, 1, 1);
  return said;
}

// Fill a host with the picture. `begin` gives it another scene `{ title, numbers }`, `show` the newest frames.
export function board(host) {
  let pattern = [];
  let member = new Set();
  let sequence = []; // the numbers of the newest frame, in their order
  let found = null; // what is counted of them
  let epoch = null;
  let pointed = null; // the number that the mouse or the keys are at
  let rows = 0;
  let outputs = null; // of the newest frame, if it has any
  let phase = null; // that was just played by itself,
  let marks = null; // and what it did
  let place = false; // whether there is room for the heatmap

  const root = child(host, "div", "gandash-board");
  const head = child(root, "div", "gandash-board-head");
  const title = child(head, "b", "");
  const legend = child(head, "span", "gandash-board-legend");
  for (const [kind, words] of Object.entries(LEGEND))
    child(legend, "span", `gandash-board-${kind}`, words);
  const body = child(root, "div", "gandash-board-body");
  const side = child(body, "div", "gandash-board-side");
  const strip = child(side, "div", "gandash-board-strip");
  strip.setAttribute("aria-hidden", "true"); // the board and the line below it say the same
  child(strip, "p", "", "Newest sequences");
  const heat = child(side, "div", "gandash-board-heat");
  child(heat, "p", "", "Outputs for the first one, 0 to 99").setAttribute("aria-hidden", "true");
  const map = child(heat, "canvas", "");
  map.setAttribute("role", "img");
  heat.hidden = true;
  const cells = child(body, "div", "gandash-board-cells");
  cells.setAttribute("role", "img");
  cells.setAttribute("aria-description", "Arrow keys go from number to number and tell how often each one comes.");
  cells.tabIndex = 0;
  const foot = child(root, "p", "gandash-board-foot");
  const said = child(root, "span", "gandash-board-said");
  said.setAttribute("aria-live", "polite");

  const squares = Array.from({ length: DEPTH }, (_, i) => {
    const number = SIDE * (SIDE - 1 - Math.floor(i / SIDE)) + (i % SIDE); // tens upwards
    const square = child(cells, "div", "gandash-board-cell");
    const bar = child(square, "i", "");
    child(square, "span", "", String(number));
    square.dataset.number = number;
    return { number, square, bar, marks: [] };
  });

  // On each square that a phase concerns, how often its number is in the batch, or by how much that has changed.
  function drawMarks() {
    for (const cell of squares) {
      const { number, square } = cell;
      const [real, generated, moved] = ["real", "generated", "moved"].map((kind) => marks?.[kind]?.[number] ?? 0);
      const told = [
        real && ["gandash-board-on-real", String(real)],
        generated && ["gandash-board-on-generated", String(generated)],
        moved && [moved > 0 ? "gandash-board-more" : "gandash-board-less", signed(moved)],
      ].filter(Boolean);
      square.classList.toggle("gandash-board-played", told.length > 0);
      if (!told.length && !cell.marks.length) continue;
      for (const mark of cell.marks) mark.remove();
      cell.marks = told.map(([kind, words]) => child(square, "b", kind, words));
    }
    root.dataset.phase = phase?.loss ?? "";
  }

  function drawSquares() {
    const real = 1 / Math.max(pattern.length, 1);
    for (const { number, square, bar } of squares) {
      const count = found?.counts[number] ?? 0;
      const share = found?.total ? count / found.total : 0;
      const level = count ? Math.min(1, Math.max(SLIVER, share / (TIMES * real))) : 0;
      const place = `translateY(${(100 * (1 - level)).toFixed(1)}%)`;
      if (bar.style.transform !== place) bar.style.transform = place;
      square.classList.toggle("gandash-board-belongs", member.has(number));
      square.classList.toggle("gandash-board-wrong", count > 0 && !member.has(number));
      square.classList.toggle("gandash-board-over", share > TIMES * real * (1 + 1e-9));
      square.classList.toggle("gandash-board-pointed", number === pointed);
    }
  }

  function drawStrip() {
    while (strip.children.length - 1 > rows) strip.lastChild.remove();
    while (strip.children.length - 1 < rows) {
      const row = child(strip, "div", "gandash-board-row");
      for (let i = 0; i < SIDE; i++) child(row, "span", "");
    }
    for (let row = 0; row < rows; row++) {
      [...strip.children[row + 1].children].forEach((element, i) => {
        const number = sequence[SIDE * row + i];
        write(element, number === undefined ? "·" : number >= 0 ? String(number) : "?");
        element.className = number === undefined || member.has(number) ? "" : "gandash-board-wrong";
      });
    }
  }

  function tell() {
    const usual = found ? summary(found, pattern) : "Nothing generated yet";
    const words = pointed !== null ? about(pointed, pattern, found) : (marks?.words ?? usual);
    write(foot, words);
  }

  function arrange() {
    const used = head.offsetHeight + foot.offsetHeight;
    const room = arranged(root.clientWidth, root.clientHeight - used - GAP, outputs !== null);
    if (!root.clientWidth || !room.cell) return;
    [rows, place] = [room.rows, room.heat];
    for (const [name, pixels] of [["cell", room.cell], ["wide", room.wide], ["low", room.low]])
      root.style.setProperty(`--board-${name}`, `${pixels}px`);
    root.classList.toggle("gandash-board-beside", room.beside);
    drawStrip();
    drawHeat();
  }

  function drawHeat() {
    heat.hidden = !place || !outputs;
    if (heat.hidden) return;
    const style = getComputedStyle(root);
    const colours = Object.fromEntries(["real", "generated", "misfit"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
    const said = paintHeat(map, outputs, member, colours);
    const words = `Heatmap of the generator's outputs for the first sequence, a row for each number, 0 to 99 from left to right; the largest entries are at ${said.join(", ")}`;
    if (map.getAttribute("aria-label") !== words) map.setAttribute("aria-label", words);
  }

  function draw() {
    if (!pattern.length) return;
    drawSquares();
    drawStrip();
    drawHeat();
    tell();
    root.dataset.frames = Number(root.dataset.frames ?? 0) + 1;
    if (epoch === null) delete root.dataset.epoch;
    else root.dataset.epoch = epoch;
  }

  function point(number) {
    if (number === pointed) return;
    pointed = number;
    drawSquares();
    tell();
  }

  cells.addEventListener("pointermove", ({ target }) => {
    const number = target.closest(".gandash-board-cell")?.dataset.number;
    point(number === undefined ? null : Number(number));
  });
  cells.addEventListener("pointerdown", ({ target }) => {
    const number = target.closest(".gandash-board-cell")?.dataset.number;
    if (number !== undefined) point(Number(number));
  });
  cells.addEventListener("pointerleave", ({ pointerType }) => pointerType === "touch" || point(null)); // a tap stays
  cells.addEventListener("blur", () => point(null));
  cells.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: SIDE, ArrowDown: -SIDE }[event.key];
    if (event.key === "Escape" && pointed !== null) point(null);
    else if (step) {
      const next = pointed === null ? (pattern[0] ?? 0) : pointed + step;
      if (next >= 0 && next < DEPTH) point(next);
      write(said, about(pointed, pattern, found));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const observer = new ResizeObserver(arrange);
  observer.observe(root);
  observer.observe(head);

  return {
    root,

    // Another run or pattern: nothing of the last one stays.
    begin(scene) {
      pattern = scene?.numbers ?? [];
      member = new Set(pattern);
      sequence = [];
      [found, epoch, pointed, outputs] = [null, null, null, null];
      this.play(null);
      arrange();
      write(said, "");
      write(title, scene?.title ?? "");
      draw();
    },

    show(frames) {
      const newest = frames.at(-1);
      if (!newest) return;
      sequence = numbersOf(newest.points);
      found = tally(sequence, pattern);
      epoch = newest.epoch;
      const had = outputs !== null;
      outputs = newest.outputs ?? null;
      if (had !== (outputs !== null)) arrange();
      draw();
    },

    // What a phase did that was just played by itself; null for none.
    play(played) {
      if (played === phase) return;
      phase = played;
      marks = phase && playedOn(phase);
      drawMarks();
      tell();
    },

    // The page has turned from light to dark, or back: the rest follows by its style.
    repaint: drawHeat,

    label(words) {
      if (cells.getAttribute("aria-label") !== words) cells.setAttribute("aria-label", words);
    },

    remove() {
      observer.disconnect();
      root.remove();
    },
  };
}

// ---------------------------------------------------------------------------------------------- on the Train page

function update(chart) {
  const { data, picture, scene, state } = chart;
  picture.label(wordsAt(chart.at ?? {}, state?.words)?.label || data.label);
  const identity = `${data.run} ${scene.title} ${scene.numbers}`;
  if (identity !== chart.identity) {
    chart.identity = identity;
    chart.seen = null;
    picture.begin(scene);
  }
  picture.play((!chart.at?.frame && state?.phase) || null);
  const shown = chart.at?.frame ?? state?.frames.at(-1);
  if (!shown || shown === chart.seen || document.hidden) return;
  chart.seen = shown;
  picture.show([shown]);
}

export function render({ data, parentElement }) {
  let chart = parentElement.gandashBoard;
  if (!chart) {
    chart = parentElement.gandashBoard = { data: {}, picture: board(parentElement), identity: null, seen: null, feed: null };
    chart.picture.root.dataset.chart = data.key;
    chart.gone = new AbortController();
    const { signal } = chart.gone;
    document.addEventListener("visibilitychange", () => chart.scene && update(chart), { signal });
    addEventListener("gandash-theme", chart.picture.repaint, { signal });
  }
  const before = chart.data;
  chart.data = data;
  if (before.scene !== data.scene) chart.scene = JSON.parse(data.scene);
  if (before.run !== data.run) {
    chart.unlisten?.();
    chart.at = data.run ? moment(data.run, data.base) : null;
    chart.unlisten = chart.at?.listen(() => chart.scene && update(chart));
    follow(watch, chart, data, update);
  }
  update(chart);
}

export function unmount(parent) {
  const chart = parent.gandashBoard;
  if (!chart) return;
  chart.feed?.close();
  chart.unlisten?.();
  chart.gone.abort();
  chart.picture.remove();
  delete parent.gandashBoard;
}
