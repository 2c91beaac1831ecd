"""What the person who starts the server may set, read from environment variables named `GANDASH_*`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from gandash.core.cost import CostLimits
from gandash.core.problems import shortened
from gandash.runs.incoming import MEGABYTE, Quota


def _cores() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13 on
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _home() -> Path:
    return Path(platformdirs.user_data_dir("gandash", appauthor=False))


RUNS_A_WORKER = 8


def _memory(workers: int) -> float:
    """A worker's share of half the machine's memory in gigabytes, at least 1."""
    import psutil

    total: int = psutil.virtual_memory().total
    return max(1.0, total / 2e9 / workers)


@dataclass(frozen=True)
class Settings:
    """How the server runs.

    `home`: the folder of the saved runs (`GANDASH_HOME`). `workers`: the most processes that train at the same time
    (`GANDASH_WORKERS`). `dask`: a Dask scheduler's address, which replaces the local processes (`GANDASH_DASK`).
    `idle_pause`: after how many seconds a run that no page watches is paused, or None for never
    (`GANDASH_IDLE_PAUSE`, ``off`` for never). `most_runs`: how many runs train at the same time while others wait
    (`GANDASH_MOST_RUNS`, by default 8 for each worker), and `most_runs_each` of one owner (`GANDASH_MOST_RUNS_EACH`).
    `list_all`: whether everybody sees everybody's runs in the list, or only their own (`GANDASH_LIST`). `url`: the
    address under which others find the dashboard, for links to hand out (`GANDASH_URL`), or None for the one in the
    browser. `most_step`: the most seconds that a step of a run may take by estimate
    (`GANDASH_MOST_STEP`). `most_memory`: the most gigabytes that a worker may need for a run (`GANDASH_MOST_MEMORY`),
    by default its share of half the machine's, at least 1. Either is None for any amount (``off``). `quota`: how large
    an uploaded file may be (`GANDASH_MOST_FILE`), and all that is kept of one owner's (`GANDASH_MOST_DATA_EACH`) and of
    everybody's (`GANDASH_MOST_DATA`), each in megabytes of 10^6 bytes.
    """

    home: Path = field(default_factory=_home)
    workers: int = field(default_factory=_cores)
    dask: str | None = None
    idle_pause: float | None = 60.0
    most_runs: int | None = None
    most_runs_each: int = 4
    list_all: bool = False
    url: str | None = None
    most_step: float | None = 2.0
    most_memory: float | None = field(default_factory=lambda: _memory(_cores()))
    quota: Quota = field(default_factory=Quota)

    @property
    def places(self) -> int:
        """How many runs train at the same time."""
        return RUNS_A_WORKER * self.workers if self.most_runs is None else self.most_runs

    @property
    def cost_limits(self) -> CostLimits:
        """What a run may cost here."""
        return CostLimits(self.most_step, self.most_memory)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; an empty variable counts as absent, nonsense raises `ValueError` in plain words."""
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        settings = cls()
        workers = _count(given, "GANDASH_WORKERS", "worker processes", 256) or settings.workers
        return cls(
            home=Path(given["GANDASH_HOME"]).expanduser().absolute() if "GANDASH_HOME" in given else settings.home,
            workers=workers,
            dask=_address(given["GANDASH_DASK"]) if "GANDASH_DASK" in given else None,
            idle_pause=_seconds(given["GANDASH_IDLE_PAUSE"]) if "GANDASH_IDLE_PAUSE" in given else settings.idle_pause,
            most_runs=_count(given, "GANDASH_MOST_RUNS", "runs that train at the same time", 100_000),
            most_runs_each=_count(given, "GANDASH_MOST_RUNS_EACH", "runs of one owner", 100_000)
            or settings.most_runs_each,
            list_all=_listed(given.get("GANDASH_LIST", "mine")),
            url=_url(given["GANDASH_URL"]) if "GANDASH_URL" in given else None,
            most_step=_most("GANDASH_MOST_STEP", "seconds a step", given, settings.most_step),
            most_memory=_most("GANDASH_MOST_MEMORY", "gigabytes a worker", given, _memory(workers)),
            quota=_quota(given, settings.quota),
        )


def _quota(given: Mapping[str, str], usual: Quota) -> Quota:
    def size(name: str, what: str, default: int) -> int:
        return (_count(given, name, f"megabytes of {what}", 10**8) or default // MEGABYTE) * MEGABYTE

    return Quota(
        file=size("GANDASH_MOST_FILE", "an uploaded file", usual.file),
        each=size("GANDASH_MOST_DATA_EACH", "one owner's data", usual.each),
        all=size("GANDASH_MOST_DATA", "all data", usual.all),
    )


def _count(given: Mapping[str, str], name: str, what: str, most: int) -> int | None:
    """A number from 1 on; None if it is not given."""
    text = given.get(name)
    if text is not None and not (text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValueError(f"{name} is {text[:40]!r}; give a whole number of {what} from 1 to {most:,}.")
    return None if text is None else int(text)


def _listed(text: str) -> bool:
    if text.lower() not in ("mine", "all"):
        raise ValueError(f"GANDASH_LIST is {text[:40]!r}; give mine, or all to list everybody's runs.")
    return text.lower() == "all"


def _address(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal():
        raise ValueError(f"GANDASH_DASK is {text!r}; give a Dask scheduler's address, such as tcp://localhost:8786.")
    return text


def _url(text: str) -> str:
    """An address without a slash at its end."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port that is no number, a bracket too many
        parts, port = urlsplit(""), None
    plain = not parts.query and not parts.fragment and not parts.username and text.isascii() and text.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not plain or " " in text:
        raise ValueError(
            f"GANDASH_URL is {shortened(text)}; give the address under which others find the dashboard, such as "
            "https://gans.example.org or http://192.168.0.7:8501."
        )
    return text.rstrip("/")


def _seconds(text: str) -> float | None:
    if text.lower() == "off":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds < float("inf"):
        raise ValueError(
            f"GANDASH_IDLE_PAUSE is {text!r}; give the seconds after which a run that nobody watches is paused, "
            "at least 1, or off."
        )
    return seconds


def _most(name: str, unit: str, given: Mapping[str, str], default: float | None) -> float | None:
    """A limit on what a run may cost."""
    text = given.get(name, "")
    if not text:
        return default
    if text.lower() == "off":
        return None
    try:
        most = float(text)
    except ValueError:
        most = -1.0
    if not 0 < most < float("inf"):
        raise ValueError(f"{name} is {text[:40]!r}; give the most {unit} that a run may take, more than 0, or off.")
    return most
