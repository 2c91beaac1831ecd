"""The films that are shown before there is a run: recorded, small, and of what they say."""

from __future__ import annotations

import numpy as np
import pytest

from gandash.charts import films
from gandash.core.metrics import sliced_wasserstein
from gandash.core.targets import read_spec
from gandash.core.targets.shapes import SHAPES
from gandash.live.assets import asset


def test_frames_come_back_within_a_thousandth_of_the_picture() -> None:
    bounds = ((-1.0, 3.0), (0.0, 50.0))
    frames = np.random.default_rng(0).uniform((-1, 0), (3, 50), (3, 7, 2)).astype(np.float32)
    frames[0, 0] = (99.0, -99.0)
    epochs, found = films.read(films.write([0, 4, 9], frames, bounds), bounds)
    assert epochs == [0, 4, 9]
    assert found[0, 0].tolist() == [3.0, 0.0], "what lies outside is at the edge"
    np.testing.assert_allclose(found[1:], frames[1:], atol=0.05 / 50)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_has_a_film_in_which_it_is_learnt(name: str) -> None:
    shape = SHAPES[name]
    epochs, frames = films.read((films.FOLDER / f"{name}{films.ENDING}").read_bytes(), shape.canvas.bounds)
    assert epochs[0] == 0 and epochs == sorted(epochs) and len(epochs) == len(frames)
    real = shape.sample(frames.shape[1], np.random.default_rng(0))
    first, last = (sliced_wasserstein(points, real) for points in (frames[0], frames[-1]))
    assert last < first / 3


def test_all_films_together_are_under_a_megabyte_and_a_target_of_ones_own_has_none() -> None:
    assert sum(path.stat().st_size for path in films.FOLDER.iterdir()) < 1_000_000
    url = films.film_url(SHAPES["ring8"])
    assert url.endswith(films.ENDING) and asset(f"ring8{films.ENDING}").content
    assert films.film_url(read_spec("y = x; x = 0..1").build()) == ""
