// The goal of a class: a bar of the steps, how many are left, and how it ended. Whether it was reached is the script's
// word; here the run is followed, and the script is asked once when something may be settled.

import { child } from "./elements.js";
import { watch } from "./stream.js";

export { together } from "./follow.js";

function make(parent) {
  const root = child(parent, "div", "gandash-goal");
  const line = child(root, "div", "gandash-goal-line");
  const star = child(line, "span", "gandash-goal-star", "★");
  star.setAttribute("aria-hidden", "true");
  const title = child(line, "strong", "");
  const told = child(line, "span", "gandash-goal-told");
  const bar = child(root, "div", "gandash-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Steps of the goal that are used");
  const said = child(root, "span", "gandash-unseen");
  said.setAttribute("role", "status");
  return { root, title, told, bar, done: child(bar, "div", ""), said, data: {}, steps: 0, good: 0, feed: null, asked: "" };
}

// Steps after which an epoch is over; 0 where none is known.
const newest = (curve) => curve?.x.at(-1) ?? 0;

function take(part, stream) {
  const { data, component } = part;
  if (stream.run !== data.run || data.state !== "open") return;
  const epoch = newest(stream.curves.get("generator_loss") ?? stream.curves.get("headline"));
  part.steps = Math.max(part.steps, epoch * data.each);
  const headline = stream.curves.get("headline");
  const inTime = (headline?.x ?? []).filter((at) => at * data.each <= data.most).length;
  let reached = false;
  part.good = 0; // measurements in a row that are as good
  for (let i = 0; i < inTime; i += 1) {
    part.good = headline.y[i] <= data.value ? part.good + 1 : 0;
    reached ||= part.good >= data.held;
  }
  const late = (epoch + 1) * data.each > data.most;
  draw(part);
  const asks = reached ? `${data.run} reached` : late ? `${data.run} late` : "";
  if (!asks || part.asked === asks) return; // once: the script's figures have more digits, and may see it otherwise
  part.asked = asks;
  component.setTriggerValue("settled", asks);
}

function draw({ root, title, told, bar, done, said, data, steps, good }) {
  const used = data.state === "open" ? steps : data.steps;
  root.dataset.state = data.state;
  title.textContent = data.title;
  const row = good ? `${Math.min(good, data.held)} of ${data.held} in a row, ` : "";
  told.textContent = data.told || `${row}${Math.max(0, data.most - used).toLocaleString("en")} steps left`;
  const share = Math.min(100, Math.round((100 * used) / data.most));
  done.style.width = `${share}%`;
  bar.setAttribute("aria-valuenow", share);
  if (said.textContent !== data.told) said.textContent = data.told; // what is under way is not read out at each step
}

export function render(component) {
  const { data, parentElement } = component;
  const part = (parentElement.gandashGoal ??= make(parentElement));
  const before = part.data;
  Object.assign(part, { component, data, steps: before.run === data.run ? Math.max(part.steps, data.steps) : data.steps });
  if (before.run !== data.run) {
    part.good = 0;
    part.feed?.close();
    part.feed = data.run ? watch(data.run, (stream) => take(part, stream), { base: data.base }) : null;
  }
  part.root.classList.toggle("gandash-goal-now", before.run === data.run && before.state === "open" && data.state === "reached");
  draw(part);
}

export function unmount(parent) {
  parent.gandashGoal?.feed?.close();
  parent.replaceChildren();
  delete parent.gandashGoal;
}
