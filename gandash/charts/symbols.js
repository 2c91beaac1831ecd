// How points `{ x, y }` look on a canvas: real ones as dots, generated ones as stars, which are copies of one finished star.
// `x` and `y` take a value to its pixel; points that are not finite are drawn nowhere.

const NOTCH = 0.382; // of a star's radius, as Plotly has it

// A star to be copied, in pixels of the device.
export function star(radius, colour, scale) {
  const sprite = document.createElement("canvas");
  const half = Math.ceil(radius * scale) + 1;
  sprite.width = sprite.height = 2 * half;
  const pen = sprite.getContext("2d");
  pen.translate(half, half);
  pen.fillStyle = colour;
  pen.beginPath();
  for (let i = 0; i < 10; i++) {
    const [length, angle] = [radius * scale * (i % 2 ? NOTCH : 1), (Math.PI * i) / 5];
    pen.lineTo(length * Math.sin(angle), -length * Math.cos(angle));
  }
  pen.fill();
  return sprite;
}

// Copy a star to all points on the canvas, whose context has no scale of its own.
export function drawStars(pen, points, { x, y }, sprite, scale) {
  const [{ width, height }, size] = [pen.canvas, sprite.width];
  for (let i = 0; i < points.x.length; i++) {
    const [across, down] = [x(points.x[i]) * scale - size / 2, y(points.y[i]) * scale - size / 2];
    if (across > -size && across < width && down > -size && down < height) pen.drawImage(sprite, across, down);
  }
}

// Each by itself: where they lie on each other they are darker.
export function drawDots(pen, points, { x, y }, radius) {
  for (let i = 0; i < points.x.length; i++) {
    pen.beginPath();
    pen.arc(x(points.x[i]), y(points.y[i]), radius, 0, 2 * Math.PI);
    pen.fill();
  }
}
