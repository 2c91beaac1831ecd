// Light or dark, as the page is now, and what colours its style gives the names that scenes have for them (`palettes.py`).

const root = document.documentElement;
const COLOUR = /(colou?r|faint)$/i; // what in a scene is one
const NAME = /^var\((--[\w-]+)\)$/;

export const theme = () => root.dataset.theme ?? "light";

// A scene from its text, in the colours of now.
export function sceneOf(text) {
  const style = getComputedStyle(root);
  const found = (value) => value.replace(NAME, (_, name) => style.getPropertyValue(name).trim());
  return JSON.parse(text, (key, value) => (typeof value === "string" && COLOUR.test(key) ? found(value) : value));
}

// Have this called in the frame in which the page turns from light to dark, or back (`theme.js` of the pages).
export const onTurn = (turn) => addEventListener("gandash-theme", turn);
