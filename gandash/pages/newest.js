// How far the run has got since the generator on the page was fetched, from the run's stream, and a button that fetches
// the newest; or, where the page follows the run, that press by itself now and then.

import { child } from "./elements.js";
import { untilQuiet } from "./follow.js";
import { watch } from "./stream.js";

const EVERY = 2500; // ms at least between two presses of its own: each costs a worker some tenths of a second

export function makeNewest(root) {
  const text = child(root, "span", "");
  const take = child(root, "button", "gandash-button", "");
  take.type = "button";
  let data = {}, component = null, feed = null, epoch = 0, timer = 0, asked = -Infinity;

  take.addEventListener("click", ask);

  function ask() {
    asked = performance.now();
    component.setTriggerValue("newest", epoch);
  }

  function draw() {
    const newer = epoch > data.epoch;
    text.textContent = `Of epoch ${data.epoch.toLocaleString("en")}`;
    take.textContent = `Take the newest: epoch ${epoch.toLocaleString("en")}`;
    take.hidden = !newer || data.follow;
    if (!newer || !data.follow || timer) return;
    const look = () => {
      timer = untilQuiet() ? setTimeout(look, untilQuiet()) : 0;
      if (!timer && data.follow && epoch > data.epoch) ask();
    };
    timer = setTimeout(look, Math.max(0, asked + EVERY - performance.now()));
  }

  return {
    show(told, from) {
      component = from;
      if (told.run !== data.run) {
        feed?.close();
        epoch = 0;
        data = told;
        feed = watch(told.run, (stream) => {
          epoch = stream.state?.epoch ?? epoch;
          draw();
        }, { base: told.base });
      }
      data = told;
      draw();
    },
    end() {
      feed?.close();
      clearTimeout(timer);
    },
  };
}
