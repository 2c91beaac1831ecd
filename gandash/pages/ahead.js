// Draws what a press leads to before the page's script has said so: another shape, the empty page after Reset, a run that is
// starting. All that the live part of the page shows of them is in a file of the target's own (`ahead.py`). The script's
// answer, a third of a second later, has the last word.

import { afterPaint } from "./elements.js";
import { foresee } from "./follow.js";

const PICTURES = ["overlay_chart", "board_chart"];
const CARDS = ".st-key-knob_target input[type=radio]";

const NOWHERE = { target: "", cards: [], run: "", begins: false, right: false };

let page = NOWHERE; // what the script told last, but for the target that was chosen since
let begun = false;
const files = new Map(); // by their address

function fileOf(target) {
  const address = `${page.base}/ahead/${encodeURIComponent(target)}`;
  if (!files.has(address)) {
    const coming = fetch(address).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
    coming.catch(() => files.delete(address));
    files.set(address, coming);
  }
  return files.get(address).catch(() => null);
}

// What an element is told without a run; null for one that is the script's alone.
function bare(data, { picture }, words) {
  if (data.key === picture.key) return { film: "", ...picture };
  if (PICTURES.includes(data.key)) return null;
  if (data.part) return { run: "", version: 0, live: false, words };
  return data.key ? { run: "" } : null;
}

async function draw(target, words) {
  const { run } = page;
  const file = await fileOf(target);
  if (!file || page.run !== run || page.target !== target) return; // the script was sooner
  foresee((data) => bare(data, file, file[words]));
}

// The target of the first card of which this is true.
const targetOf = (is) => page.cards[[...document.querySelectorAll(CARDS)].findIndex(is)];

// A card that was clicked or moved to by an arrow key. It is drawn once the browser has told the script, which works on it
// meanwhile; so is what a button leads to.
function choose({ target: card }) {
  if (!card.closest?.(".st-key-knob_target") || page.run || !page.right) return;
  afterPaint(() => {
    const target = targetOf(({ checked }) => checked);
    if (!target || target === page.target) return;
    page.target = target; // for a press that comes before the script
    draw(target, "words");
  });
}

function press({ detail: name }) {
  if (!page.target) return;
  if (name === "train" && page.begins) afterPaint(() => draw(page.target, "starting"));
  if (name === "reset" && page.run && page.right) afterPaint(() => draw(page.target, "words"));
}

// Who points at a card or a button may press it.
function fetchAhead({ target }) {
  if (target.closest?.(".st-key-controls") && page.target) fileOf(page.target);
  const card = target.closest?.(".st-key-knob_target label")?.querySelector(CARDS);
  const chosen = card && !page.run && targetOf((each) => each === card);
  if (chosen) fileOf(chosen);
}

function begin() {
  for (const kind of ["click", "keydown"]) document.addEventListener(kind, choose, true);
  document.addEventListener("gandash-press", press);
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, fetchAhead);
}

export function render({ data }) {
  if (!begun) begin();
  begun = true;
  page = { ...data };
}

export function unmount() {
  page = NOWHERE; // another page is shown
}
