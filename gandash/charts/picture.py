"""Pictures of points without a browser, as images or PNG: what the dashboard's charts show, in both themes.

`picture` draws one moment, `thumbnail` a small one without axes. A film prepares its `easel` once, on which all that
stays is drawn already: a frame then costs some milliseconds. Real points are faint red dots and generated ones green
stars on the target's own axes; a pattern of numbers is the board of ten by ten. What does not lie on the picture is
counted in words on it. Drawn by Pillow, which comes with Streamlit, and in Streamlit's typeface.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gandash.charts.figures import SMALL, THUMBNAIL_POINTS
from gandash.charts.palettes import MISFIT, PALETTES, Palette, Theme
from gandash.charts.ticks import log_ticks, tick_text, ticks
from gandash.core.problems import one_line
from gandash.core.targets import Target
from gandash.core.targets.target import Points

Size = tuple[int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""
Places = NDArray[np.float64]

SIZE: Size = (720, 540)
SMALLEST, LARGEST = 160, 4096
"""Pixels of a side of a picture."""
REAL_POINTS = 512
"""Of the target, where no real points are given."""
MOST_POINTS = 20_000
"""Generated ones that are drawn; of more the first ones are, and the legend says so."""
THUMBNAIL = 96
SMALLEST_THUMBNAIL, LARGEST_THUMBNAIL = 16, 512

_DOT, _STAR = 1.75, 6.2
"""Radii, in pixels at a scale of 1."""
_THUMBNAIL_DOT, _THUMBNAIL_STAR = 1.1, 2.9
_TITLE = 13
_PAD = 10
_LINE = 17
_GAP = 6
_TICK = 75
"""Pixels between the ticks of an axis, at least."""
_SHARP = 4
"""Letters are drawn so many times larger and reduced."""
_FINE = 4
"""A symbol's place is kept to a quarter of a pixel, or small steps of a film would jump."""
_NARROW = 460
"""Pixels of width below which title and legend have a line each."""
_SIDE = 10
_TIMES = 2
"""A full square of the board is so many times the real share."""
_SLIVER = 0.06
"""Of a square, at least, for a number that is generated at all."""
_BAR = 0.35
"""Opacity of a bar on the board."""
_LONGEST = 300


class Easel(Protocol):
    """A picture without its generated points, to be drawn on again and again."""

    def image(self, points: Points | None, *, title: str = "", note: str = "") -> Image.Image:
        """The picture with generated points ``(n, dim)``, or as the canvas projects them, ``(n, 2)``; None draws none.

        Its heading is `title`, by default the target's, and after it `note`, such as "epoch 25".
        """


def picture(
    points: Points | None,
    target: Target,
    *,
    real: Points | None = None,
    title: str = "",
    note: str = "",
    theme: Theme = "light",
    size: Size = SIZE,
    scale: float = 1.0,
) -> bytes:
    """A PNG of generated points ``(n, dim)`` over real ones; see `easel` and `Easel.image` for what is given.

    Raises `ValueError` for points of another shape and for sizes that no picture has.
    """
    return png(easel(target, real, theme=theme, size=size, scale=scale).image(points, title=title, note=note))


def easel(
    target: Target,
    real: Points | None = None,
    *,
    theme: Theme = "light",
    size: Size = SIZE,
    scale: float = 1.0,
) -> Easel:
    """What a picture of this target has apart from its generated points.

    `real` points ``(n, dim)`` are by default some of the target's, the same each time; those of a run are its own.
    `size`, width and height, is in pixels; of a screen with `scale` pixels to each, everything is so much larger.
    Raises `ValueError` for sizes that no picture has.
    """
    width, height = (round(side * scale) for side in _checked(size, scale))
    look = _Look(PALETTES[theme], scale)
    paper = Image.new("RGB", (width, height), look.palette.background)
    return _Board(target, look, paper) if target.numbers else _Plane(target, real, look, paper)


def thumbnail(
    points: Points | None,
    target: Target,
    *,
    real: Points | None = None,
    theme: Theme = "light",
    pixels: int = THUMBNAIL,
) -> bytes:
    """A small square PNG without axes of generated points ``(n, dim)`` over real ones, `pixels` wide and high.

    Of many points only some are drawn. Raises `ValueError` as `picture` does.
    """
    if not SMALLEST_THUMBNAIL <= pixels <= LARGEST_THUMBNAIL:
        raise ValueError(
            f"A thumbnail of {pixels} pixels was asked for; it has {SMALLEST_THUMBNAIL} to {LARGEST_THUMBNAIL}."
        )
    scale = pixels / THUMBNAIL
    look = _Look(PALETTES[theme], scale)
    paper = Image.new("RGB", (pixels, pixels), look.palette.background)
    if target.numbers:
        _draw_squares(paper, target, _counted(target, points), look, (0, 0), pixels / _SIDE)
        return png(paper)
    box = _inside(target, (round(2 * scale), round(2 * scale), pixels - round(2 * scale), pixels - round(2 * scale)))
    axes = _Axes(target, box)
    if real is None:
        real = target.shown(THUMBNAIL_POINTS, np.random.default_rng(0))
    palette = look.palette
    _stamp(paper, axes.pixels(_thinned(real)), _Symbol("dot", _THUMBNAIL_DOT * scale), palette.real, 0.55)
    if points is not None:
        places = axes.pixels(_thinned(points))
        _stamp(paper, places, _Symbol("star", _THUMBNAIL_STAR * scale), palette.generated, 0.9)
    return png(paper)


def png(image: Image.Image) -> bytes:
    """An image as the bytes of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _checked(size: Size, scale: float) -> Size:
    if not 0.25 <= scale <= 8:
        raise ValueError(f"The scale {scale:g} was given; a picture's is from 0.25 to 8.")
    for side in size:
        if not side >= SMALLEST or side * scale > LARGEST:
            raise ValueError(
                f"A picture of {size[0]} x {size[1]} pixels with scale {scale:g} was asked for; each side has at least "
                f"{SMALLEST}, and {LARGEST:,} at most once it is scaled."
            )
    return size


# ------------------------------------------------------------------------------------------------------------- looks


@dataclass(frozen=True)
class _Look:
    """A theme's colours at a scale."""

    palette: Palette
    scale: float

    def px(self, length: float) -> int:
        return round(length * self.scale)

    def letters(self, size: float = SMALL, *, bold: bool = False) -> _Letters:
        return _Letters(max(size * self.scale, 6), bold)


@dataclass(frozen=True)
class _Letters:
    """The dashboard's typeface in a size. Letters are drawn larger and reduced, or they would stand on whole pixels."""

    size: float
    bold: bool

    def width(self, text: str) -> float:
        return _font(self.size * _SHARP, self.bold).getlength(text) / _SHARP

    def write(self, image: Image.Image, place: tuple[float, float], text: str, colour: str, anchor: str = "la") -> None:
        """Write at a place, which is the text's left, middle or right and its top (a) or middle (m)."""
        if not text:
            return
        mask = _written(text, self.size, self.bold)
        left = place[0] - self.width(text) * {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] - 1
        top = place[1] - (mask.height / 2 if anchor[1] == "m" else 0)
        image.paste(colour, (round(left), round(top)), mask)

    def cut(self, text: str, width: float) -> str:
        """As much of a line as fits, with an ellipsis for the rest."""
        if self.width(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + "…") <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…" if low else ""


@lru_cache(maxsize=1024)
def _written(text: str, size: float, bold: bool) -> Image.Image:
    """The mask of a line of text, from its ascenders to its descenders, with a pixel of margin left and right."""
    font = _font(size * _SHARP, bold)
    _, _, _, height = font.getbbox("Åj", anchor="la")
    large = Image.new("L", (round(font.getlength(text)) + 2 * _SHARP, round(height) + _SHARP))
    ImageDraw.Draw(large).text((_SHARP, 0), text, 255, font, anchor="la")
    return large.reduce(_SHARP)


@lru_cache(maxsize=64)
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The dashboard's typeface, out of Streamlit; Pillow's own where that keeps it elsewhere."""
    file = _typeface()
    if file is None:
        return ImageFont.load_default(size)
    font = ImageFont.truetype(str(file), size)
    font.set_variation_by_axes([600 if bold else 400])
    return font


@lru_cache(maxsize=1)
def _typeface() -> Path | None:
    spec = find_spec("streamlit")
    if spec is None or spec.origin is None:
        return None
    media = Path(spec.origin).parent / "static" / "static" / "media"
    return next(iter(sorted(media.glob("SourceSansVF-Upright*.woff2"))), None)


@dataclass(frozen=True)
class _Symbol:
    """A symbol by its form and its radius in pixels."""

    form: str
    radius: float

    @property
    def half(self) -> int:
        """Pixels from the middle of its mask to its edge."""
        return math.ceil(self.radius) + 1


@lru_cache(maxsize=64)
def _masks(symbol: _Symbol, opacity: float) -> tuple[Image.Image, ...]:
    """Its mask, smooth at the edges, for each of the `_FINE` by `_FINE` places that it may have within a pixel."""
    fine, half = 4 * _FINE, symbol.half
    angles = np.arange(10) * np.pi / 5
    lengths = symbol.radius * fine * np.where(np.arange(10) % 2, 0.382, 1.0)
    masks = []
    for down in range(_FINE):
        for across in range(_FINE):
            x, y = (half * fine + fine * shift / _FINE for shift in (across, down))
            large = Image.new("L", ((2 * half + 1) * fine,) * 2)
            pen = ImageDraw.Draw(large)
            if symbol.form == "star":
                pen.polygon([*zip(x + lengths * np.sin(angles), y - lengths * np.cos(angles), strict=True)], fill=255)
            else:
                pen.circle((x, y), symbol.radius * fine, fill=255)
            masks.append(large.reduce(fine).point(lambda value: round(value * opacity)))
    return tuple(masks)


def _stamp(image: Image.Image, places: Places, symbol: _Symbol, colour: str, opacity: float) -> None:
    """Draw a symbol at places ``(n, 2)`` in pixels; what is beyond the image is left out."""
    margin = symbol.half
    with np.errstate(invalid="ignore"):  # what is not finite is not near
        near = ((places > -margin) & (places < np.array(image.size) + margin)).all(axis=1)
    whole, fine = np.divmod(np.round(places[near] * _FINE).astype(np.int64), _FINE)
    masks = _masks(symbol, opacity)
    corners = (whole - margin).tolist()
    for (left, top), mask in zip(corners, (fine[:, 1] * _FINE + fine[:, 0]).tolist(), strict=True):
        image.paste(colour, (left, top), masks[mask])


def _layer(size: Size, places: Places, symbol: _Symbol, colour: str, opacity: float) -> tuple[Image.Image, Image.Image]:
    """Symbols that do not change, to be pasted in one go: their colour, and the mask of it."""
    clear = Image.new("L", size)
    _stamp(clear, places, symbol, "#ffffff", opacity)  # over each other as they would be drawn
    return Image.new("RGB", size, colour), clear


def _line(text: str) -> str:
    """A text from anywhere as one line of at most so many letters."""
    return one_line(text[:_LONGEST])


@dataclass(frozen=True)
class _Entry:
    """What a legend says of a symbol, a line or a bar: "star", "dot", "line", "bar", "▲" or "×"."""

    mark: str
    text: str
    colour: str


class _Head:
    """Title and note at the left, the legend at the right of them or, where that is narrow, below."""

    def __init__(self, look: _Look, width: int) -> None:
        self._look = look
        self._width = width
        self.lines = 2 if width < _NARROW * look.scale else 1

    @property
    def height(self) -> int:
        return self._look.px(_PAD + _LINE * self.lines + 5)

    def draw(self, image: Image.Image, title: str, note: str, entries: Sequence[_Entry]) -> None:
        look, pen = self._look, ImageDraw.Draw(image)
        pad, small = look.px(_PAD), look.letters()
        text = [look.px(17) + small.width(entry.text) for entry in entries]
        legend = sum(text) + look.px(12) * (len(text) - 1)
        x = pad if self.lines == 2 else self._width - pad - legend
        y = look.px(_PAD + _LINE * (self.lines - 0.5))
        if x >= pad:
            for entry, wide in zip(entries, text, strict=True):
                self._entry(image, pen, entry, x, y)
                x += wide + look.px(12)
        bold, plain = look.letters(_TITLE, bold=True), look.letters(_TITLE)
        room = self._width - 2 * pad - (legend + look.px(16) if self.lines == 1 else 0)
        note = plain.cut(note, room)
        gap = look.px(9) if note else 0
        title = bold.cut(title, room - gap - plain.width(note))
        y = look.px(_PAD + _LINE / 2)
        bold.write(image, (pad, y), title, look.palette.text, "lm")
        after = pad + (bold.width(title) + gap if title else 0)
        plain.write(image, (after, y), note, look.palette.hint, "lm")

    def _entry(self, image: Image.Image, pen: ImageDraw.ImageDraw, entry: _Entry, x: float, y: float) -> None:
        look = self._look
        middle, half = x + look.px(6), look.px(5)
        place = np.array([[middle, y]])
        match entry.mark:
            case "star":
                _stamp(image, place, _Symbol("star", _STAR * look.scale), entry.colour, 1.0)
            case "dot":
                _stamp(image, place, _Symbol("dot", 2.5 * look.scale), entry.colour, 1.0)
            case "line":
                pen.line((middle - half, y, middle + half, y), entry.colour, max(1, look.px(2)))
            case "bar":
                box = (middle - half, y - half, middle + half, y + half)
                pen.rectangle(box, _mixed(entry.colour, look.palette.background, _BAR))
                pen.line((middle - half, y - half, middle + half, y - half), entry.colour, max(1, look.px(2)))
            case mark:
                look.letters(bold=True).write(image, (middle, y), mark, entry.colour, "mm")
        look.letters().write(image, (x + look.px(17), y), entry.text, look.palette.text, "lm")


def _mixed(colour: str, ground: str, share: float) -> tuple[int, int, int]:
    """A colour with so much of it over a ground."""
    parts = ((int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in parts)
    return red, green, blue


# ------------------------------------------------------------------------------------------------------- the plane


@dataclass(frozen=True)
class _Axes:
    """Where points lie in a box of pixels."""

    target: Target
    box: Box

    def drawn(self, points: Points) -> Places:
        """What is drawn of points ``(n, dim)``, ``(n, 2)`` in the canvas's units."""
        with np.errstate(all="ignore"):
            return np.asarray(self.target.canvas.project(_matrix(points, self.target)), dtype=np.float64)

    def pixels(self, points: Points) -> Places:
        """Their places in the image, ``(n, 2)``; that of a pixel's middle ends in a half."""
        low, high = np.array(self.target.canvas.bounds, dtype=np.float64).T
        left, top, right, bottom = self.box
        with np.errstate(all="ignore"):
            share = (self.drawn(points) - low) / (high - low)
            placed: Places = np.array([left, bottom]) + 0.5 + share * np.array([right - left, top - bottom])
        return placed


def _inside(target: Target, box: Box) -> Box:
    """The part of a box that the axes fill: one unit is as long on both, where the canvas says so."""
    if not target.canvas.equal:
        return box
    left, top, right, bottom = box
    (x_low, x_high), (y_low, y_high) = target.canvas.bounds
    unit = min((right - left) / (x_high - x_low), (bottom - top) / (y_high - y_low))
    wide, high = round(unit * (x_high - x_low)), round(unit * (y_high - y_low))
    left += (right - left - wide) // 2
    top += (bottom - top - high) // 2
    return left, top, left + wide, top + high


class _Plane:
    """Points on a target's own axes."""

    def __init__(self, target: Target, real: Points | None, look: _Look, paper: Image.Image) -> None:
        self._target, self._look, self._paper = target, look, paper
        self._head = _Head(look, paper.width)
        self._axes = _Axes(target, self._draw_axes())
        if real is None:
            real = target.shown(REAL_POINTS, np.random.default_rng(0))
        left, top, right, bottom = self._axes.box
        self._corner = np.array([left, top])
        symbol = _Symbol("dot", _DOT * look.scale)
        size = (max(1, right - left), max(1, bottom - top))
        places = self._axes.pixels(real) - self._corner
        self._dots = _layer(size, places, symbol, look.palette.real, look.palette.real_opacity)

    def image(self, points: Points | None, *, title: str = "", note: str = "") -> Image.Image:
        look, palette = self._look, self._look.palette
        image = self._paper.copy()
        plot = image.crop(self._axes.box)
        generated = "generated"
        if points is not None:
            shown = points[:MOST_POINTS]
            if len(shown) < len(points):
                generated = f"generated ({len(shown):,} of {len(points):,})"
            symbol = _Symbol("star", _STAR * look.scale)
            _stamp(plot, self._axes.pixels(shown) - self._corner, symbol, palette.generated, palette.generated_opacity)
        colour, mask = self._dots
        plot.paste(colour, (0, 0), mask)
        if points is not None:
            self._tell(plot, outside_text(self._axes.drawn(points), self._target))
        image.paste(plot, self._axes.box[:2])
        entries = [_Entry("dot", "real", palette.real)]
        if points is not None:
            entries.append(_Entry("star", generated, palette.generated))
        self._head.draw(image, _line(title or self._target.title), _line(note), entries)
        return image

    def _tell(self, plot: Image.Image, words: str) -> None:
        """Say what the picture does not show, in a corner of it."""
        if not words:
            return
        look, pen = self._look, ImageDraw.Draw(plot)
        font, gap = look.letters(), look.px(_GAP)
        words = font.cut(words, plot.width - 3 * gap)
        right, bottom = 1.5 * gap + font.width(words), 1.5 * gap + font.size
        pen.rectangle((gap / 2, gap / 2, right, bottom), look.palette.background)
        font.write(plot, (gap, gap + font.size / 2), words, look.palette.text, "lm")

    def _draw_axes(self) -> Box:
        """Draw grid, numbers and titles, and say where the plot is between them."""
        look, palette, pen = self._look, self._look.palette, ImageDraw.Draw(self._paper)
        canvas, font = self._target.canvas, look.letters()
        line, gap, pad = look.px(SMALL * 1.3), look.px(_GAP), look.px(_PAD)
        titles = [_line(text) for text in canvas.axes]
        top, bottom = self._head.height, self._paper.height - pad - line - gap - (line if titles[0] else 0)

        def marks(axis: int, length: int) -> list[tuple[float, str]]:
            if axis in canvas.log:
                return log_ticks(*canvas.bounds[axis], length / (_TICK * look.scale))
            values, step = ticks(*canvas.bounds[axis], length / (_TICK * look.scale))
            return [(value, tick_text(value, step)) for value in values]

        upwards = marks(1, bottom - top)
        widest = max((font.width(text) for _, text in upwards), default=0)
        left = pad + round(widest) + gap + (line if titles[1] else 0)
        box = _inside(self._target, (left, top, max(left + 8, self._paper.width - 2 * pad), max(top + 8, bottom)))
        left, top, right, bottom = box
        (x_low, x_high), (y_low, y_high) = canvas.bounds
        for value, text in marks(0, right - left):
            x = left + round((value - x_low) / (x_high - x_low) * (right - left))
            pen.line((x, top, x, bottom), palette.grid, max(1, look.px(1)))
            font.write(self._paper, (x, bottom + gap - look.px(2)), text, palette.text, "ma")
        for value, text in upwards:
            y = bottom - round((value - y_low) / (y_high - y_low) * (bottom - top))
            pen.line((left, y, right, y), palette.grid, max(1, look.px(1)))
            font.write(self._paper, (left - gap, y), text, palette.text, "rm")
        if titles[0]:
            words = font.cut(titles[0], right - left)
            font.write(self._paper, ((left + right) / 2, bottom + gap + line), words, palette.text, "ma")
        if titles[1]:
            words = font.cut(titles[1], bottom - top)
            turned = _written(words, font.size, font.bold).transpose(Image.Transpose.ROTATE_90)
            place = (max(0, round(left - widest - gap - line)), (top + bottom - turned.height) // 2)
            self._paper.paste(palette.text, place, turned)
        return box


def outside_text(drawn: Places, target: Target) -> str:
    """What axes do not show of points ``(n, 2)`` as they are drawn, in the dashboard's words; empty if they show all.

    Each point counts once, on the side that it is farthest beyond.
    """
    low, high = np.array(target.canvas.bounds, dtype=np.float64).T
    finite = np.isfinite(drawn).all(axis=1)
    points = drawn[finite]
    beyond = (np.minimum(points - low, 0) + np.maximum(points - high, 0)) / (high - low)
    points_out = beyond[(beyond != 0).any(axis=1)]
    upright = np.abs(points_out[:, 1]) >= np.abs(points_out[:, 0])
    sides = {
        "above": upright & (points_out[:, 1] > 0),
        "below": upright & (points_out[:, 1] < 0),
        "left": ~upright & (points_out[:, 0] < 0),
        "right": ~upright & (points_out[:, 0] > 0),
    }
    counts = {side: int(those.sum()) for side, those in sides.items()}
    total = len(drawn)

    def share(count: int) -> str:
        return f"{count:,} of {total:,} points {'is' if count == 1 else 'are'}"

    sentences = []
    if len(points_out):
        where = ", ".join(f"{count:,} {side}" for side, count in counts.items() if count)
        sentences.append(f"{share(len(points_out))} outside: {where}")
    if not finite.all():
        sentences.append(f"{share(total - int(finite.sum()))} not finite")
    return "; ".join(sentences)


# ------------------------------------------------------------------------------------------------------- the board


@dataclass(frozen=True)
class _Counted:
    """How often each number from 0 to 99 comes, of how many vectors; what is no number is in the second alone."""

    counts: NDArray[np.int64]
    total: int


def _counted(target: Target, points: Points | None) -> _Counted:
    if points is None:
        return _Counted(np.zeros(_SIDE**2, np.int64), 0)
    vectors = _matrix(points, target)
    known = ~np.isnan(vectors).any(axis=1)
    places = np.asarray(target.canvas.project(vectors[known]), dtype=np.float64)
    inside = ((places >= -0.5) & (places < _SIDE - 0.5)).all(axis=1)
    ones, tens = np.round(places[inside]).astype(np.int64).T
    return _Counted(np.bincount(tens * _SIDE + ones, minlength=_SIDE**2), len(vectors))


def summary(counts: NDArray[np.int64], total: int, numbers: Sequence[int]) -> str:
    """What a board shows in words, as the dashboard says it."""
    members = counts[list(numbers)]
    share = math.floor(1000 * int(members.sum()) / total) / 10 if total else 0.0  # never rounded up to 100 %
    verb = "appears" if len(numbers) == 1 else "appear"
    lost = total - int(counts.sum())
    words = f"Of these {total:,} numbers {share:.1f} % fit; {np.count_nonzero(members)} of {len(numbers)} {verb}"
    return f"{words}; {lost:,} not finite" if lost else words


class _Board:
    """How often each number is generated, beside how often it is real."""

    def __init__(self, target: Target, look: _Look, paper: Image.Image) -> None:
        self._target, self._look, self._paper = target, look, paper
        self._head = _Head(look, paper.width)

    def image(self, points: Points | None, *, title: str = "", note: str = "") -> Image.Image:
        look, palette, target = self._look, self._look.palette, self._target
        image = self._paper.copy()
        entries = (
            _Entry("line", "real", palette.real),
            _Entry("bar", "generated", palette.generated),
            _Entry("▲", "over twice real", palette.text),
            _Entry("×", "misfit", palette.lines[MISFIT]),
        )
        self._head.draw(image, _line(title or target.title), _line(note), entries)
        foot, pad, top = look.px(_LINE), look.px(_PAD), self._head.height
        cell = max(1, min(image.width - 2 * pad, image.height - top - foot - pad) // _SIDE)
        corner = ((image.width - _SIDE * cell) // 2, top)
        found = _counted(target, points)
        _draw_squares(image, target, found, look, corner, cell, words=cell >= look.px(15))
        words = summary(found.counts, found.total, target.numbers) if found.total else "Nothing generated yet"
        font = look.letters()
        middle, y = image.width / 2, top + _SIDE * cell + (foot + look.px(4)) / 2
        font.write(image, (middle, y), font.cut(words, image.width - 2 * pad), palette.text, "mm")
        return image


def _draw_squares(
    image: Image.Image,
    target: Target,
    found: _Counted,
    look: _Look,
    corner: tuple[int, int],
    cell: float,
    *,
    words: bool = False,
) -> None:
    """The squares of the board, tens upwards, each `cell` pixels wide; with `words` each says its number."""
    palette, pen = look.palette, ImageDraw.Draw(image)
    members, real = set(target.numbers), 1 / len(target.numbers)
    wide = max(1, look.px(1))
    thick = max(1, look.px(2)) if words else wide
    size = min(max(0.28 * cell / look.scale, 8), 22)
    font, bold = look.letters(size), look.letters(size, bold=True)
    last = [round(place + cell * _SIDE) for place in corner]
    for step in range(_SIDE + 1):
        x, y = (round(place + cell * step) for place in corner)
        pen.line((x, corner[1], x, last[1]), palette.grid, wide)
        pen.line((corner[0], y, last[0], y), palette.grid, wide)
    for number in range(_SIDE**2):
        tens, ones = divmod(number, _SIDE)
        left, top = round(corner[0] + cell * ones) + wide, round(corner[1] + cell * (_SIDE - 1 - tens)) + wide
        right, bottom = round(corner[0] + cell * (ones + 1)), round(corner[1] + cell * (_SIDE - tens))
        share = int(found.counts[number]) / found.total if found.total else 0.0
        fits = number in members
        if share:
            level = min(1.0, max(_SLIVER, share / (_TIMES * real)))
            colour = palette.generated if fits else palette.lines[MISFIT]
            start = round(bottom - level * (bottom - top))
            pen.rectangle((left, start, right - 1, bottom - 1), _mixed(colour, palette.background, _BAR))
            if not fits and words:
                _hatch(image, (left, start, right, bottom), colour, look)
            pen.rectangle((left, start, right - 1, min(start + thick, bottom) - 1), colour)
        if fits:
            middle = (top + bottom - thick) // 2
            pen.rectangle((left, middle, right - 1, middle + thick - 1), palette.real)
        if words:
            gap = look.px(3)
            letters, colour = (bold, palette.text) if fits else (font, palette.text if share else palette.hint)
            letters.write(image, (left + gap, top + gap), str(number), colour)
            if share and not fits:
                bold.write(image, (right - gap, top + gap), "×", palette.lines[MISFIT], "ra")
            elif share > _TIMES * real * (1 + 1e-9):
                look.letters(0.75 * size).write(image, (right - gap, top + gap), "▲", palette.text, "ra")


def _hatch(image: Image.Image, box: Box, colour: str, look: _Look) -> None:
    """Lines across a bar: what does not fit can be told without colours."""
    left, top, right, bottom = box
    if bottom <= top:
        return
    mask = Image.new("L", (right - left, bottom - top))
    pen = ImageDraw.Draw(mask)
    for x in range(-mask.height, mask.width, max(3, look.px(6))):
        pen.line((x, 0, x + mask.height, mask.height), 110, max(1, look.px(2)))
    image.paste(colour, (left, top), mask)


# ------------------------------------------------------------------------------------------------------- the points


def _matrix(points: Points, target: Target) -> Points:
    """Points as they are, or `ValueError` if they are none of this target's."""
    found: NDArray[Any] = np.asarray(points)
    if found.ndim != 2 or found.shape[1] not in (target.dim, 2) or found.dtype.kind not in "fiu":
        raise ValueError(
            f"The points have type {found.dtype} and shape {found.shape}; those of {target.title} are numbers of shape "
            f"(n, {target.dim})."
        )
    return found


def _thinned(points: Points) -> Points:
    return points[:: math.ceil(len(points) / THUMBNAIL_POINTS)] if len(points) else points
