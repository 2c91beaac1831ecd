"""The saved runs for whoever runs the server, without a page: list, stop, delete, bring back, export.

A server that is there is asked by a wish (`gandash.runs.wishes`), which it obeys about once a second; what no server
trains is changed in the store itself. This module knows no arguments; importing it imports no torch, `export` does.
"""

from __future__ import annotations

import difflib
import sqlite3
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gandash.core.formats import known
from gandash.core.judge import JUDGE_VERSION
from gandash.core.metrics import METRICS, percent
from gandash.core.problems import one_line, shortened
from gandash.headless import FailedError, RefusedError, checked_target, faults_told, free, save_generator
from gandash.runs import run as runs
from gandash.runs.run import Run
from gandash.runs.settings import Settings
from gandash.runs.snapshot import RunSummary, Status
from gandash.runs.store import RunStore, Standing, StoredRun, StoreError, is_alive, opened
from gandash.runs.wishes import Wish, Wishes

if TYPE_CHECKING:
    from gandash.core.records import Variant

PATIENCE = 5.0
"""How long a server may take to obey, in seconds."""
SAVING = 1.0
"""How long it may take then to write that to the disk; if it takes longer that is said."""

SECONDS_PER_LOOK = 0.05
NOT_SAVED = "The server has not written that to its disk yet, which is busy or full."
LONGEST_NAME = 40
NEAREST = 3


class NoRunsError(RefusedError):
    """There are no saved runs."""


def listing() -> list[tuple[str, ...]]:
    """A line for each saved run below the titles of the columns, the newest first; raises `NoRunsError`."""
    titles = ("run", "status", "epoch", "target", METRICS["headline"].title.lower(), "name", "age")
    with _saved() as store:
        lines = [_line(store, run) for run in store.summaries()]
        if not lines:
            raise NoRunsError(f"No runs are saved in {store.path.parent}.")
        return [titles, *lines]


def stop(run_id: str) -> str:
    """End a run for good; says what came of it."""
    with _saved() as store:
        standing = _in_sight(store, run_id)
        if standing.status is not None and standing.status.ended:
            return f"Run {run_id} has ended already: it is {_word(standing.status)}."
        _load(store, run_id)  # one that cannot be read cannot be stopped
        if not _obeyed(store, run_id, "stop"):
            _stop_here(store, run_id)
        if not _has_come(store, run_id, "stop"):
            return f"Run {run_id} is {_word(Status.STOPPED)}. {NOT_SAVED}"
        return f"Run {run_id} is {_word(_standing(store, run_id).status or Status.STOPPED)}."


def delete(run_id: str) -> str:
    """Put a run out of sight, from where `undelete` can bring it back; says what came of it."""
    with _saved() as store:
        if _standing(store, run_id).deleted:
            return f"Run {run_id} is deleted already."
        if not _obeyed(store, run_id, "delete"):
            store.delete(run_id)
        if not _has_come(store, run_id, "delete"):
            return f"Run {run_id} is deleted. {NOT_SAVED}"
        return f"Run {run_id} is deleted. For an hour at least, `runs undelete {run_id}` brings it back."


def undelete(run_id: str) -> str:
    """Bring a deleted run back; says what came of it."""
    with _saved() as store:
        if not _standing(store, run_id).deleted:
            return f"Run {run_id} is not deleted."
        with _disk_told():
            Wishes(store.path.parent).grant(run_id, "delete")
        if not store.undelete(run_id):
            raise FailedError(f"Run {run_id} is gone for good.")
        return f"Run {run_id} is back."


def export(run_id: str, which: Variant | None = None, out: Path | None = None, format: str = "torchscript") -> None:
    """Write a generator of a run, as it was saved last, in one of `FORMATS`, and say so and how it is loaded.

    `which` is by default the running average if the run keeps one, else the latest; `out` a name that no file has.
    """
    file = known(format)
    if missing := file.missing():
        raise RefusedError(missing)
    with _saved() as store:
        _in_sight(store, run_id)
        stored = _load(store, run_id)
    if stored.checkpoint is None:
        raise RefusedError(f"Run {run_id} has not trained yet, so it has no generator.")
    snapshot = stored.snapshot
    which = which or ("ema" if snapshot.config.ema_decay else "latest")
    if which not in snapshot.variants:
        choice = ", ".join(map(one_line, snapshot.variants))
        raise RefusedError(f"Run {run_id} has no {which!r} generator: choose one of {choice}.")
    name = f"{snapshot.config.shape}{file.suffix}"
    path = free(name, taken=Path(name).exists()) if out is None else out
    checked_target("--out", path)

    import torch

    from gandash.core.trainer import Trainer

    torch.set_num_threads(1)
    with faults_told():
        try:
            trainer = Trainer.resume(snapshot.config, stored.checkpoint, device="cpu")
            save_generator(trainer, which, path, file.name)
        except ValueError as error:
            raise RefusedError(f"Run {run_id} cannot be exported: {error}") from error
    lines = file.lines(str(path), snapshot.config.latent_dim, numbers=bool(trainer.target.numbers))
    print("\nTo load it, in a process that needs no gandash:\n\n" + textwrap.indent(lines, "    "))


@contextmanager
def _saved() -> Iterator[RunStore]:
    """The saved runs; raises `NoRunsError` if there are none, and puts what cannot be read into words."""
    try:
        home = Settings.from_environment().home
    except ValueError as error:
        raise RefusedError(str(error)) from error
    try:
        with opened(home) as store:
            if store is None:
                raise NoRunsError(f"No runs are saved in {home}. GANDASH_HOME says where they are, if elsewhere.")
            yield store
    except StoreError as error:
        if isinstance(error.__cause__, sqlite3.Error | OSError):
            raise FailedError(f"{error} It is {home} now.") from error
        raise RefusedError(str(error)) from error


def _standing(store: RunStore, run_id: str) -> Standing:
    standing = store.standing(run_id)
    if standing is None:
        raise RefusedError(f"There is no run {shortened(run_id)}.{_nearest(store, run_id)}")
    return standing


def _in_sight(store: RunStore, run_id: str) -> Standing:
    standing = _standing(store, run_id)
    if standing.deleted:
        raise RefusedError(f"Run {run_id} is deleted: bring it back by `runs undelete {run_id}` first.")
    return standing


def _load(store: RunStore, run_id: str) -> StoredRun:
    stored = store.load(run_id)
    if stored is None:
        raise FailedError(f"Run {run_id} was deleted meanwhile.")
    return stored


def _nearest(store: RunStore, run_id: str) -> str:
    known = [run.run_id for run in store.summaries()]
    begun = [other for other in known if run_id and other.startswith(run_id)]
    close = begun or difflib.get_close_matches(run_id[:100], known, n=NEAREST)
    return f" Did you mean {' or '.join(map(one_line, close[:NEAREST]))}?" if close else " `runs` lists them."


def _obeyed(store: RunStore, run_id: str, wish: Wish) -> bool:
    """Ask the server to do something to a run, if one is there; False if it has to be done without one.

    Raises `FailedError` if the server trains the run and does not obey.
    """
    if not any(is_alive(server) for server in store.servers(idle=True)):
        return False
    wishes, deadline = Wishes(store.path.parent), time.monotonic() + PATIENCE
    with _disk_told():
        wishes.make(run_id, wish)
        while (why := wishes.answer(run_id, wish)) is None:
            if time.monotonic() > deadline:
                return _not_obeyed(store, wishes, run_id, wish)
            time.sleep(SECONDS_PER_LOOK)
        wishes.grant(run_id, wish)  # it is answered
    if why:
        raise FailedError(f"The server cannot {wish} run {run_id}: {why}")
    return True


@contextmanager
def _disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FailedError(f"The server cannot be asked ({error.strerror}): check the disk's free space.") from error


def _has_come(store: RunStore, run_id: str, wish: Wish) -> bool:
    """Whether the saved runs say what has been done, soon at least."""
    deadline = time.monotonic() + SAVING
    while True:
        standing = store.standing(run_id)
        if standing is None or standing.deleted or (wish == "stop" and standing.status and standing.status.ended):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(SECONDS_PER_LOOK)


def _not_obeyed(store: RunStore, wishes: Wishes, run_id: str, wish: Wish) -> bool:
    server = store.server_of(run_id)
    if server is None or not is_alive(server):  # nobody trains it
        wishes.grant(run_id, wish)
        return False
    raise FailedError(
        f"The server that trains run {run_id} (process {one_line(server.partition(':')[0])}) has not obeyed for "
        f"{PATIENCE:g} s. The wish to {wish} the run holds for a minute; if the server hangs, end it and try again."
    )


def _stop_here(store: RunStore, run_id: str) -> None:
    """Stop a run that no server trains."""
    stored = _load(store, run_id)
    stopped = runs.stop(Run(stored.snapshot, stored.checkpoint)).snapshot
    if not store.save(stopped, since=stored.snapshot.version, server=stored.server):
        raise FailedError(f"Run {run_id} was changed by a server meanwhile: try again.")


def _line(store: RunStore, run: RunSummary) -> tuple[str, ...]:
    run_id = one_line(run.run_id)
    if run.damaged:
        return run_id, "unreadable", "", "", "", "", ""
    server = store.server_of(run.run_id)
    left = run.status.active and (server is None or not is_alive(server))  # as the next server will have it
    name = one_line(run.name)
    return (
        run_id,
        _word(Status.PAUSED if left else run.status),
        f"{run.epoch:,} of {run.planned_epochs:,}",
        one_line(run.title)[:LONGEST_NAME],
        _gap(run),
        name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}...",
        _age((datetime.now(UTC) - run.created).total_seconds()),
    )


def _gap(run: RunSummary) -> str:
    if run.headline is None:
        return ""
    return percent(run.headline) if run.judge == JUDGE_VERSION else "earlier judge"


def _word(status: Status) -> str:
    return status.replace("_", " ")


def _age(seconds: float) -> str:
    """How long ago, in the largest unit that fits."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
