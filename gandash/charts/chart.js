// Hands a chart's data to what the loader brought (live.js), or leaves it there until the loader has come.
export default function (component) {
  const hub = (window.gandashCharts ??= { waiting: new Map() });
  const { parentElement } = component;
  if (hub.render) hub.render(component);
  else hub.waiting.set(parentElement, component);
  // Streamlit also calls this when newer data overtakes a script that is still loading: nothing is taken down then.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return;
      hub.waiting.delete(parentElement);
      hub.unmount?.(parentElement);
    });
}
