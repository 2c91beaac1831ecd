"""Twenty real tables of 203 to 50,000 rows that come in scikit-learn, vega_datasets and statsmodels themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
MOST_PIXELS = 50_000


def _sklearn(loader: str, x: int, y: int) -> Callable[[], Rows]:
    def load() -> Rows:
        from sklearn import datasets

        return np.asarray(getattr(datasets, loader)().data[:, [x, y]], np.float64)

    return load


def _pixels() -> Rows:
    """Red and blue of pixels of a photograph: whole numbers, of which most repeat."""
    from sklearn.datasets import load_sample_image

    pixels = load_sample_image("china.jpg").reshape(-1, 3)[:, [0, 2]].astype(np.float64)
    some: Rows = pixels[np.random.default_rng(0).permutation(len(pixels))[:MOST_PIXELS]]
    return some


def _vega(name: str, x: str, y: str) -> Callable[[], Rows]:
    def load() -> Rows:
        from vega_datasets import local_data

        return _finite(getattr(local_data, name)(), x, y)

    return load


def _statsmodels(name: str, x: str, y: str) -> Callable[[], Rows]:
    def load() -> Rows:
        from statsmodels import datasets

        return _finite(getattr(datasets, name).load_pandas().data, x, y)

    return load


def _finite(frame: Any, x: str, y: str) -> Rows:
    rows = frame[[x, y]].to_numpy(np.float64)
    finite: Rows = rows[np.isfinite(rows).all(axis=1)]
    return finite


TABLES: Mapping[str, Callable[[], Rows]] = {
    "macrodata": _statsmodels("macrodata", "realgdp", "unemp"),
    "grunfeld": _statsmodels("grunfeld", "value", "capital"),
    "engel": _statsmodels("engel", "income", "foodexp"),
    "cancer": _statsmodels("cancer", "population", "cancer"),
    "star98": _statsmodels("star98", "LOWINC", "PERASIAN"),
    "sunspots": _statsmodels("sunspots", "YEAR", "SUNACTIVITY"),
    "cars": _vega("cars", "Weight_in_lbs", "Miles_per_Gallon"),
    "diabetes": _sklearn("load_diabetes", 2, 8),
    "breast cancer": _sklearn("load_breast_cancer", 0, 1),
    "modechoice": _statsmodels("modechoice", "ttme", "invt"),
    "anes96": _statsmodels("anes96", "age", "income"),
    "seattle, warmest and coldest": _vega("seattle_weather", "temp_max", "temp_min"),
    "seattle, wind and rain": _vega("seattle_weather", "wind", "precipitation"),
    "digits, two pixels": _sklearn("load_digits", 19, 43),
    "airports": _vega("airports", "longitude", "latitude"),
    "fair, age and years married": _statsmodels("fair", "age", "yrs_married"),
    "fair, education and children": _statsmodels("fair", "educ", "children"),
    "randhie, visits and coinsurance": _statsmodels("randhie", "mdvis", "lncoins"),
    "randhie, limitation and deductible": _statsmodels("randhie", "physlm", "lpi"),
    "pixels of a photograph": _pixels,
}
