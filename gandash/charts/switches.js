// The switches of a picture's layers, and the line that says what the layers mean and of which epoch they are. What is on
// is remembered for as long as the browser's tab.

import { child } from "./elements.js";
import { OWN } from "./layers.js";

export { inStep, paintLayers, trail } from "./layers.js";

const KEPT = "gandash-layers";
const TRAILS = { name: "trails", title: "Trails", help: "Where each point was over the last frames", legend: "", quarters: 0 };

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // a browser may keep nothing
  }
}

function remember(kept) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    // then it lasts as long as the page
  }
}

// Put switches into an element. `onChange` is called whenever something else is to be shown. What is returned has:
// `offer(views)`, what there is to switch, none to hide all; `names()`, what to ask the stream for; `on(name)`; `chosen
// (views)`, of what is on `[offer, arrays, the name by which they came]`; `tell(found, views, look,
// runs)`, which brings the legend up to date, of a run if there is one.
export function switches(parent, onChange) {
  const root = child(parent, "div", "gandash-layers");
  const row = child(root, "div", "gandash-chips");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Layers of the picture");
  const legend = child(root, "p", "gandash-legend");
  const kept = { on: [], turns: {}, ...remembered() };
  let offers = [];
  let offered = "";
  let told = "";
  root.hidden = true;

  const on = (name) => kept.on.includes(name) && offers.some((offer) => offer.name === name);
  const askedFor = ({ name, quarters }) => (quarters && kept.turns[name] ? `${name}@${Math.min(kept.turns[name], quarters)}` : name);

  function flip(name) {
    kept.on = kept.on.includes(name) ? kept.on.filter((each) => each !== name) : [...kept.on, name];
    remember(kept);
    show();
    onChange();
  }

  function show() {
    for (const chip of row.querySelectorAll("button")) chip.setAttribute("aria-pressed", on(chip.dataset.layer));
    for (const turn of row.querySelectorAll("label")) turn.hidden = !on(turn.dataset.layer);
    legend.hidden = !offers.some(({ name }) => on(name));
  }

  function build() {
    row.replaceChildren();
    for (const { name, title, help, quarters } of offers) {
      const chip = child(row, "button", "gandash-chip", title);
      chip.type = "button";
      chip.title = help;
      chip.dataset.layer = name;
      chip.addEventListener("click", () => flip(name));
      if (!quarters) continue;
      const label = child(row, "label", "gandash-turn", "Turn");
      label.title = "Turn the plane through the noise that the grid lies on";
      label.dataset.layer = name;
      const slider = label.appendChild(document.createElement("input"));
      Object.assign(slider, { type: "range", min: 0, max: quarters, step: 0.05, value: kept.turns[name] ?? 0 });
      slider.addEventListener("input", () => {
        kept.turns[name] = Number(slider.value);
        remember(kept);
        onChange();
      });
    }
    show();
  }

  const number = (value) => String(+value.toPrecision(3)).replace("-", "−");

  return {
    on,
    offer(views) {
      const text = JSON.stringify(views);
      if (text === offered) return;
      offered = text;
      offers = views.length ? [...views, TRAILS] : [];
      root.hidden = !offers.length;
      build();
    },
    names: () => offers.filter(({ name }) => name !== TRAILS.name && on(name)).map(askedFor),
    // a plane that is being turned comes as another turn until the one that was asked for is there
    chosen(views) {
      const found = [];
      for (const offer of offers) {
        if (!on(offer.name) || !views) continue;
        const there = [...views.arrays].filter(([name]) => name.split("@")[0] === offer.name);
        const [name, parts] = there.find(([name]) => name === askedFor(offer)) ?? there[0] ?? [];
        if (parts) found.push([offer, parts, name]);
      }
      return found;
    },
    tell(found, views, look, runs = true) {
      const { epoch = 0, older = {} } = views ?? {};
      const told_ = JSON.stringify([look, epoch, older, runs, found.map(([{ name }, parts]) => [name, [...(parts.get("scale")?.values ?? [])]]), kept.on]);
      if (told_ === told) return;
      told = told_;
      const waits = !found.length && offers.some(({ name }) => name !== TRAILS.name && on(name));
      legend.style.minHeight = waits ? `${legend.offsetHeight}px` : ""; // the picture stays where it is meanwhile
      legend.replaceChildren();
      if (!found.length) {
        child(legend, "span", "", waits ? (runs ? "Looking inside …" : "Seen as soon as a run trains") : on(TRAILS.name) ? "Lines: the last frames of each point" : "");
        return;
      }
      child(legend, "b", "", `Epoch ${epoch.toLocaleString("en-US")}`);
      for (const [{ title, legend: text }, parts, name] of found) {
        const scale = parts.get("scale")?.values;
        const entry = child(legend, "span", "");
        if (older[name] !== undefined) child(entry, "b", "", `still epoch ${older[name].toLocaleString("en-US")}: `);
        if (scale) {
          child(entry, "span", "", "generated");
          child(entry, "span", "gandash-number", number(scale[0]));
          const bar = child(entry, "i", "gandash-colours");
          bar.setAttribute("role", "img");
          bar.setAttribute("aria-label", `to ${number(scale[1])}, where it can only guess, to`);
          const stops = OWN[look].surface.map(([r, g, b]) => `rgb(${r} ${g} ${b})`);
          bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
          child(entry, "span", "gandash-number", number(scale[2]));
          child(entry, "span", "", "real; ");
        }
        child(entry, "span", "", scale ? text : `${title}: ${text}`);
      }
    },
  };
}
