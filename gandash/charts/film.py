"""A run as a film to take home: a GIF, one HTML file that plays without a network, pictures in a zip.

What a film shows are frames, points of one target at some epochs, in whatever way they were kept; nothing here knows a
run. The HTML file carries the scripts that draw a run for viewers (`gandash/live/picture.js`, `board.js`), so it looks
the same, and its points as 16-bit numbers.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gandash.charts.palettes import Theme
from gandash.charts.picture import easel, png
from gandash.core.targets import Target, TargetSpec
from gandash.core.targets.target import Points

FILM_SIZE = (560, 420)
"""Pixels of a GIF."""
PICTURE_SCALE = 2.0
"""Of a picture that is saved, on a screen's usual one."""
SECONDS = 12.0
"""How long a film takes, if that is between 25 and 5 frames a second."""
LAST_SECONDS = 2.0
EVERY = 25
"""The textbook saves the picture of every so many-th epoch."""
REAL_POINTS = 1000
"""How many real points a film in HTML shows."""

_REACH = 3.0
"""How far beyond the picture points are told apart, in its spans; what is farther is put there."""
_LEVELS = 65_534
_NOWHERE = 65_535
"""Stands for what is not finite."""

_HERE = Path(__file__).parent
_LIVE = _HERE.parent / "live"
_SCRIPTS = (
    *(_HERE / name for name in ("film.js", "board.js", "elements.js", "follow.js", "points.js", "symbols.js")),
    *(_LIVE / name for name in ("picture.js", "axes.js", "glide.js", "moment.js", "stream.js")),
)
_STYLES = (_LIVE / "watch.css", _HERE / "board.css", _HERE / "timeline.css")
_IMPORT = re.compile(r"""(\bfrom\s*["'])\./([\w-]+)\.js(["'])""")


@dataclass(frozen=True)
class Moment:
    """Generated points (n, dim), or as the canvas projects them, at the end of an epoch, and what is said of them."""

    epoch: int
    points: Points
    words: str = ""


@dataclass(frozen=True)
class Film:
    """Moments of one training, oldest first, with some real points (n, dim) and the run's own name, if it has one."""

    spec: TargetSpec
    moments: tuple[Moment, ...]
    real: Points | None = None
    name: str = ""

    @property
    def title(self) -> str:
        """What stands above it."""
        return " · ".join(filter(None, (self.spec.build().title, self.name)))


def gif(film: Film, theme: Theme = "light") -> bytes:
    """All moments as an animated GIF that plays for ever and rests at the last one; `ValueError` without any."""
    drawn = [image for _, image in _images(_some(film), theme, FILM_SIZE, 1.0)]
    colours = drawn[-1].quantize(255, dither=Image.Dither.NONE)
    frames = [image.quantize(palette=colours, dither=Image.Dither.NONE) for image in drawn]
    milliseconds = round(1000 * min(max(SECONDS / len(frames), 0.04), 0.2) / 10) * 10
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[*[milliseconds] * (len(frames) - 1), round(1000 * LAST_SECONDS)],
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def pictures(film: Film, theme: Theme = "light") -> bytes:
    """The picture of each moment as p25.png, p50.png, … by their epochs, in a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for epoch, data in each_picture(film, theme):
            archive.writestr(zipfile.ZipInfo(f"p{epoch}.png", (2026, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def each_picture(film: Film, theme: Theme = "light") -> Iterable[tuple[int, bytes]]:
    """The epoch and the PNG of each moment."""
    return ((moment.epoch, png(image)) for moment, image in _images(_some(film), theme, None, PICTURE_SCALE))


def picture_of(film: Film, theme: Theme = "light") -> bytes:
    """The PNG of a film's last moment."""
    return next(iter(each_picture(Film(film.spec, _some(film).moments[-1:], film.real, film.name), theme)))[1]


def every(epochs: Sequence[int], last: int, step: int = EVERY) -> list[int]:
    """Of the epochs that are kept, those nearest to every so many-th one up to the last, each once.

    One that is farther than half a step from all of these is left out.

    >>> every(range(0, 121), 120), every(range(0, 401, 8), 100)
    ([25, 50, 75, 100], [24, 48, 72, 96])
    """
    found = []
    for goal in range(step, last + 1, step):
        nearest = min(epochs, key=lambda epoch: (abs(epoch - goal), epoch), default=None)
        if nearest is not None and nearest > 0 and 2 * abs(nearest - goal) <= step and nearest not in found:
            found.append(nearest)
    return found


def html(film: Film) -> bytes:
    """The film as one HTML file that asks no network for anything: points, timeline, light and dark."""
    target, moments = film.spec.build(), _some(film).moments
    shown = [np.asarray(target.canvas.project(moment.points), np.float64) for moment in moments]
    real: list[NDArray[np.float64]] = []
    if film.real is not None and not target.numbers:
        real = [np.asarray(target.canvas.project(film.real[:REAL_POINTS]), np.float64)]
    ranges = _ranges(target, [*shown, *real])
    data = {
        "scene": {
            "title": film.title,
            **target.canvas.scene(),
            **({"numbers": target.numbers} if target.numbers else {}),
        },
        "ranges": ranges,
        "seconds": min(max(SECONDS / len(moments), 0.04), 0.2),
        "real": _packed(real[0], ranges) if real else None,
        "frames": [
            {"epoch": moment.epoch, "words": moment.words, "points": _packed(points, ranges)}
            for moment, points in zip(moments, shown, strict=True)
        ],
    }
    words = {
        "title": escape(film.title),
        "style": "\n".join(path.read_text(encoding="utf-8") for path in _STYLES),
        "imports": json.dumps({"imports": _imports()}),
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
    }
    return Template((_HERE / "film.html").read_text(encoding="utf-8")).substitute(words).encode()


def _some(film: Film) -> Film:
    if not film.moments:
        raise ValueError("Nothing of the run is kept yet: train some epochs first.")
    return film


def _images(
    film: Film, theme: Theme, size: tuple[int, int] | None, scale: float
) -> Iterable[tuple[Moment, Image.Image]]:
    sized = {} if size is None else {"size": size}
    paper = easel(film.spec.build(), film.real, theme=theme, scale=scale, **sized)
    for moment in film.moments:
        yield moment, paper.image(moment.points, title=film.title, note=f"epoch {moment.epoch:,}")


def _imports() -> Mapping[str, str]:
    """Each script under a name of its own, as an address that holds it: what comes from a file may load no other."""
    found = {}
    for path in _SCRIPTS:
        text = _IMPORT.sub(r"\1gandash/\2\3", path.read_text(encoding="utf-8"))
        found[f"gandash/{path.stem}"] = f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"
    return found


def _ranges(target: Target, clouds: Iterable[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """From where to where the 16-bit numbers of each axis reach: over all points, but not far beyond the picture."""
    everything = np.concatenate([*clouds])
    ranges = []
    for axis, (low, high) in enumerate(target.canvas.bounds):
        margin = _REACH * (high - low)
        values = everything[:, axis][np.isfinite(everything[:, axis])]
        reached = np.clip([*values, low, high], low - margin, high + margin)
        ranges.append((float(reached.min()), float(reached.max())))
    return ranges


def _packed(points: NDArray[np.float64], ranges: Sequence[tuple[float, float]]) -> str:
    """Points (n, 2) as base64 of little-endian uint16, all x and then all y."""
    columns = []
    for axis, (low, high) in enumerate(ranges):
        values = points[:, axis]
        finite = np.isfinite(points).all(axis=1)
        share = np.clip((np.where(finite, values, low) - low) / (high - low), 0, 1)
        columns.append(np.where(finite, np.round(share * _LEVELS), _NOWHERE))
    return base64.b64encode(np.concatenate(columns).astype("<u2").tobytes()).decode()
