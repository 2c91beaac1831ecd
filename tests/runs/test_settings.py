from __future__ import annotations

from pathlib import Path

import pytest

from gandash.runs.settings import Settings


def test_nothing_set() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.workers >= 1
    assert settings.idle_pause == 60
    assert settings.dask is None
    assert settings.home.name == "gandash"
    assert (settings.places, settings.most_runs_each, settings.list_all) == (8 * settings.workers, 4, False)


def test_everything_set(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "GANDASH_HOME": str(tmp_path),
            "GANDASH_WORKERS": " 7 ",
            "GANDASH_DASK": "tcp://10.0.0.1:8786",
            "GANDASH_IDLE_PAUSE": "12.5",
            "GANDASH_MOST_RUNS": "9",
            "GANDASH_MOST_RUNS_EACH": "2",
            "GANDASH_LIST": "All",
        }
    )
    assert settings == Settings(tmp_path, 7, "tcp://10.0.0.1:8786", 12.5, 9, 2, list_all=True)
    assert settings.places == 9


def test_off_and_empty() -> None:
    assert Settings.from_environment({"GANDASH_IDLE_PAUSE": "OFF"}).idle_pause is None
    assert Settings.from_environment({"GANDASH_WORKERS": "  ", "GANDASH_HOME": ""}) == Settings()


def test_a_tilde_means_the_home_folder() -> None:
    assert Settings.from_environment({"GANDASH_HOME": "~/gans"}).home == Path.home() / "gans"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GANDASH_WORKERS", "0"),
        ("GANDASH_WORKERS", "-1"),
        ("GANDASH_WORKERS", "1.5"),
        ("GANDASH_WORKERS", "many"),
        ("GANDASH_WORKERS", "100000"),
        ("GANDASH_WORKERS", "9" * 5000),
        ("GANDASH_MOST_RUNS", "0"),
        ("GANDASH_MOST_RUNS_EACH", "off"),
        ("GANDASH_LIST", "yours"),
        ("GANDASH_DASK", "somewhere"),
        ("GANDASH_DASK", "host:port"),
        ("GANDASH_IDLE_PAUSE", "0"),
        ("GANDASH_IDLE_PAUSE", "-5"),
        ("GANDASH_IDLE_PAUSE", "nan"),
        ("GANDASH_IDLE_PAUSE", "inf"),
        ("GANDASH_IDLE_PAUSE", "soon"),
    ],
)
def test_nonsense_names_the_variable_and_the_value(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is '{value[:40]}'; give") as caught:
        Settings.from_environment({name: value})
    assert len(str(caught.value)) < 300
