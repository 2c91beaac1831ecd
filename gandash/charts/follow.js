// How a page follows its run: its charts by the stream, its script where that has something else to draw.

// Watch the run that the page shows, by `watch` of the stream; what still comes of another one is no longer listened to.
// `update` is told of the chart whenever there is news in its `state`.
export function follow(watch, chart, { run, base }, update) {
  chart.feed?.close();
  chart.state = null;
  chart.feed = run
    ? watch(
        run,
        (state) => {
          if (state.run !== chart.data.run || state.kind === "missing" || !state.state) return;
          chart.state = state;
          update(chart);
        },
        { base },
      )
    : null;
}

// The script tells one element after the other of another run, over some tenths of a second. Until all of them know of it
// they stay as they were, and then turn over in one frame. Who is told only later is not seen meanwhile, and nobody waits
// for who does not `count`, as what stands further down the page.
const LONGEST_TURN = 250; // ms
const elements = new Map(); // by parent: the component it was told last, the data and run that it shows or is to, and how to
// draw those if they are not yet drawn
let shown = null; // the run on screen
let coming = null; // the run that is to be
let timer = 0;

// Draw an element of a page by `render(component)`, together with all others once it is of another run than they are.
export function together(component, render, counts = true) {
  const { data, parentElement } = component;
  const element = elements.get(parentElement) ?? { past: [] };
  elements.set(parentElement, Object.assign(element, { told: component, render, counts }));
  // told before the press that is drawn ahead
  if (element.past.some((each) => each.run === data.run && (data.run !== element.run || same(each, data)))) return;
  element.past = [];
  take(element, data);
  forgetWhatLeft();
  coming = data.run;
  const all = [...elements.values()];
  if (coming === shown || all.every((each) => each.run === coming || !each.counts)) turnOver();
  else timer ||= setTimeout(turnOver, LONGEST_TURN);
}

// Have an element draw this data at the next turn.
function take(element, data) {
  const draw = () => element.render(data === element.told.data ? element.told : { ...element.told, data });
  Object.assign(element, { data, run: data.run, draw });
}

const same = (one, other) => Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);

function forgetWhatLeft() {
  for (const parent of elements.keys()) if (!parent.isConnected) elements.delete(parent);
}

function turnOver() {
  clearTimeout(timer);
  timer = 0;
  forgetWhatLeft();
  shown = coming;
  for (const [parent, element] of elements) {
    const late = element.run !== shown;
    parent.dataset.late = late; // the style sheet hides it
    const { draw } = element;
    if (late || !draw) continue;
    element.draw = null;
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
  }
}

// What the script will say is drawn ahead of it: all elements that count turn over to their data with what `ahead(data)` has
// for them, or none does if that is null for one. Then what the script says anew is drawn, but not what it had said before
// the press, until its answer is complete.
const LOOK_MS = 50; // between two looks at the script; a page that is busy looks less often, and draws in between
const ANSWERED = 8; // looks at a script that has ended, after which nothing more comes of it
const UNASKED = 600; // looks after which none will begin that would answer
let answering = 0; // a timer

export function foresee(ahead) {
  forgetWhatLeft();
  const found = [...elements.values()].filter(({ counts }) => counts).map((element) => [element, ahead(element.data)]);
  if (!found.length || found.some(([, more]) => !more)) return;
  for (const [element, more] of found) {
    element.past.push(element.data);
    take(element, { ...element.told.data, ...more });
    coming = element.run;
  }
  turnOver();
  awaitAnswer();
}

function awaitAnswer() {
  clearInterval(answering);
  let [asked, looks] = [false, 0];
  answering = setInterval(() => {
    const ended = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
    looks += 1;
    if (!ended) [asked, looks] = [true, 0];
    if (looks > (asked ? ANSWERED : UNASKED)) settle();
  }, LOOK_MS);
}

// The script has the last word.
function settle() {
  clearInterval(answering);
  for (const element of elements.values()) {
    if (!element.past.length) continue;
    element.past = [];
    if (same(element.told.data, element.data)) continue;
    take(element, element.told.data);
    coming = element.run;
  }
  turnOver();
}

// Streamlit forgets the press of a button where another request for the script comes before that was begun, and likewise
// where a link of the page leads: who asks for the script by itself, and not for a user, does so this many ms after a
// click, and after one on a link once the other page is there, or does not come.
const QUIET_MS = 400;
const LEAVING_MS = 30000;
let clicked = -Infinity;
let leaving = null; // the path of the page that was asked for
let waited = false; // for what was under way

function notice(event) {
  clicked = performance.now();
  const link = event.target.closest?.("a[href]:not([target], [download])");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey); // opens nothing beside this page
  const other = plain && link?.origin === location.origin && link.pathname !== location.pathname;
  leaving = other ? link.pathname : null;
  if (other && event.type === "click" && !waited) leaveLast(event, link);
}

// Streamlit tells its script of a value a moment after it is set, and of another page at once: what is under way would come
// after that, from the page that was left, and bring that back. So it goes first.
function leaveLast(event, link) {
  event.preventDefault();
  event.stopImmediatePropagation();
  setTimeout(() => {
    waited = true;
    link.click();
    waited = false;
  });
}

for (const kind of ["click", "change"]) addEventListener(kind, notice, true);

// For how many ms at least it is not quiet yet, 0 if it is.
export function untilQuiet() {
  const wait = [null, location.pathname].includes(leaving) ? QUIET_MS : LEAVING_MS;
  return Math.min(QUIET_MS, Math.max(0, clicked + wait - performance.now()));
}
