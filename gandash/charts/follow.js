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

// Streamlit forgets the press of a button where another request for the script comes before that was begun, and likewise
// where a link of the page leads: who asks for the script by itself, and not for a user, does so this many ms after a
// click, and after one on a link once the other page is there, or does not come.
const QUIET_MS = 400;
const LEAVING_MS = 10000;
let clicked = -Infinity;
let leaving = null; // the path of the page that was asked for

function notice({ target }) {
  clicked = performance.now();
  const link = target.closest?.("a[href]:not([target], [download])");
  leaving = link?.origin === location.origin && link.pathname !== location.pathname ? link.pathname : null;
}

for (const kind of ["click", "change"]) addEventListener(kind, notice, true);

// For how many ms at least it is not quiet yet, 0 if it is.
export function untilQuiet() {
  const wait = [null, location.pathname].includes(leaving) ? QUIET_MS : LEAVING_MS;
  return Math.min(QUIET_MS, Math.max(0, clicked + wait - performance.now()));
}
