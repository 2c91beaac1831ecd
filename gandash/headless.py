"""A run without a browser: train with a progress bar, stop cleanly at Ctrl-C, write the files.

This module knows no arguments and no page. Importing it imports no torch; `run` does, after everything that can be
refused without it has been checked.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from gandash.camera import Camera
from gandash.core import told
from gandash.core.config import RunConfig
from gandash.core.faults import of_the_machine
from gandash.core.formats import FORMATS
from gandash.core.metrics import METRICS, percent
from gandash.core.records import finite
from gandash.lineage import Parent

if TYPE_CHECKING:
    from gandash.core.records import Appraisal, EpochRecord, Variant
    from gandash.core.trainer import Trainer

SECONDS_PER_LOOK = 0.2
"""How often the bar moves and Ctrl-C is looked for."""


class Exit(IntEnum):
    """How a command ended, as its exit status."""

    DONE = 0
    FAILED = 1
    REFUSED = 2
    DIVERGED = 3
    INTERRUPTED = 130


class RefusedError(ValueError):
    """What was asked for cannot be done; nothing was trained or written."""


class FailedError(RuntimeError):
    """Something went wrong on the way that is not the user's doing."""


@dataclass(frozen=True)
class Request:
    """What to train and what to write.

    With a `parent` the run is trained on from it with these `changes`, and `config` is its child's.
    `model` takes the TorchScript generator `which` (None: the running average if the run keeps one, else the latest),
    `history` a JSON file, `checkpoint` a file to train on from, `samples` a CSV file with `sample_count` generated
    points. `film` takes the epochs that a run's timeline keeps, as a GIF or in HTML by its ending, and the folder
    `pictures` the picture of every `pictures_every`-th epoch. `threads` are torch's. `sources` are the files that were
    read, by their options: none is written to.
    """

    config: RunConfig
    model: Path
    parent: Parent | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    which: Variant | None = None
    history: Path | None = None
    checkpoint: Path | None = None
    samples: Path | None = None
    sample_count: int = 2000
    threads: int = 1
    film: Path | None = None
    pictures: Path | None = None
    pictures_every: int = 25
    sources: Mapping[str, Path] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `RefusedError` if a file could not be written after the training or the generator will not exist."""
        if self.which == "ema" and not self.config.ema_decay:
            raise RefusedError("There will be no running average to save: set --ema-decay to 0.999, say.")
        targets: dict[Path, str] = {}
        if self.film is not None and self.film.suffix.lower() not in (".gif", ".html"):
            raise RefusedError(f"--film {self.film}: a film is a GIF or a page, so give a name with .gif or .html.")
        if self.pictures is not None:
            _check_folder("--pictures", self.pictures)
        written = {"--out": self.model, "--json": self.history, "--checkpoint": self.checkpoint, "--csv": self.samples}
        written["--film"] = self.film
        for option, path in written.items():
            if path is None:
                continue
            target = checked_target(option, path)
            for source, read in self.sources.items():
                if target.exists() and read.exists() and target.samefile(read):
                    raise RefusedError(
                        f"{option} {path} would overwrite what {source} reads: give {option} another name."
                    )
            if target in targets:
                raise RefusedError(f"{targets[target]} and {option} are the same file, {path}: give two names.")
            targets[target] = option


def run(request: Request) -> Exit:
    """Train, save, and say on standard output what was saved; raises `RefusedError` and `FailedError`."""
    request.check()
    with _ctrl_c() as interrupted:
        import torch

        torch.set_num_threads(request.threads)
        with faults_told():
            try:
                trainer = _trainer(request)
            except ValueError as error:
                raise RefusedError(str(error)) from error
            camera = Camera(
                trainer, film=request.film is not None, folder=request.pictures, step=request.pictures_every
            )
            _train(trainer, interrupted, camera)
        if interrupted.is_set() and not trainer.progress:
            print("Stopped by Ctrl-C before the first step: there is nothing to save.", file=sys.stderr)
            return Exit.INTERRUPTED
        stopped = trainer.state == "running"
        message = f"Stopped by Ctrl-C in epoch {trainer.epoch + 1:,}." if stopped else trainer.message
        _save(request, trainer, "stopped" if stopped else trainer.state, message, camera)
    if trainer.state == "diverged":
        return Exit.DIVERGED
    return Exit.INTERRUPTED if stopped else Exit.DONE


def _trainer(request: Request) -> Trainer:
    from gandash.core.fork import fork
    from gandash.core.trainer import Trainer

    parent = request.parent
    if parent is None:
        return Trainer(request.config)
    trainer = Trainer.resume(*fork(parent.config, parent.checkpoint, request.changes))
    trainer.history = [record for record in parent.records if record.epoch <= trainer.first_epoch]
    first, last = trainer.first_epoch + 1, trainer.last_epoch
    epochs = f"epoch {first:,}" if first == last else f"epochs {first:,} to {last:,}"
    print(f"Training on from epoch {trainer.first_epoch:,} of {parent.name}: {epochs}.", file=sys.stderr)
    return trainer


def history_json(
    trainer: Trainer, state: str, message: str, saved: Appraisal | None = None, parent: str | None = None
) -> str:
    """Config, epoch records, best epoch and how it ended, as JSON; what is not a finite number is null.

    `saved` is of the generator that was saved. A run that was trained on from a `parent` says so, with the epoch where
    it began, and has its records in front.
    """
    document = {
        "config": trainer.config.model_dump(mode="json"),
        "parent": None if parent is None else {"name": parent, "epoch": trainer.first_epoch},
        "state": state,
        "message": message,
        "best_epoch": trainer.best_epoch,
        "saved": saved and asdict(saved),
        "records": [asdict(record) for record in trainer.history],
    }
    return json.dumps(finite(document), indent=1, allow_nan=False) + "\n"


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a file of that name stays as it was until the new one is complete."""
    target = path.resolve()
    temporary = _temporary(target)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def checked_target(option: str, path: Path) -> Path:
    """Where the file of an option will be; raises `RefusedError` if it cannot be written there."""
    try:
        target = path.resolve()
        if target.is_dir():
            raise RefusedError(f"{option} {path} is a folder: give the name of a file.")
        if target.exists() and not target.is_file():
            raise RefusedError(f"{option} {path} is not an ordinary file: give another name.")
        if target.exists() and not os.access(target, os.W_OK):
            raise RefusedError(f"{option} {path} is write-protected: give another name.")
        if not target.parent.is_dir():
            raise RefusedError(f"{option} {path}: there is no folder {target.parent}; create it or choose another.")
        _temporary(target).touch()
        _temporary(target).unlink()
    except (OSError, RuntimeError) as error:  # resolve() tells of a circle of links by RuntimeError
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise RefusedError(f"{option} {path} cannot be written ({reason}): choose another folder or name.") from error
    return target


def free(name: str, *, taken: bool) -> Path:
    """The name, or if that is `taken`, the first one with a number that no file has."""
    path = Path(name)
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(other for other in names if not other.exists()) if taken else path


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the program at once."""
    event = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def set_event(*_: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, set_event)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def _train(trainer: Trainer, interrupted: threading.Event, camera: Camera) -> None:
    bar = tqdm(
        total=trainer.last_epoch,
        initial=trainer.epoch,
        desc=trainer.target.title,
        unit="epoch",
        dynamic_ncols=True,
        mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log needs no animation
        miniters=1,
        file=sys.stderr,
    )
    with bar:
        while trainer.state == "running" and not interrupted.is_set():
            records = trainer.advance(epochs=camera.wait(trainer.epoch), seconds=SECONDS_PER_LOOK)
            if records:
                camera.look(trainer)
                bar.set_postfix_str(_figures(records[-1], trainer.history), refresh=False)
                bar.update(len(records))
    if trainer.state == "running" and not np.isfinite(trainer.sample(100, seed=0, which=trainer.shown)).all():
        trainer.advance(epochs=1)  # a finished epoch finds out that it diverged and goes back to the healthy generator


def _figures(record: EpochRecord, history: list[EpochRecord]) -> str:
    parts = [f"generator loss {record.generator_loss:.3f}", f"discriminator loss {record.discriminator_loss:.3f}"]
    headline = _last_headline(history)
    if headline is not None:
        parts.append(f"{METRICS['headline'].title.lower()} {percent(headline)}")
    return ", ".join(parts)


def _last_headline(history: list[EpochRecord]) -> float | None:
    return next((record.metrics["headline"] for record in reversed(history) if "headline" in record.metrics), None)


def _save(request: Request, trainer: Trainer, state: str, message: str, camera: Camera) -> None:
    if trainer.state == "diverged":
        print(f"Error: {message}", file=sys.stderr)
    else:
        print(f"{trainer.target.title}: {message}")
    which = _variant(request, trainer)
    if state in ("finished", "stopped_early"):
        trainer.verdict(which)
    appraisal = save_generator(trainer, which, request.model)
    if request.history is not None:
        parent = None if request.parent is None else request.parent.name
        _write(request.history, history_json(trainer, state, message, appraisal, parent).encode())
        print(f"Saved the figures of {len(trainer.history):,} epochs to {request.history}.")
    if request.checkpoint is not None:
        _write(request.checkpoint, trainer.checkpoint())
        print(f"Saved the checkpoint of epoch {trainer.epoch:,} to {request.checkpoint}.")
    if request.samples is not None:
        _write(request.samples, _csv(trainer, request.sample_count, which))
        print(f"Saved {request.sample_count:,} {_things(trainer)} that it generated to {request.samples}.")
    _save_pictures(request, trainer, camera)
    print(f"\n{_use(request, trainer)}")


def _things(trainer: Trainer) -> str:
    return "numbers" if trainer.target.numbers else "points"


def _use(request: Request, trainer: Trainer) -> str:
    """How to load the file and what comes out of it."""
    name = json.dumps(str(request.model), ensure_ascii=False)[1:-1]
    numbers = bool(trainer.target.numbers)
    lines = FORMATS["torchscript"].lines(name, request.config.latent_dim, numbers=numbers)
    what = (
        "numbers are whole ones, shape (1000,)"
        if numbers
        else f"points are float32, shape (1000, {trainer.target.dim}), in the target's own units"
    )
    return f"To load it, wherever torch is installed ({what}):\n\n{textwrap.indent(lines, '    ')}"


def save_generator(trainer: Trainer, which: Variant, path: Path, format: str = "torchscript") -> Appraisal:
    """Write a generator in one of `FORMATS`, and say which it is and how good."""
    appraisal = trainer.appraise(which)
    _write(path, trainer.export(which, format))
    print(f"Saved {_named(appraisal, trainer)} to {path}.")
    gap = f"{percent(appraisal.metrics['headline'])} ± {percent(appraisal.uncertainty)}"
    print(f"Its {METRICS['headline'].title.lower()} is {gap}; 0 % is as good as real.")
    for said in filter(None, (told.verdict(appraisal), told.copies(appraisal.metrics))):
        print(said)
    return appraisal


def _variant(request: Request, trainer: Trainer) -> Variant:
    """The generator to save: the one asked for, as far as it exists."""
    which = request.which or trainer.shown
    if which in trainer.variants:
        return which
    print(f"There is no {which!r} generator yet, so it is the {trainer.shown!r} one that is saved.", file=sys.stderr)
    return trainer.shown


def _named(saved: Appraisal, trainer: Trainer) -> str:
    match saved.which:
        case "best":
            return f"the best generator, that of epoch {saved.epoch:,},"
        case _ if trainer.state == "diverged":
            return f"the last healthy generator, that of epoch {saved.epoch:,},"
        case "ema":
            return "the running average of the generator"
        case _:
            return "the latest generator"


def _save_pictures(request: Request, trainer: Trainer, camera: Camera) -> None:
    """Write the film, and say what pictures were written on the way."""
    if request.pictures is not None:
        print(f"Saved the pictures of {len(camera.pictured):,} epochs in {request.pictures}.")
    if request.film is not None:
        _write(request.film, camera.film(trainer, gif=request.film.suffix.lower() == ".gif"))
        print(f"Saved the film as {request.film}.")


def _check_folder(option: str, path: Path) -> None:
    """Make the folder of an option if there is none; raises `RefusedError` if nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(f"{option} {path} is no folder that could be made ({error.strerror or error}).") from error
    if not os.access(path, os.W_OK):
        raise RefusedError(f"{option} {path} is write-protected: give another folder.")


def _csv(trainer: Trainer, count: int, which: Variant) -> bytes:
    return trainer.target.csv(trainer.sample(count, seed=trainer.config.seed, which=which))


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise FailedError(f"{path} could not be written: {error.strerror or error}.") from error


@contextmanager
def faults_told() -> Iterator[None]:
    """Raise `FailedError` in words where the machine runs out of memory or its GPU fails."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if fault := of_the_machine(error):
            raise FailedError(fault) from error
        raise
