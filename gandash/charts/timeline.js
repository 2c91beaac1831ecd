// The timeline below the picture: drag through what a run has been, or be live. The moment itself is that of `moment.js`.
//
// On the Train page it is an element of its own; the viewers' page uses `timeline` alone. Its style is `timeline.css`.

import { child } from "./elements.js";
import { follow } from "./follow.js";
import { moment, nearest } from "./moment.js";
import { watch } from "./stream.js";

export { together } from "./follow.js";
export { moment, wordsAt } from "./moment.js";

const text = (epoch) => `Epoch ${epoch.toLocaleString("en-US")}`;

function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

// Draw a timeline into an element. `show` tells it of the run's moment and of the state of its stream, null for no run;
// `theme` says in which one pictures are saved.
export function timeline(parent, theme) {
  const root = child(parent, "div", "gandash-timeline");
  const slider = child(root, "input", "");
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.setAttribute("aria-label", "Timeline: the run as it was at an epoch");
  const label = child(root, "output", "gandash-timeline-epoch");
  const live = child(root, "button", "", "Live");
  live.type = "button";
  const save = child(root, "a", "", "PNG");
  save.title = "Save this picture as a PNG";
  let at = null; // the moment
  let state = null;

  const last = () => at?.kept.length ?? 0; // the place of what is live, behind all that is past

  slider.addEventListener("input", () => at?.go(at.kept[slider.value] ?? null));
  live.addEventListener("click", () => at?.go(null));
  save.addEventListener("click", () => save.href && address()); // the theme may be another by now

  function address() {
    const name = at.epoch === null ? "now" : `p${at.epoch}`;
    save.href = `${at.base}/frames/${encodeURIComponent(at.run)}/${name}.png?theme=${theme()}`;
  }

  function draw() {
    const there = Boolean(at && state?.state);
    const past = there && at.wanted !== null;
    const none = !there || !last();
    slider.disabled = none;
    live.disabled = !past;
    live.setAttribute("aria-pressed", String(there && !past));
    save.toggleAttribute("href", false);
    if (there && (at.frame || state.frames.length)) address();
    save.setAttribute("aria-disabled", String(!save.href));
    root.classList.toggle("gandash-timeline-past", past);
    slider.max = Math.max(last(), 1);
    const place = past ? at.kept.indexOf(nearest(at.kept, at.wanted)) : Number(slider.max);
    if (slider.valueAsNumber !== place) slider.value = place;
    root.style.setProperty("--done", `${(100 * place) / slider.max}%`);
    const epoch = past ? at.wanted : there ? (state.frames.at(-1)?.epoch ?? state.state.epoch) : 0;
    write(label, there ? text(epoch) : "");
    write(live, !there || state.state.active ? "Live" : "Latest");
    const of = there ? ` of ${state.state.epoch.toLocaleString("en-US")}` : "";
    slider.setAttribute("aria-valuetext", none ? "Nothing is kept yet" : past ? text(epoch) + of : `${live.textContent}: ${text(epoch)}`);
    slider.title = at?.problem || (none ? "The run's past is kept from its next epoch on" : "Drag to see the run as it was");
    if (at?.problem) root.dataset.problem = at.problem;
    else delete root.dataset.problem;
  }

  let unlisten = null;
  draw();
  return {
    root,
    show(next, told) {
      if (next !== at) {
        unlisten?.();
        at = next;
        unlisten = at?.listen(draw) ?? null;
      }
      state = told;
      draw();
    },
    remove() {
      unlisten?.();
      root.remove();
    },
  };
}

// ---------------------------------------------------------------------------------------------- on the Train page

function update(chart) {
  const { data, state, bar } = chart;
  const at = data.run ? moment(data.run, data.base) : null;
  if (state) at?.know(state.kept);
  bar.show(at, state);
}

export function render({ data, parentElement }) {
  let chart = parentElement.gandashTimeline;
  if (!chart) {
    chart = parentElement.gandashTimeline = { data: {}, state: null, feed: null };
    chart.bar = timeline(parentElement, () => document.documentElement.dataset.theme);
  }
  const before = chart.data;
  chart.data = data;
  if (before.run !== data.run) follow(watch, chart, data, update);
  update(chart);
}

export function unmount(parent) {
  const chart = parent.gandashTimeline;
  if (!chart) return;
  chart.feed?.close();
  chart.bar.remove();
  delete parent.gandashTimeline;
}
