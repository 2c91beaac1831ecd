// Hands what Streamlit tells an element to the module that draws it. The module comes once a page, from an address of its
// own that the browser keeps; its `render(component)` may be called again and again, its `unmount(parent)` at the end. One
// with `together` is drawn by that, when it is time.
export default function (component) {
  const { data, parentElement } = component;
  const modules = (window.gandashModules ??= new Map());
  if (!modules.has(data.script)) {
    const entry = { module: null };
    entry.coming = import(new URL(data.script, location.href)).then((module) => (entry.module = module));
    modules.set(data.script, entry);
  }
  const entry = modules.get(data.script);
  parentElement.gandashNewest = component; // of what comes before the module only the newest counts
  const draw = ({ render, together }) => (together ? together(component, render) : render(component));
  if (entry.module) draw(entry.module);
  else entry.coming.then((module) => parentElement.gandashNewest === component && draw(module));
  // Streamlit also calls this when newer data overtakes a script that is still loading: nothing is taken down then.
  return () => setTimeout(() => parentElement.isConnected || entry.module?.unmount(parentElement));
}
