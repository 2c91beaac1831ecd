// A sample beside real points, and the histograms of both axes.

import { fitted, frame, looks } from "./axes.js";
import { child } from "./elements.js";
import { floats } from "./forward.js";
import { axis, clipped, dots, star } from "./sketch.js";

export function makeSample(root) {
  const canvas = child(root, "canvas", "gandash-sample");
  canvas.setAttribute("role", "img");
  let told = null;

  function bars(context, [low, high], counts, base, size, upright, colour, filled) {
    const most = Math.max(...told.histograms.real.flat(), ...told.histograms.generated.flat(), 1e-9);
    const step = (high - low) / counts.length;
    context.beginPath();
    counts.forEach((count, i) => {
      const tall = (count / most) * size;
      const [from, to] = [low + i * step, low + (i + 1) * step];
      for (const place of [from, to]) context.lineTo(...(upright ? [base + tall, place] : [place, base - tall]));
    });
    if (filled) {
      context.lineTo(...(upright ? [base, high] : [high, base]));
      context.lineTo(...(upright ? [base, low] : [low, base]));
      context.globalAlpha = 0.35;
      context.fillStyle = colour;
      context.fill();
      context.globalAlpha = 1;
    } else {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
    }
  }

  function paint() {
    if (!told || !canvas.clientWidth) return;
    const { context, width, height } = fitted(canvas);
    context.clearRect(0, 0, width, height);
    const look = looks(canvas);
    const { scene, real, generated, histograms } = told;
    const edge = Math.min(90, width / 6); // the marginals' room
    context.save();
    context.translate(0, edge);
    const [wide, high] = [width - edge, height - edge];
    const size = scene.equal ? Array(2).fill(Math.min(wide, high)) : [wide, high];
    const box = frame(context, wide, high, look, {
      x: axis(scene.bounds[0], scene.axes[0], size[0], scene.log?.includes(0)),
      y: axis(scene.bounds[1], scene.axes[1], size[1], scene.log?.includes(1)),
      equal: scene.equal,
    });
    if (box) {
      clipped(context, box, () => {
        context.fillStyle = look.of("--star");
        context.globalAlpha = 0.6;
        for (let i = 0; i < generated.length; i += 2) star(context, box.x(generated[i]), box.y(generated[i + 1]), 4.5);
        context.globalAlpha = 1;
        dots(context, box, real, look.of("--dot"), 1.7, 0.6);
      });
      for (const [name, colour, filled] of [["real", "--dot", true], ["generated", "--star", false]]) {
        bars(context, [box.left, box.left + box.wide], histograms[name][0], box.top - 4, edge - 12, false, look.of(colour), filled);
        bars(context, [box.top + box.high, box.top], histograms[name][1], box.left + box.wide + 4, edge - 12, true, look.of(colour), filled);
      }
    }
    context.restore();
    root.dataset.shown = generated.length / 2;
  }

  const resized = new ResizeObserver(paint);
  resized.observe(canvas);
  return {
    show(data) {
      told = { scene: JSON.parse(data.scene), histograms: JSON.parse(data.histograms), real: floats(data.real), generated: floats(data.generated) };
      canvas.setAttribute("aria-label", data.label);
      paint();
    },
    end: () => resized.disconnect(),
  };
}
