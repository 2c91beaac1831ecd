"""Pictures without a browser: points where they belong, boards that count right, in both themes."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gandash.charts import picture as pictures
from gandash.charts.palettes import MISFIT, PALETTES, Theme
from gandash.charts.picture import Size, easel, outside_text, picture, thumbnail
from gandash.charts.ticks import log_ticks, tick_text, ticks
from gandash.core.targets import Target
from gandash.core.targets.patterns import PATTERNS, int_to_onehot
from gandash.core.targets.shapes import SHAPES

CIRCLE, FIVES = SHAPES["circle"], PATTERNS["multiples-of-5"]
THEMES = get_args(Theme)


def pixels(data: bytes) -> NDArray[np.int64]:
    """(height, width, 3)"""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int64)


def close_to(image: NDArray[np.int64], colour: str, tolerance: int = 60) -> NDArray[np.bool]:
    """Which pixels have about this colour."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    close: NDArray[np.bool] = np.abs(image - wanted).sum(axis=2) <= tolerance
    return close


def plot_of(theme: Theme) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A picture with one generated point, and the same without it."""
    real = np.full((1, 2), -0.77, np.float32)
    point = np.full((1, 2), 0.27, np.float32)
    return tuple(  # type: ignore[return-value]
        pixels(picture(points, CIRCLE, real=real, theme=theme)) for points in (point, np.empty((0, 2), np.float32))
    )


@pytest.mark.parametrize("theme", THEMES)
def test_a_point_is_a_green_star_at_its_place_and_a_real_one_a_red_dot(theme: Theme) -> None:
    image, without = plot_of(theme)
    palette = PALETTES[theme]
    changed = np.argwhere((image != without).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 9 <= bottom - top <= 15 and 9 <= right - left <= 15, "the star alone has changed"
    y, x = (top + bottom) // 2, (left + right) // 2
    assert close_to(image[y : y + 1, x : x + 1], palette.generated, 140).all()
    assert (without[y, x] == np.array([int(palette.background[i : i + 2], 16) for i in (1, 3, 5)])).all()
    below = without[pictures._Head(pictures._Look(palette, 1.0), 720).height :]  # the legend has a dot too
    faint = pictures._mixed(palette.real, palette.background, palette.real_opacity)
    dots = np.argwhere(np.abs(below - np.array(faint)).sum(axis=2) < 60)
    y_real, x_real = dots.mean(axis=0)
    y_real += 540 - len(below)
    # the circle's axes have one unit: right and up by as much
    assert x - x_real == pytest.approx(y_real - y, abs=2) and x - x_real > 100


def test_points_lie_on_the_axes_that_are_drawn() -> None:
    """A tick's line and a point of the same value meet."""
    target = SHAPES["exponential"]
    empty = np.empty((0, 2), np.float32)
    image = pixels(picture(empty, target, real=np.array([[20.0, 30.0]])))
    y, x = np.argwhere(close_to(image[40:], PALETTES["light"].real, 120)).mean(axis=0)
    y += 40
    grid = close_to(image, PALETTES["light"].grid, 6)
    columns, rows = np.flatnonzero(grid.mean(axis=0) > 0.5), np.flatnonzero(grid.mean(axis=1) > 0.5)
    assert len(columns) == 6 and len(rows) == 6, "0 to 50 in tens"
    assert x == pytest.approx(columns[2], abs=0.8) and y == pytest.approx(rows[2], abs=0.8)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [(160, 160), (390, 420), (1280, 720)])
def test_pictures_have_the_size_that_is_asked_for(size: Size, theme: Theme) -> None:
    rng = np.random.default_rng(0)
    for target in (CIRCLE, SHAPES["inverted-u"], FIVES):
        data = picture(target.sample(50, rng), target, note="epoch 3", theme=theme, size=size, scale=1.5)
        assert Image.open(io.BytesIO(data)).size == (size[0] * 1.5, size[1] * 1.5)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([[0, 0]], ""),
        ([[0, 9]], "1 of 1 points is outside: 1 above"),
        ([[0, -9], [-9, 8], [9, 0], [0, 0]], "3 of 4 points are outside: 1 below, 1 left, 1 right"),
        ([[np.nan, 0], [0, np.inf], [0, 0]], "2 of 3 points are not finite"),
        ([[np.nan, 0], [1e30, 0]], "1 of 2 points is outside: 1 right; 1 of 2 points is not finite"),
    ],
)
def test_what_is_not_on_the_picture_is_said(points: list[list[float]], words: str) -> None:
    assert outside_text(np.array(points, dtype=np.float64), CIRCLE) == words
    told, silent = (
        pixels(picture(np.array(rows), CIRCLE, real=np.zeros((1, 2)))) for rows in (points, np.empty((0, 2)))
    )
    corner = np.s_[40:60, 100:260]
    assert (told[corner] != silent[corner]).any() == bool(words)


def squares(image: NDArray[np.int64], colour: str) -> dict[int, int]:
    """How many pixels of a colour there are in each square of a board that has some; 10 pixels a square."""
    found = close_to(image, colour, 3).reshape(10, 10, 10, 10).sum(axis=(1, 3))
    return {10 * (9 - row) + column: int(found[row, column]) for row, column in np.argwhere(found)}


@pytest.mark.parametrize("theme", THEMES)
def test_a_board_shows_how_often_each_number_comes(theme: Theme) -> None:
    palette = PALETTES[theme]
    board = Image.new("RGB", (100, 100), palette.background)
    vectors = int_to_onehot([5] * 8 + [90] * 2 + [7] * 30)
    vectors = np.concatenate([vectors, np.full((10, 100), np.nan, np.float32)])
    found = pictures._counted(FIVES, vectors)
    look = pictures._Look(palette, 1.0)
    pictures._draw_squares(board, FIVES, found, look, (0, 0), 10)
    image = np.asarray(board, dtype=np.int64)
    assert set(squares(image, palette.real)) == set(FIVES.numbers)
    assert set(squares(image, palette.generated)) == {5, 90}
    assert set(squares(image, palette.lines[MISFIT])) == {7}
    r, g, b = pictures._mixed(palette.generated, palette.background, 0.35)
    bars = squares(image, f"#{r:02x}{g:02x}{b:02x}")
    assert bars[5] == 9 * 7 and bars[90] == 9 * 3, "all of the square; 4 % against 5, to a fifth below the line"
    assert pictures.summary(found.counts, found.total, FIVES.numbers) == (
        "Of these 50 numbers 20.0 % fit; 2 of 20 appear; 10 not finite"
    )


def test_a_board_takes_vectors_and_what_a_canvas_makes_of_them() -> None:
    vectors = FIVES.sample(200, np.random.default_rng(0))
    assert picture(vectors, FIVES) == picture(FIVES.canvas.project(vectors), FIVES)


def test_a_share_is_never_rounded_up_to_all() -> None:
    counts = np.zeros(100, np.int64)
    counts[[5, 7]] = 99_999, 1
    assert "99.9 % fit; 1 of 20 appear" in pictures.summary(counts, 100_000, FIVES.numbers)
    assert pictures.summary(counts, 100_000, (7,)).endswith("0.0 % fit; 1 of 1 appears")


@pytest.mark.parametrize("target", [*SHAPES.values(), FIVES], ids=lambda target: target.name)
def test_a_thumbnail_shows_generated_over_real(target: Target) -> None:
    points = target.sample(1000, np.random.default_rng(1))
    for theme in THEMES:
        image = pixels(thumbnail(points, target, theme=theme))
        assert image.shape == (96, 96, 3)
        assert close_to(image, PALETTES[theme].generated, 120).sum() > 20
        none = pixels(thumbnail(None, target, theme=theme))
        assert not close_to(none, PALETTES[theme].generated, 120).any()
        assert close_to(none, PALETTES[theme].real, 200).any()


@pytest.mark.parametrize("target", [CIRCLE, FIVES], ids=["plane", "board"])
def test_a_frame_of_a_film_is_the_picture_and_costs_little(target: Target) -> None:
    drawn = easel(target, size=(800, 600))
    points = target.sample(1000, np.random.default_rng(0))
    took = []
    for epoch in range(8):
        start = time.perf_counter()
        frame = drawn.image(points, note=f"epoch {epoch}")
        took.append(time.perf_counter() - start)
    assert min(took) < 0.06
    assert pictures.png(frame) == picture(points, target, size=(800, 600), note="epoch 7")


@pytest.mark.parametrize("text", ["a" * 100_000, "\n\n\x00\x1b[2J", "\u202egnp.exe", "售上 🙂", "<b>&amp;</b>"])
def test_any_title_is_one_line_of_text(text: str) -> None:
    drawn = easel(CIRCLE, size=(200, 200))
    assert drawn.image(None, title=text, note=text).size == (200, 200)


def test_points_far_off_and_none_at_all_are_no_error() -> None:
    for values in ([[1e38, -1e38]] * 3, [[np.inf, np.nan]], np.empty((0, 2))):
        points = np.array(values, dtype=np.float32)
        assert picture(points, CIRCLE, size=(200, 200)) and thumbnail(points, CIRCLE)
    assert picture(np.full((3, 100), np.inf, np.float32), FIVES)


@pytest.mark.parametrize("size", [(10, 300), (300, 5000), (-1, 300)])
def test_sizes_that_no_picture_has_are_refused(size: Size) -> None:
    with pytest.raises(ValueError, match="each side has at least 160, and 4,096 at most"):
        picture(None, CIRCLE, size=size)


def test_what_else_cannot_be_drawn_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"scale 99 was given; a picture's is from 0\.25 to 8"):
        picture(None, CIRCLE, scale=99)
    with pytest.raises(ValueError, match=r"shape \(3, 5\); those of Circle are numbers of shape \(n, 2\)"):
        picture(np.zeros((3, 5)), CIRCLE)
    with pytest.raises(ValueError, match="A thumbnail of 5 pixels was asked for; it has 16 to 512"):
        thumbnail(None, CIRCLE, pixels=5)


def test_of_very_many_points_the_first_are_drawn() -> None:
    points = np.zeros((pictures.MOST_POINTS + 5, 2), np.float32)
    points[pictures.MOST_POINTS :] = 1.0
    assert not close_to(pixels(picture(points, CIRCLE, real=points[:1]))[60:, 400:], PALETTES["light"].generated).any()


def test_the_typeface_is_the_dashboards() -> None:
    assert pictures._typeface() is not None


def test_pictures_need_no_torch_and_no_streamlit() -> None:
    script = "import sys; from gandash.charts.picture import picture; from gandash import SHAPES; "
    script += "picture(None, SHAPES['circle']); print({'torch', 'streamlit', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("low", "high", "most", "words"),
    [
        (-1.5, 1.5, 4, "−1 0 1"),
        (0.0, 1e-6, 3, "0 5e−7 1e−6"),
        (0.0, 3e6, 3, "0 1e6 2e6 3e6"),
        (99.99, 100.01, 4, "99.990 99.995 100.000 100.005 100.010"),
    ],
)
def test_ticks_are_round_and_told_apart(low: float, high: float, most: float, words: str) -> None:
    values, step = ticks(low, high, most)
    assert " ".join(tick_text(value, step) for value in values) == words


@pytest.mark.parametrize(
    ("low", "high", "most", "words"),
    [
        (1.9, 4.2, 6, "100 1000 1e4"),
        (2.8, 3.4, 6, "1000 2000"),
        (3.02, 3.2, 6, "1100 1200 1300 1400 1500"),
        (-7, 9, 4, "1e-4 1 1e4 1e8"),
        (-2.2, -0.1, 6, "0.01 0.02 0.05 0.1 0.2 0.5"),
        (5.05, 5.2, 3, "1.2e5 1.4e5"),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_round_and_told_apart(low: float, high: float, most: float, words: str) -> None:
    found = log_ticks(low, high, most)
    assert " ".join(text for _, text in found) == words
    assert [10.0**place for place, _ in found] == pytest.approx([float(text) for _, text in found])


def test_a_table_whose_logarithm_is_learnt_is_drawn_by_it() -> None:
    rows = np.column_stack((np.linspace(0, 1, 200), np.geomspace(1, 1e6, 200)))
    half = rows[:100]  # where the logarithm is small: half of the picture, and of a linear axis next to nothing
    images = [
        close_to(pixels(picture(half, Target.from_points(rows, logarithm=log))), PALETTES["light"].generated)
        for log in ([1], [])
    ]
    tall = [np.ptp(np.flatnonzero(image[60:].any(axis=1))) for image in images]
    assert tall[0] > 4 * tall[1]
