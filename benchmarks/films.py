"""Record the films that the picture shows before there is a run: each built-in shape as its best preset learns it.

    python -m benchmarks.films

writes one small file a shape to ``gandash/charts/films``, whose format `gandash.charts.films` describes. A changed
preset or shape is a reason to record anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.common import in_processes
from gandash.charts import films
from gandash.core.presets import best
from gandash.core.targets.shapes import SHAPES
from gandash.core.trainer import Trainer

FRAMES = 40
SEED = 0


def record(name: str) -> tuple[str, bytes]:
    """A shape's film, its frames denser at the beginning, where most happens."""
    config = best(name).model_copy(update={"seed": SEED, "device": "cpu", "evaluate_every": 1000})
    trainer = Trainer(config)
    epochs = sorted({round(config.epochs * (frame / (FRAMES - 1)) ** 2) for frame in range(FRAMES)})
    frames = []
    for epoch in epochs:
        trainer.advance(epochs=epoch - trainer.epoch)
        frames.append(trainer.sample(films.POINTS, 0, trainer.shown))
    return name, films.write(epochs, np.stack(frames), SHAPES[name].canvas.bounds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Record all films, or those of the shapes that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.films", description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help="shapes to record; default: all")
    parser.add_argument("--workers", type=int, default=2, help="runs at once (default 2)")
    options = parser.parse_args(arguments)
    films.FOLDER.mkdir(exist_ok=True)
    for name, film in in_processes(record, [(name,) for name in options.shapes or SHAPES], options.workers):
        (films.FOLDER / f"{name}{films.ENDING}").write_bytes(film)
        print(f"{name}: {len(film):,} bytes")


if __name__ == "__main__":
    main()
