"""A run as a film: all its moments, in the look of the dashboard, and nothing that would ask a network."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from gandash.charts import film
from gandash.charts.film import Film, Moment
from gandash.charts.palettes import Theme
from gandash.core.config import RunConfig
from gandash.core.presets import PRESETS
from gandash.core.targets import read_spec
from tests.core.random_configs import FORMULAS, drawing

SPEC = read_spec("exponential")
RNG = np.random.default_rng(0)
HOSTILE = "</script><script>alert(1)</script>"


def made(count: int = 5, points: int = 60, name: str = "") -> Film:
    clouds = [RNG.normal(10, 5 + i / 9, size=(points, 2)).astype(np.float32) for i in range(count)]
    moments = tuple(Moment(25 * i, cloud, f"Gap to real {i}") for i, cloud in enumerate(clouds))
    return Film(SPEC, moments, SPEC.build().sample(40, RNG), name)


def data_of(page: bytes) -> dict[str, object]:
    (found,) = re.findall(r'<script type="application/json" id="film">(.*?)</script>', page.decode(), re.DOTALL)
    data: dict[str, object] = json.loads(found)
    return data


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_gif_has_a_picture_of_each_moment_and_goes_on_for_ever(theme: Theme) -> None:
    image = Image.open(io.BytesIO(film.gif(made(7), theme)))
    assert (image.n_frames, image.info["loop"], image.size) == (7, 0, film.FILM_SIZE)  # type: ignore[attr-defined]
    lightness = np.asarray(image.convert("L"))[2, 2]
    assert lightness > 240 if theme == "light" else lightness < 40


def test_pictures_are_named_after_their_epochs() -> None:
    with zipfile.ZipFile(io.BytesIO(film.pictures(made(3)))) as archive:
        assert archive.namelist() == ["p0.png", "p25.png", "p50.png"]
        assert Image.open(archive.open("p50.png")).size[0] >= 1200


@pytest.mark.parametrize(
    ("step", "last", "expected"),
    [
        (1, 199, list(range(25, 200, 25))),
        (2, 399, [24, 50, 74, 100]),
        (8, 1029, [24, 48, 72, 96, 128, 152, 176, 200]),
        (64, 10_000, [64, 128, 192, 256]),
    ],
)
def test_of_a_long_run_the_nearest_kept_epochs_are_pictured(step: int, last: int, expected: list[int]) -> None:
    found = film.every(range(0, last + 1, step), last)
    assert found[: len(expected)] == expected
    assert all(min(epoch % 25, 25 - epoch % 25) <= 12 for epoch in found) and len({*found}) == len(found)


def test_the_page_holds_every_point_and_asks_for_nothing() -> None:
    shown = made(4)
    page = film.html(shown)
    text = page.decode()
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text) and "http" not in re.sub(r"base64,[\w+/=]+", "", text)
    data = data_of(page)
    ranges, frames = data["ranges"], data["frames"]
    assert isinstance(frames, list) and isinstance(ranges, list)
    assert [frame["epoch"] for frame in frames] == [0, 25, 50, 75]
    for frame, moment in zip(frames, shown.moments, strict=True):
        levels = np.frombuffer(base64.b64decode(frame["points"]), "<u2").reshape(2, -1) / 65_534
        for axis, (low, high) in enumerate(ranges):
            assert np.abs(low + levels[axis] * (high - low) - moment.points[:, axis]).max() < 1e-3 * 50


def test_two_hundred_frames_take_less_than_two_megabytes() -> None:
    assert len(film.html(made(200, points=1000))) < 2_000_000


def test_what_is_far_away_or_nowhere_takes_no_accuracy_from_the_rest() -> None:
    points = np.array([[1, 1], [1e30, 2], [np.nan, 3], [4, -np.inf]], np.float32)
    data = data_of(film.html(Film(SPEC, (Moment(1, points),))))
    ranges, frames = data["ranges"], data["frames"]
    assert isinstance(frames, list) and isinstance(ranges, list)
    assert ranges[0][1] == 50 + 3 * 50, "three spans beyond the picture"
    levels = np.frombuffer(base64.b64decode(frames[0]["points"]), "<u2").reshape(2, -1)
    assert levels[:, 2].tolist() == levels[:, 3].tolist() == [65_535, 65_535]
    assert levels[0, 1] == 65_534


def test_a_name_is_shown_as_text() -> None:
    text = film.html(made(2, name=HOSTILE)).decode()
    assert "<script>alert" not in text and text.count("</script>") == text.count("<script") == 3
    assert HOSTILE in str(data_of(text.encode())["scene"])


def test_a_pattern_of_numbers_is_a_film_of_its_board() -> None:
    spec = next(each.target for each in PRESETS.values() if each.target.build().numbers)
    places = np.array([[0, 0], [5, 0], [3, 1]], np.float32)
    shown = Film(spec, (Moment(1, places), Moment(2, places + np.float32(1))))
    assert Image.open(io.BytesIO(film.gif(shown))).n_frames == 2  # type: ignore[attr-defined]
    scene = data_of(film.html(shown))["scene"]
    assert isinstance(scene, dict) and scene["numbers"] == list(spec.build().numbers)


@pytest.mark.parametrize("own", [FORMULAS[1], drawing(Random(0), 40)], ids=["formula", "drawing"])
def test_targets_of_ones_own_have_films(own: object) -> None:
    spec = RunConfig.model_validate({"target": own}).target
    points = spec.build().sample(50, RNG)
    shown = Film(spec, (Moment(1, points), Moment(2, points)), points)
    assert Image.open(io.BytesIO(film.gif(shown))).n_frames == 2  # type: ignore[attr-defined]
    assert len(zipfile.ZipFile(io.BytesIO(film.pictures(shown))).namelist()) == 2
    scene = data_of(film.html(shown))["scene"]
    assert isinstance(scene, dict) and scene["title"] == spec.build().title


def test_without_a_moment_there_is_no_film() -> None:
    for make in (film.gif, film.html, film.pictures):
        with pytest.raises(ValueError, match="Nothing of the run is kept yet"):
            make(Film(SPEC, ()))


def test_the_scripts_of_the_page_import_only_each_other() -> None:
    names = {path.stem for path in film._SCRIPTS}
    for path in film._SCRIPTS:
        imported = re.findall(r"""from\s*["']\./([\w-]+)\.js""", path.read_text(encoding="utf-8"))
        assert {*imported} <= names, path.name
    assert Path(film.__file__).with_name("film.html").exists()
