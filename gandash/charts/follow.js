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

// Streamlit forgets the press of a button where another request for the script comes before that was begun: who asks for
// the script by itself, and not for a user, does so this many ms after a click.
const QUIET_MS = 400;
let clicked = -Infinity;

for (const kind of ["click", "change"]) addEventListener(kind, () => (clicked = performance.now()), true);

export const untilQuiet = () => Math.max(0, clicked + QUIET_MS - performance.now());
