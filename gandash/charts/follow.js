// How a chart of the Train page follows its run.

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
