// A plot in the other theme's colours at once, as Plotly draws it a moment later: that takes it a tenth of a second for
// each, and the page would stand still meanwhile.

const PAINTS = ["fill", "stroke"];

// Red, green, blue and opacity of "#rrggbb" or "rgba(…)".
function partsOf(colour) {
  if (!colour.startsWith("#")) return colour.match(/[\d.]+/g).map(Number);
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).concat(1);
}

// From each colour of a theme's to the one of the same name in another: the first of those that look alike.
export function turnedInto(before, after) {
  const turned = new Map();
  for (const [name, colour] of before) {
    const look = partsOf(colour).join();
    if (!turned.has(look)) turned.set(look, partsOf(after.get(name)));
  }
  return turned;
}

// Plotly writes a colour into an element's own style, and how much of it is seen beside it.
export function recolour(plot, turned) {
  for (const { style } of plot.querySelectorAll("svg [style]")) {
    for (const paint of PAINTS) {
      const found = style[paint].match(/\d+/g);
      if (!found) continue;
      const [red, green, blue, opacity] = turned.get([...found, Number(style[`${paint}Opacity`] || 1)].join()) ?? [];
      if (red === undefined) continue;
      style[paint] = `rgb(${red}, ${green}, ${blue})`;
      style[`${paint}Opacity`] = opacity;
    }
  }
}
