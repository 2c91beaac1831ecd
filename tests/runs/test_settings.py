from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest

from gandash.core.cost import CostLimits
from gandash.runs.incoming import Quota
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
            "GANDASH_MOST_STEP": "0.5",
            "GANDASH_MOST_MEMORY": "3",
            "GANDASH_MOST_FILE": "5",
            "GANDASH_MOST_DATA_EACH": "50",
            "GANDASH_MOST_DATA": "500",
        }
    )
    assert settings == Settings(
        tmp_path,
        7,
        "tcp://10.0.0.1:8786",
        12.5,
        9,
        2,
        list_all=True,
        most_step=0.5,
        most_memory=3.0,
        quota=Quota(5_000_000, 50_000_000, 500_000_000),
    )
    assert settings.places == 9


def test_off_and_empty() -> None:
    assert Settings.from_environment({"GANDASH_IDLE_PAUSE": "OFF"}).idle_pause is None
    assert Settings.from_environment({"GANDASH_WORKERS": "  ", "GANDASH_HOME": ""}) == Settings()


@pytest.mark.parametrize("address", ["https://gans.example.org", "http://192.168.0.7:8501/g", "http://[fd00::7]:80"])
def test_an_address_for_others_is_kept_without_a_slash_at_its_end(address: str) -> None:
    assert Settings.from_environment({"GANDASH_URL": address}).url == address
    assert Settings.from_environment({"GANDASH_URL": f"{address}/"}).url == address


def test_a_long_address_is_not_told_in_full() -> None:
    with pytest.raises(ValueError, match="GANDASH_URL is ") as error:
        Settings.from_environment({"GANDASH_URL": "x" * 100_000})
    assert len(str(error.value)) < 500


def test_runs_may_cost_what_half_the_machine_allows_each_worker() -> None:
    gigabytes = psutil.virtual_memory().total / 1e9
    assert Settings.from_environment({"GANDASH_WORKERS": "2"}).most_memory == max(1.0, gigabytes / 4)
    assert Settings.from_environment({"GANDASH_WORKERS": "256"}).most_memory == max(1.0, gigabytes / 512)
    unlimited = Settings.from_environment({"GANDASH_MOST_STEP": "off", "GANDASH_MOST_MEMORY": "Off"})
    assert unlimited.cost_limits == CostLimits(None, None)


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
        ("GANDASH_URL", "gans.example.org"),
        ("GANDASH_URL", "ftp://gans.example.org"),
        ("GANDASH_URL", "javascript:alert(1)"),
        ("GANDASH_URL", "http://"),
        ("GANDASH_URL", "http://a:b"),
        ("GANDASH_URL", "http://a:0"),
        ("GANDASH_URL", "http://[a"),
        ("GANDASH_URL", "http://me:secret@a"),
        ("GANDASH_URL", "http://a b"),
        ("GANDASH_URL", "http://a/?x=1"),
        ("GANDASH_URL", "http://a/#x"),
        ("GANDASH_IDLE_PAUSE", "0"),
        ("GANDASH_IDLE_PAUSE", "-5"),
        ("GANDASH_IDLE_PAUSE", "nan"),
        ("GANDASH_IDLE_PAUSE", "inf"),
        ("GANDASH_IDLE_PAUSE", "soon"),
        ("GANDASH_MOST_STEP", "0"),
        ("GANDASH_MOST_STEP", "inf"),
        ("GANDASH_MOST_MEMORY", "nan"),
        ("GANDASH_MOST_FILE", "0"),
        ("GANDASH_MOST_DATA", "1 GB"),
        ("GANDASH_MOST_MEMORY", "8 GB"),
    ],
)
def test_nonsense_names_the_variable_and_the_value(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name} is '{value[:40]}") + ".*; give") as caught:
        Settings.from_environment({name: value})
    assert len(str(caught.value)) < 300
