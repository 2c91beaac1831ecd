// Lines of equal value on a grid: marching squares (Lorensen & Cline 1987, in two dimensions). No page.

// For each of the sixteen ways in which the corners of a square can lie above the level (1 lower left, 2 lower right,
// 4 upper right, 8 upper left), the pairs of sides that a line joins: 0 lower, 1 right, 2 upper, 3 left. The two ways
// that can be joined either way (5 and 10) are settled by the square's middle.
const SIDES = [[], [3, 0], [0, 1], [3, 1], [1, 2], null, [0, 2], [3, 2], [2, 3], [2, 0], null, [2, 1], [1, 3], [1, 0], [0, 3], []];

// The line of one level through `values`, rows of `columns` numbers: a flat array of segments x1, y1, x2, y2, where the
// number in row i and column j lies at (j, i).
export function contour(values, columns, level) {
  const rows = values.length / columns;
  const segments = [];
  const share = (a, b) => (level - a) / (b - a);
  for (let i = 0; i + 1 < rows; i++) {
    for (let j = 0; j + 1 < columns; j++) {
      const a = values[i * columns + j];
      const b = values[i * columns + j + 1];
      const c = values[(i + 1) * columns + j + 1];
      const d = values[(i + 1) * columns + j];
      const way = (a > level) + 2 * (b > level) + 4 * (c > level) + 8 * (d > level);
      if (way === 0 || way === 15) continue;
      const point = (side) => {
        if (side === 0) segments.push(j + share(a, b), i);
        else if (side === 1) segments.push(j + 1, i + share(b, c));
        else if (side === 2) segments.push(j + share(d, c), i + 1);
        else segments.push(j, i + share(a, d));
      };
      let sides = SIDES[way];
      if (sides === null) {
        const joined = (a + b + c + d) / 4 > level;
        sides = (way === 5) === joined ? [3, 2, 0, 1] : [3, 0, 1, 2];
      }
      sides.forEach(point);
    }
  }
  return segments;
}
