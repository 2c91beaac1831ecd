// The words and figures around the charts, drawn from the run's stream: the strip's line of state, its bar and sentence,
// the tiles, how good the generators are, what is announced to screen readers, and an element that is not seen and asks for
// the page's script when buttons and downloads no longer fit the run. Each element begins with the words that the script gave it, and goes on
// with those of the stream; everything is text and never markup.

import { child, writeNotes } from "./elements.js";
import { together as turnTogether, untilQuiet } from "./follow.js";
import { moment, wordsAt } from "./moment.js";
import { announced, watch } from "./stream.js";

const PATIENCE = 250; // ms in which the script may bring by itself what fits the run: a click here runs it as well
const LATER = 1500; // likewise of a run that goes on: its buttons fit, and its first points come before what to take home

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

// ---------------------------------------------------------------------------------------------- the strip

function makeState(parent) {
  const root = child(parent, "div", "gandash-state");
  const badge = child(root, "span", "gandash-badge");
  const icon = child(badge, "span", "gandash-icon");
  icon.setAttribute("aria-hidden", "true");
  icon.setAttribute("translate", "no");
  const label = child(badge, "span", "");
  const warning = child(root, "span", "gandash-badge gandash-red");
  const progress = child(root, "strong", "");
  const pace = child(root, "span", "");
  const record = child(root, "span", "gandash-record", "by hand");
  return ({ words }) => {
    const { status } = words;
    badge.className = `gandash-badge gandash-${status.colour}`;
    say(icon, status.icon);
    say(label, status.label);
    say(warning, words.warning);
    say(progress, words.progress);
    say(pace, words.pace);
    record.hidden = !words.record;
    record.title = words.record ?? "";
  };
}

function makeCourse(parent) {
  const root = child(parent, "div", "gandash-course");
  const bar = child(root, "div", "gandash-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Epochs done");
  const done = child(bar, "div", "");
  const told = child(root, "div", "gandash-told");
  const sentence = child(told, "p", "");
  const notes = child(told, "div", "gandash-notes");
  return ({ words, data, stream }) => {
    done.style.width = `${100 * words.share}%`;
    bar.setAttribute("aria-valuenow", Math.round(100 * words.share));
    const outdated = stream?.kind === "outdated" ? stream.sentence : "";
    say(sentence, outdated || [data.mine ? words.sentence : words.told, words.record].filter(Boolean).join(" "));
    writeNotes(notes, words.notes ?? []);
    for (const part of [told, sentence]) {
      part.tabIndex = part.scrollHeight > part.clientHeight + 1 ? 0 : -1; // what scrolls is for the keyboard too
    }
  };
}

// ---------------------------------------------------------------------------------------------- the tiles

// One sheet for what all tiles mean; it comes with the pointer or the focus, and goes with Escape.
function makeTip(root) {
  const tip = child(root, "div", "gandash-tip");
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  let owner = null;
  const hide = () => {
    tip.hidden = true;
    owner = null;
  };
  const show = (button) => {
    owner = button;
    tip.textContent = button.dataset.help;
    tip.hidden = false;
    const { left, bottom, top } = button.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(left - 12, innerWidth - width - 8))}px`;
    tip.style.top = `${bottom + 6 + height > innerHeight ? top - height - 6 : bottom + 6}px`;
  };
  for (const [kinds, act] of [
    [["pointerover", "focusin", "click"], (event) => event.target.closest("button") && show(event.target.closest("button"))],
    [["pointerout"], (event) => !root.contains(document.activeElement) && !tip.contains(event.relatedTarget) && hide()],
    [["focusout"], hide],
    [["keydown"], (event) => event.key === "Escape" && hide()],
  ]) {
    for (const kind of kinds) root.addEventListener(kind, act);
  }
  document.addEventListener("scroll", hide, { capture: true, passive: true, signal: root.gandashGone.signal });
  return { refresh: () => owner && show(owner), id: (tip.id = `gandash_tip_${Math.random().toString(36).slice(2)}`) };
}

function makeTiles(parent, gone) {
  const root = child(parent, "div", "gandash-tiles");
  root.gandashGone = gone;
  const tip = makeTip(root);
  const tiles = [];
  const add = () => {
    const tile = child(root, "div", `gandash-tile${tiles.length ? "" : " gandash-tile-wide"}`);
    const head = child(tile, "div", "gandash-tile-label");
    const label = child(head, "span", "");
    const help = child(head, "button", "", "?");
    help.type = "button";
    help.setAttribute("aria-describedby", tip.id);
    return { tile, label, help, value: child(tile, "div", "gandash-tile-value"), note: child(tile, "div", "gandash-tile-note") };
  };
  return ({ words, at }) => {
    root.classList.toggle("gandash-tiles-past", Boolean(at?.frame));
    while (tiles.length > words.tiles.length) tiles.pop().tile.remove();
    words.tiles.forEach((told, i) => {
      const { label, help, value, note } = (tiles[i] ??= add());
      say(label, told.label);
      say(value, told.value);
      say(note, told.note);
      help.dataset.help = told.help;
      help.setAttribute("aria-label", `What ${told.label.split(",")[0]} means`);
    });
    tip.refresh();
  };
}

// ---------------------------------------------------------------------------------------------- the generators

function makeQualities(parent) {
  const root = child(parent, "p", "gandash-qualities");
  return ({ words: { qualities } }) => {
    const lines = qualities.length ? [...qualities, "0 % is as good as real, lower is better."] : [];
    say(root, lines.join("\n"));
  };
}

// ---------------------------------------------------------------------------------------------- what is not seen

// The region stays and only its text changes: a region that comes with its text is not read by every screen reader.
function makeAnnounce(parent) {
  const region = child(parent, "div", "");
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  return ({ words, stream }) => {
    const text = announced(words, stream?.changes);
    if (region.textContent !== text) region.textContent = text;
  };
}

// What the page's script should have drawn the page for; undefined while that is not known.
function stageOf({ run }, stream) {
  if (!run) return stream.ready ? "ready" : undefined;
  return stream.kind === "missing" ? "" : stream.state?.stage;
}

// Asks for the script, once for each time that it has drawn the page for another stage than the run is in.
function makeFollow(parent, gone) {
  let [timer, due, asked, part] = [0, 0, null, null];
  gone.signal.addEventListener("abort", () => clearTimeout(timer));
  const late = () => part.stream && ![undefined, part.data.stage].includes(stageOf(part.data, part.stream));
  const askAt = (time) => {
    clearTimeout(timer);
    due = time;
    timer = setTimeout(ask, due - performance.now());
  };
  const ask = () => {
    timer = 0;
    if (!late()) return;
    if (untilQuiet()) return askAt(performance.now() + untilQuiet());
    asked = part.data;
    part.component.setTriggerValue("stage", stageOf(part.data, part.stream));
  };
  return (told) => {
    part = told;
    if (!late() || asked === part.data) return;
    const time = performance.now() + (part.stream.state?.active ? LATER : PATIENCE);
    if (!timer || time < due) askAt(time);
  };
}

// ---------------------------------------------------------------------------------------------- life

const MAKE = {
  state: makeState,
  course: makeCourse,
  tiles: makeTiles,
  qualities: makeQualities,
  announce: makeAnnounce,
  follow: makeFollow,
};

function draw(part) {
  const { told, stream } = part;
  const words = stream?.words && stream.version >= told.version ? stream.words : told.words;
  part.words = wordsAt(part.at ?? {}, words);
  part.show(part);
}

function listen(part, { run, base, live }) {
  part.feed?.close();
  part.unlisten?.();
  part.at = run && part.data.part === "tiles" ? moment(run, base) : null;
  part.unlisten = part.at?.listen(() => draw(part));
  part.stream = null;
  part.feed = live
    ? watch(
        run,
        (stream) => {
          if ((stream.run ?? "") !== part.data.run) return;
          part.stream = stream;
          draw(part);
        },
        { base },
      )
    : null;
}

export function render(component) {
  const { data, parentElement } = component;
  let part = parentElement.gandashPart;
  if (!part) {
    const gone = new AbortController();
    part = parentElement.gandashPart = { gone, data: {}, feed: null, stream: null, show: MAKE[data.part](parentElement, gone) };
  }
  const before = part.data;
  Object.assign(part, { component, data, told: { words: JSON.parse(data.words), version: data.version } });
  if (before.run !== data.run || before.live !== data.live) listen(part, data);
  draw(part);
}

// What asks for the script is not seen, and follows the new run at once. How good the generators are stands beside the
// downloads, which the script draws last.
export function together(component, render) {
  const { part } = component.data;
  if (part === "follow") render(component);
  else turnTogether(component, render, part !== "qualities");
}

export function unmount(parent) {
  const part = parent.gandashPart;
  if (!part) return;
  part.feed?.close();
  part.unlisten?.();
  part.gone.abort();
  parent.replaceChildren();
  delete parent.gandashPart;
}
