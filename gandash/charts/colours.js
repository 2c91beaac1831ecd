// Light or dark, as the page is now, and what colours its style gives the names that scenes have for them (`palettes.py`).

const root = document.documentElement;
const COLOUR = /(colou?r|faint)$/i; // what in a scene is one
const NAME = /^var\((--[\w-]+)\)$/;

// Both themes' colours by their names, out of the sheet itself: the browser would have to work out the style of the whole
// page to say them.
const named = ({ style }) => new Map([...style].map((name) => [name, style.getPropertyValue(name).trim()]));
const [light, dark] = [...document.getElementById("gandash-colours").sheet.cssRules].map(named);

export const theme = () => root.dataset.theme ?? "light";

export const colours = (look = theme()) => (look === "dark" ? dark : light);

// A scene from its text, in the colours of now.
export function sceneOf(text) {
  const found = (value) => value.replace(NAME, (_, name) => colours().get(name));
  return JSON.parse(text, (key, value) => (typeof value === "string" && COLOUR.test(key) ? found(value) : value));
}

// Have this called in the frame in which the page turns from light to dark, or back (`theme.js` of the pages), with the
// colours that it had.
export const onTurn = (turn) => addEventListener("gandash-theme", () => turn(colours(theme() === "dark" ? "light" : "dark")));
