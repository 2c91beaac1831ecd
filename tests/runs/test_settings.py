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


def test_everything_set(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "GANDASH_HOME": str(tmp_path),
            "GANDASH_WORKERS": " 7 ",
            "GANDASH_DASK": "tcp://10.0.0.1:8786",
            "GANDASH_IDLE_PAUSE": "12.5",
        }
    )
    assert settings == Settings(tmp_path, 7, "tcp://10.0.0.1:8786", 12.5)


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
    with pytest.raises(ValueError, match=f"{name} is '{value}'; give"):
        Settings.from_environment({name: value})
