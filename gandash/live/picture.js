// The picture of a run on a canvas: real points as dots, generated ones as stars that glide from frame to frame.
//
// As on the Train page, the axes are in one of three views: "home", the target's own; "fit", everything there is; or
// "own", what the user made of them. A redraw copies two finished layers, the axes and the dots, and a thousand times
// the same star.

import { axisTicks, fitted, frame, looks } from "./axes.js";
import { sayUnseen } from "./elements.js";
import { glider } from "./glide.js";
import { countOutside, fittedRanges, outside, outsideText, scaled } from "./points.js";
import { drawDots, drawStars, star } from "./symbols.js";

const MOST_REDRAWS = 30; // of a moving cloud, a second
const USUAL = 12; // pixels of the text at which symbols and ticks have the sizes below
const DOT = 1.75; // pixels, radius
const STAR = 6.2; // pixels, outer radius
const TICK_PIXELS = 75; // for each tick
const NOTE_PIXELS = 34; // that the note above the picture takes
const VISIT_MS = 140; // in which points get to where they were at a past epoch
const REST_MS = 80; // in which they come to rest
const PAN = 0.1; // of the span, at each press of a key
const ZOOM = 0.8; // of the span, likewise
const KEYS = { ArrowLeft: [1, -PAN, 0], ArrowRight: [1, PAN, 0], ArrowUp: [1, 0, PAN], ArrowDown: [1, 0, -PAN] };
Object.assign(KEYS, { "+": [ZOOM, 0, 0], "=": [ZOOM, 0, 0], "-": [1 / ZOOM, 0, 0] });

const calm = matchMedia("(prefers-reduced-motion: reduce)");

// A canvas of the same size as another, with the same scale.
function layer(canvas, scale) {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

// Draw into a canvas; `note` is `{ root, text, fit, back }`, the elements that say what is not shown.
export function picture(canvas, note) {
  let scene = null;
  let real = null;
  let phase = null;
  let mark = null; // draws it, once there is one
  let cloud = glider();
  let view = "home";
  let own = null;
  let under = null; // axes, drawn for the box below
  let middle = null; // what can be seen inside the run
  let over = null; // dots
  let inside = null; // what draws it, and its switches, once there are any
  let steps = null;
  let past = null;
  const kept = {}; // of it
  let stepped = null; // what the middle shows: of which moment, and how many frames
  let sprite = null;
  let box = null;
  let scale = 1;
  let request = 0;
  let drawnAt = -Infinity;
  let slept = false;
  let visiting = null; // the frame of a past epoch that is shown instead of the newest
  let visitedViews = null; // what is seen inside the run there

  const theme = () => (getComputedStyle(canvas).colorScheme.includes("dark") ? "dark" : "light");
  const home = () => ({ x: scene.bounds[0], y: scene.bounds[1] });

  function ranges() {
    if (view === "own") return own;
    return view === "fit" ? fittedRanges(home(), [real, cloud.points].filter(Boolean), scene.equal) : home();
  }

  function layers() {
    const size = fitted(canvas);
    scale = size.scale;
    const look = looks(canvas);
    const { x, y } = ranges();
    const times = look.size / USUAL;
    const axis = (place, range, pixels) => {
      const log = Boolean(scene.log?.includes(place));
      return { range, title: scene.axes[place], ticks: axisTicks(range, pixels / (TICK_PIXELS * times), log) };
    };
    const [wide, high] = scene.equal ? Array(2).fill(Math.min(size.width, size.height)) : [size.width, size.height];
    under = layer(canvas, scale);
    box = frame(under, size.width, size.height, look, {
      x: axis(0, x, wide),
      y: axis(1, y, high),
      equal: scene.equal,
    });
    if (!box) return;
    stepped = null;
    sprite = star(STAR * times, look.of("--star"), scale);
    over = layer(canvas, scale);
    over.fillStyle = look.of("--dot");
    clip(over);
    if (real) drawDots(over, real, box, DOT * times);
  }

  // Draw what is on under the points, where that is another picture than the last one.
  function seeInside() {
    if (!inside) return;
    const { switched, paintLayers } = inside;
    if (cloud.points && cloud.points === cloud.arrived) past.add(cloud.points);
    const views = visiting ? visitedViews : steps.at(cloud.at, cloud.moving());
    const found = switched.chosen(views);
    const trails = switched.on("trails") ? past.frames : [];
    const step = [views, trails.at(-1), ...found.map(([, parts]) => parts)];
    if (stepped?.length === step.length && step.every((part, i) => part === stepped[i])) return;
    stepped = step;
    const look = theme();
    switched.tell(found, views, look);
    canvas.dataset.layers = found.map(([, , name]) => name).join(" ");
    if (found.length) canvas.dataset.layersEpoch = views.epoch;
    else delete canvas.dataset.layersEpoch;
    middle = found.length || trails.length ? layer(canvas, scale) : null;
    if (middle) paintLayers(middle, box, { views: found.map(([, parts]) => parts), trails, bounds: scene.bounds, look }, kept);
  }

  function clip(context) {
    context.beginPath();
    context.rect(box.left, box.top, box.wide, box.high);
    context.clip();
  }

  function draw(now) {
    request = 0;
    if (!scene || !canvas.clientWidth || document.hidden) return;
    if (cloud.moving() && now - drawnAt < 1000 / MOST_REDRAWS - 4) return ask();
    drawnAt = now;
    cloud.move(now);
    if (!under) layers();
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!box) return;
    seeInside();
    if (middle) context.drawImage(middle.canvas, 0, 0);
    context.drawImage(under.canvas, 0, 0);
    if (cloud.points) {
      context.save();
      context.setTransform(scale, 0, 0, scale, 0, 0);
      clip(context);
      context.setTransform(1, 0, 0, 1, 0, 0);
      drawStars(context, cloud.points, box, sprite, scale);
      context.restore();
    }
    context.drawImage(over.canvas, 0, 0);
    if (phase && mark) {
      context.save();
      context.setTransform(scale, 0, 0, scale, 0, 0);
      clip(context);
      const { of } = looks(canvas);
      const [real, generated, ground] = ["--real", "--generated", "--ground"].map(of);
      mark(context, phase, box, { real, generated, ground, theme: theme(), bounds: scene.bounds });
      context.restore();
    }
    canvas.dataset.phase = phase?.loss ?? "";
    canvas.dataset.draws = Number(canvas.dataset.draws ?? 0) + 1;
    if (cloud.epoch !== null) canvas.dataset.epoch = cloud.epoch;
    tell();
    if (cloud.moving()) ask();
  }

  function ask() {
    request ||= requestAnimationFrame(draw);
  }

  function redraw() {
    under = null;
    ask();
  }

  // Say what the picture does not show, and offer to show it.
  function tell() {
    const { x, y } = ranges();
    const found = cloud.points ? outside(cloud.points, x, y) : null;
    const text = found ? outsideText(found) : "";
    const more = found !== null && countOutside(found) > 0;
    const top = Math.max(box.top - NOTE_PIXELS, 0); // where there is room, on none of the points
    sayUnseen(note, { text, more, home: view === "home", picture: canvas, left: box.left, top });
  }

  function look(next, ranges = null) {
    if (!scene) return;
    [view, own] = [next, ranges];
    canvas.dataset.view = view;
    redraw();
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !scene) return;
    if (event.key === "0") look("home");
    else if (event.key === "f") look("fit");
    else if (KEYS[event.key]) {
      const [times, right, up] = KEYS[event.key];
      const { x, y } = ranges();
      look("own", { x: scaled(x, times, right), y: scaled(y, times, up) });
    } else return;
    event.preventDefault();
  });
  canvas.addEventListener("dblclick", () => look(view === "home" ? "fit" : "home"));
  note.fit.addEventListener("click", () => look("fit"));
  note.back.addEventListener("click", () => look("home"));
  new ResizeObserver(redraw).observe(canvas);
  document.addEventListener("visibilitychange", () => {
    slept ||= document.hidden;
    redraw();
  });

  return {
    redraw,

    // Another run, shape or scale: nothing of the last one stays. Without a scene the picture is empty.
    begin(next) {
      scene = next;
      real = null;
      cloud = glider();
      [steps, past, stepped, middle] = [inside?.inStep(), inside?.trail(), null, null];
      visiting = null;
      [view, own] = ["home", null];
      canvas.dataset.view = view;
      delete canvas.dataset.epoch;
      note.root.hidden = true;
      if (!scene) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      redraw();
    },

    // Draw what can be seen inside the run as well: `tools` are the module `switches.js`, and `switched` what it made.
    lookInside(tools, switched) {
      inside = { ...tools, switched };
      [steps, past] = [inside.inStep(), inside.trail()];
    },

    see(views) {
      if (!inside) return;
      steps.take(views);
      stepped = null;
      ask();
    },

    // The real points, and of the frames the newest, or a `visited` one of the past with the `views` of it; `played` is
    // what the newest phase did that was played by itself. Of a run that `rests` nothing more comes soon.
    show(dots, frames, { played = null, visited = null, views = null, rests = false } = {}) {
      phase = visited ? null : played;
      if (phase && !mark) import("./phase.js").then((module) => {
          mark = module.mark;
          ask();
        });
      // a server that lost the newest state goes on from an older one
      if (cloud.points && !(frames.at(-1)?.at >= cloud.seen)) cloud = glider();
      if (dots && dots !== real) {
        real = dots;
        under = null;
      }
      const jump = calm.matches || slept || document.hidden;
      const shown = visited ?? (visiting ? frames.at(-1) : null);
      if (shown && shown !== visiting) {
        cloud.seen = frames.at(-1)?.at ?? cloud.seen;
        cloud.hurry(shown, performance.now(), jump, VISIT_MS);
      } else if (!visited) cloud.take(frames, performance.now(), jump, rests ? REST_MS : 0);
      if (visiting !== visited) past?.forget();
      [visiting, visitedViews] = [visited, views];
      slept = document.hidden;
      if (view === "fit") under = null; // everything there is may have become more
      ask();
    },
  };
}
