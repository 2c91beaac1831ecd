// The cloud of generated points, which moves many times a second, on a canvas of its own below Plotly's picture. Plotly's
// own stars stay where they are and are not seen, but while the mouse is down, when Plotly moves them itself: a thousand
// of them take most of a frame's time to paint, the canvas a few milliseconds. It rules the grid as well, which would
// otherwise lie over the stars. Plotly's record of the points is kept in step, so that zoom, hover and the picture
// download know what is on screen.

const FAR = 1e5; // pixels

export function makeSky(element) {
  const canvas = document.createElement("canvas");
  canvas.className = "gandash-sky";
  element.before(canvas); // above what else lies under the points
  return { canvas, element, sprite: null, held: false };
}

const starsOf = (element, trace) => element.querySelectorAll(`.trace${trace.uid} path.point`);

// Tell Plotly where its last trace's points are. False if it has another number of them (some are not finite, say).
export function record(element, points) {
  const trace = element._fullData?.at(-1);
  const known = element.calcdata?.at(-1);
  const n = points.x.length;
  if (trace?.visible !== "legendonly") {
    if (!known || !trace || known.length !== n || starsOf(element, trace).length !== n) return false;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(points.x[i] + points.y[i])) return false;
      known[i].x = points.x[i];
      known[i].y = points.y[i];
    }
    Object.assign(trace, points);
  }
  Object.assign(element.data.at(-1), points);
  return true;
}

const pixel = (value) => Math.max(-FAR, Math.min(FAR, value)).toFixed(1);

// Let Plotly's own grid and stars be seen instead, the stars where the points are.
export function hold(sky, points) {
  const { element } = sky;
  const trace = element._fullData?.at(-1);
  if (!trace) return;
  const stars = starsOf(element, trace);
  if (points && stars.length !== points.x.length) return;
  const { xaxis, yaxis } = element._fullLayout;
  stars.forEach((star, i) => {
    star.setAttribute("transform", `translate(${pixel(xaxis.c2p(points.x[i]))},${pixel(yaxis.c2p(points.y[i]))})`);
  });
  sky.held = true;
  paint(sky, points);
}

// One star, as Plotly draws it, to be copied.
function spriteOf(sky, trace, star, ratio) {
  const shape = star.getAttribute("d");
  const { color, size } = trace.marker;
  const look = [shape, color, ratio].join();
  if (sky.sprite?.look === look) return sky.sprite;
  const radius = Math.ceil(size);
  const image = document.createElement("canvas");
  image.width = image.height = 2 * radius * ratio;
  const pen = image.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, radius * ratio, radius * ratio);
  pen.fillStyle = color;
  pen.fill(new Path2D(shape));
  return (sky.sprite = { look, image, radius });
}

// Plotly's grid, which is not seen, below the stars; while Plotly drags it, it is seen itself.
function rule(pen, { element, held }, width, height) {
  const { xaxis, yaxis } = element._fullLayout;
  for (const grid of element.querySelectorAll(".gridlayer")) grid.style.visibility = held ? "" : "hidden";
  if (held) return;
  const ratio = devicePixelRatio;
  const line = Math.max(1, Math.round(ratio));
  const place = (axis, tick) => Math.round(axis.l2p(tick.x) * ratio);
  pen.fillStyle = xaxis.gridcolor;
  for (const tick of xaxis._gridVals ?? []) pen.fillRect(place(xaxis, tick), 0, line, height);
  pen.fillStyle = yaxis.gridcolor;
  for (const tick of yaxis._gridVals ?? []) pen.fillRect(0, place(yaxis, tick), width, line);
}

// Draw the points, or none, where the axes are now.
export function paint(sky, points) {
  const { canvas, element, held } = sky;
  const trace = element._fullData?.at(-1);
  if (!trace) return;
  const { xaxis, yaxis } = element._fullLayout;
  const ratio = devicePixelRatio;
  const [width, height] = [xaxis, yaxis].map((axis) => Math.round(axis._length * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const place = { left: xaxis._offset, top: yaxis._offset, width: width / ratio, height: height / ratio };
  for (const [name, value] of Object.entries(place)) canvas.style[name] = `${value}px`;
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  rule(pen, sky, width, height);
  const group = element.querySelector(`.trace${trace.uid} .points`);
  const star = group?.querySelector("path.point");
  if (!star || !points || trace.visible !== true) return;
  group.style.visibility = held ? "" : "hidden";
  if (held) return;
  const { image, radius } = spriteOf(sky, trace, star, ratio);
  for (let i = 0; i < points.x.length; i++) {
    const x = xaxis.c2p(points.x[i]);
    const y = yaxis.c2p(points.y[i]);
    if (x > -radius && x < place.width + radius && y > -radius && y < place.height + radius)
      pen.drawImage(image, (x - radius) * ratio, (y - radius) * ratio);
  }
}

// What a phase did, over the picture, where the axes are now; null clears it. `look` is what of its look the page knows.
export function paintPhase(element, canvas, phase, draw, look) {
  const { xaxis, yaxis } = element._fullLayout;
  const ratio = devicePixelRatio;
  const [width, height] = [xaxis._length, yaxis._length];
  Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const place = { left: xaxis._offset, top: yaxis._offset, width, height };
  for (const [name, value] of Object.entries(place)) canvas.style[name] = `${value}px`;
  Object.assign(canvas.dataset, { phase: phase?.loss ?? "", wanted: (phase?.wanted.length ?? 0) / 4 });
  if (!phase) return;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(element);
  const [real, generated, ground] = ["--real", "--generated", "--st-background-color"].map((name) => style.getPropertyValue(name));
  const box = { left: 0, top: 0, wide: width, high: height, x: (value) => xaxis.c2p(value), y: (value) => yaxis.c2p(value) };
  draw(pen, phase, box, { real, generated, ground, ...look });
}
