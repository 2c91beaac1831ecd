// The moving parts of Explore, each an element of the page: the pad with what generators make of it, a sample beside real
// points, and how far the run has got meanwhile.

import { child } from "./elements.js";
import { makeNewest } from "./newest.js";
import { makePad } from "./pad.js";
import { makeSample } from "./sample.js";

const PARTS = { pad: makePad, sample: makeSample, newest: makeNewest };

export function render(component) {
  const { data, parentElement } = component;
  let held = parentElement.gandashExplore;
  if (!held) {
    const root = child(parentElement, "div", `gandash-explore gandash-explore-${data.shows}`);
    held = parentElement.gandashExplore = { root, part: PARTS[data.shows](root) };
  }
  held.part.show(data, component);
}

export function unmount(parentElement) {
  parentElement.gandashExplore?.part.end();
  parentElement.gandashExplore?.root.remove();
  delete parentElement.gandashExplore;
}
