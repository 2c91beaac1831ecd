"""`gandash runs`: a server that trains obeys, without one the store is changed; generators leave without a server."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gandash import admin
from gandash.cli import main
from gandash.core.config import RunConfig
from gandash.core.formats import FORMATS
from gandash.core.trainer import Trainer
from gandash.runs import worker
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import FILE_NAME, RunStore
from gandash.runs.wishes import Wishes
from tests.runs.conftest import CONFIG, FakeTraining, ManualEngine, until
from tests.runs.test_saver import locked

QUICK = RunConfig(shape="line", points=64, batch_size=32, generator_widths=(8,), discriminator_widths=(8,), epochs=3)
GONE = "999999999:1.00:x"

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in a folder of their own, where the runs are saved too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANDASH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[RunStore]:
    store = RunStore(folder / "home")
    yield store
    store.close()


@pytest.fixture
def service(store: RunStore) -> Iterator[RunService]:
    """A server on the same file, which trains when its engine is told."""
    service = RunService(RunStore(store.path.parent), ManualEngine(), advance=FakeTraining())
    yield service
    service.close()


def change(folder: Path, assignment: str) -> None:
    """Change all rows behind everybody's back."""
    with sqlite3.connect(folder / "home" / FILE_NAME) as db:
        db.execute(f"UPDATE runs SET {assignment}")
    db.close()


def left(store: RunStore, config: RunConfig = CONFIG, *, chunks: int = 1, advance: object = None) -> str:
    """A run that a server has left in the middle of its training, as one does that is killed."""
    engine = ManualEngine()
    training = worker.advance if advance is None else FakeTraining()
    service = RunService(RunStore(store.path.parent), engine, advance=training)
    run = service.start(config, owner="a" * 64)
    for _ in range(chunks):
        engine.run_next()
    until(lambda: (saved := store.load(run)) is not None and (not chunks or saved.checkpoint is not None))
    service.close()
    change(store.path.parent.parent, f"server = '{GONE}', status = 'running'")
    return run


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that was printed, wherever."""
    captured = capsys.readouterr()
    (line,) = (captured.out + captured.err).splitlines()
    return line


def table(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]


def test_a_server_that_trains_obeys(service: RunService, store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run, other = service.start(CONFIG, owner="a" * 64), service.start(CONFIG, owner="b" * 64)
    until(lambda: store.version(run) and store.version(other))
    assert main(["runs", "stop", run]) == 0
    assert said(capsys) == f"Run {run} is stopped."
    assert service.snapshot(run).status is Status.STOPPED
    assert main(["runs", "delete", other]) == 0
    assert said(capsys).startswith(f"Run {other} is deleted. For an hour at least, `runs undelete {other}` brings")
    assert [each.run_id for each in service.runs()] == [run]
    assert main(["runs", "undelete", other]) == 0
    assert said(capsys) == f"Run {other} is back."
    assert service.snapshot(other).status is Status.PAUSED


@pytest.mark.parametrize(("command", "done"), [("stop", "stopped"), ("delete", "deleted")])
def test_a_server_whose_disk_is_busy_obeys_within_two_seconds(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, done: str
) -> None:
    monkeypatch.setattr(admin, "SAVING", 0.1)
    service = RunService(RunStore(store.path.parent, patience=600.0), ManualEngine(), advance=FakeTraining())
    run = service.start(CONFIG, owner="a" * 64)
    until(lambda: store.version(run))
    with locked(store):  # as long as a large checkpoint of another run is written
        begun = time.monotonic()
        assert main(["runs", command, run]) == 0
        assert time.monotonic() - begun < 20, "ten times what it should take: it waited for the disk"
        assert said(capsys) == f"Run {run} is {done}. {admin.NOT_SAVED}"
        assert [each.status for each in service.runs()] == ([Status.STOPPED] if command == "stop" else [])
    until(lambda: (found := store.standing(run)) and (found.deleted or found.status is Status.STOPPED))
    service.close()


def test_a_wish_that_the_server_cannot_grant_is_told_with_its_reason(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = service.start(CONFIG)
    until(lambda: store.version(run))

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("The disk is full: make room.")

    monkeypatch.setattr(service, "delete", refuse)
    assert main(["runs", "delete", run]) == 1
    assert said(capsys) == f"Error: The server cannot delete run {run}: The disk is full: make room."
    assert Wishes(store.path.parent).pending() == []


def test_a_server_that_trains_and_does_not_obey_is_told(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(admin, "PATIENCE", 0.1)
    monkeypatch.setattr(service._wishes, "pending", lambda: [])
    run = service.start(CONFIG)
    until(lambda: store.version(run))
    assert main(["runs", "stop", run]) == 1
    assert re.match(rf"Error: The server that trains run {run} .process \d+. has not obeyed for 0.1 s", said(capsys))
    assert Wishes(store.path.parent).pending() == [(run, "stop")], "it may still obey"
    assert service.snapshot(run).status is Status.STARTING


def test_a_run_at_rest_is_stopped_although_the_server_hangs(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(admin, "PATIENCE", 0.1)
    monkeypatch.setattr(service._wishes, "pending", lambda: [])
    run = service.start(CONFIG, paused=True)
    until(lambda: store.version(run))
    assert main(["runs", "stop", run]) == 0
    assert said(capsys) == f"Run {run} is stopped."
    assert Wishes(store.path.parent).pending() == []
    with pytest.raises(ValueError, match="stopped for good"):
        service.resume(run)


def test_without_a_server_the_store_is_changed(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run = left(store, advance=FakeTraining())
    before = store.load(run)
    assert main(["runs", "stop", run]) == 0
    assert said(capsys) == f"Run {run} is stopped."
    after = store.load(run)
    assert before is not None and after is not None
    assert (after.snapshot.status, after.snapshot.epoch) == (Status.STOPPED, before.snapshot.epoch)
    assert after.checkpoint == before.checkpoint
    assert len(after.snapshot.history) == len(before.snapshot.history) > 0
    assert main(["runs", "stop", run]) == 0
    assert said(capsys) == f"Run {run} has ended already: it is stopped."

    for command, told in (
        ("undelete", f"Run {run} is not deleted."),
        ("delete", f"Run {run} is deleted. For an hour at least, `runs undelete {run}` brings it back."),
        ("delete", f"Run {run} is deleted already."),
    ):
        assert main(["runs", command, run]) == 0
        assert said(capsys) == told
    for command in ("stop", "export"):
        assert main(["runs", command, run]) == 2
        assert said(capsys) == f"Error: Run {run} is deleted: bring it back by `runs undelete {run}` first."
    assert store.is_deleted(run) and Wishes(store.path.parent).pending() == []
    assert main(["runs", "undelete", run]) == 0
    assert store.load(run) is not None


def test_runs_are_listed(service: RunService, store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert said(capsys).startswith("No runs are saved in ")
    old = left(store, advance=FakeTraining())
    run = service.start(CONFIG.model_copy(update={"shape": "ring8"}))
    service.rename(run, "ends\x1b[31m here\u202e", "")
    until(lambda: (saved := store.load(run)) is not None and saved.snapshot.name)
    for command in (["runs"], ["runs", "list"]):
        assert main(command) == 0
        titles, newest, oldest = table(capsys)
        assert titles == ["run", "status", "epoch", "target", "gap to real", "name", "age"]
        assert newest[:5] == [run, "starting", "0 of 100", "8 Gaussians", "ends [31m here"]
        assert re.fullmatch(r"\d+ s", newest[5])
        assert oldest[:4] == [old, "paused", "2 of 100", "Line"], "its server is gone"


def test_unreadable_runs_are_listed_and_can_be_deleted(
    store: RunStore, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = left(store, advance=FakeTraining())
    change(folder, "status = 'asleep'")
    assert main(["runs"]) == 0
    assert table(capsys)[1] == [run, "unreadable"]
    for command in ("stop", "export"):
        assert main(["runs", command, run]) == 2
        assert re.match(f"Error: Run {run} cannot be opened: .* It can still be deleted.", said(capsys))
    assert main(["runs", "delete", run]) == 0
    assert store.is_deleted(run)


def test_unknown_ids_are_told_with_the_nearest(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run = left(store, chunks=0, advance=FakeTraining())
    wrong = ("x" + run[1:], f"There is no run 'x{run[1:]}'. Did you mean {run}?")
    begun = (run[:3], f"There is no run '{run[:3]}'. Did you mean {run}?")
    odd = ("x\x1b[2J" * 500, r"There is no run 'x\x1b[2Jx")
    for given, told in (wrong, begun, odd):
        for command in ("stop", "delete", "undelete", "export"):
            assert main(["runs", command, given]) == 2
            line = said(capsys)
            assert line.startswith(f"Error: {told}") and len(line) < 200
    assert main(["runs", "export", run]) == 2
    assert said(capsys) == f"Error: Run {run} has not trained yet, so it has no generator."


def test_without_saved_runs_nothing_is_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert said(capsys).startswith(f"No runs are saved in {folder / 'home'}.")
    assert main(["runs", "stop", "0123456789"]) == 2
    assert said(capsys).startswith(f"Error: No runs are saved in {folder / 'home'}.")
    assert list(folder.iterdir()) == []


def test_a_file_that_is_none_of_ours_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "home").mkdir()
    (folder / "home" / FILE_NAME).write_bytes(b"no database" * 1000)
    assert main(["runs"]) == 1
    told = said(capsys)
    assert told.startswith("Error: The saved runs cannot be read or written") and str(folder / "home") in told


@pytest.mark.parametrize(
    ("decay", "default", "missing", "choice"),
    [(0.0, "the latest generator", "ema", "latest, best"), (0.9, "the running average of the generator", "", "")],
)
def test_generators_leave_without_a_server(
    decay: float, default: str, missing: str, choice: str, store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run = left(store, QUICK.model_copy(update={"ema_decay": decay}))
    assert main(["runs", "export", run]) == 0
    assert f"Saved {default} to line.pt.\nIts gap to real is " in capsys.readouterr().out
    first = Path("line.pt").read_bytes()
    assert main(["runs", "export", "--which", "best", run]) == 0
    assert re.search("Saved .* to line-2.pt.", capsys.readouterr().out)
    assert Path("line.pt").read_bytes() == first
    assert main(["runs", "export", run, "--out", "line.pt", "--which", "latest"]) == 0
    for name in ("line.pt", "line-2.pt"):
        points = torch.jit.load(name)(torch.randn(7, 2))  # type: ignore[no-untyped-call]
        assert points.shape == (7, 2) and bool(torch.isfinite(points).all())
    capsys.readouterr()
    if missing:
        assert main(["runs", "export", run, "--which", missing]) == 2
        assert said(capsys) == f"Error: Run {run} has no {missing!r} generator: choose one of {choice}."
    assert main(["runs", "export", run, "--out", "nowhere/g.pt"]) == 2
    assert "there is no folder" in said(capsys)
    assert sorted(path.name for path in Path().iterdir()) == ["home", "line-2.pt", "line.pt"]


@pytest.mark.parametrize("format", FORMATS)
def test_generators_leave_in_every_format(format: str, store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run = left(store, QUICK.model_copy(update={"ema_decay": 0.9}))
    assert main(["export", run, "--format", format, "--which", "average"]) == 0
    told = capsys.readouterr().out
    file = FORMATS[format]
    assert f"Saved the running average of the generator to line{file.suffix}." in told
    assert all(f"    {line}\n" in told for line in file.lines(f"line{file.suffix}", 2).splitlines())
    stored = store.load(run)
    assert stored is not None and stored.checkpoint is not None
    trainer = Trainer.resume(stored.snapshot.config, stored.checkpoint)
    if format in ("portable", "onnx"):  # the same bytes each time
        assert Path(f"line{file.suffix}").read_bytes() == trainer.export("ema", format)
    assert main(["export", run, "--format", format, "--out", "other"]) == 0
    assert Path("other").exists()


def test_an_export_that_cannot_be_is_refused(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = left(store)
    assert main(["export", run, "--format", "pickle"]) == 2
    assert "'pickle'" in said(capsys)
    monkeypatch.setattr("gandash.core.formats.find_spec", lambda name: None)
    assert main(["export", run, "--format", "onnx"]) == 2
    assert said(capsys) == "Error: The package onnx is missing here, which writes ONNX files: pip install onnx."
    assert [path.name for path in Path().iterdir()] == ["home"]


def test_a_damaged_checkpoint_is_told(store: RunStore, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = left(store, advance=FakeTraining())
    assert main(["runs", "export", run]) == 2
    assert said(capsys).startswith(f"Error: Run {run} cannot be exported: ")
    assert list(folder.iterdir()) == [folder / "home"]


def test_help_tells_the_actions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["runs", "--help"])
    help_text = capsys.readouterr().out
    for action in ("list", "stop", "delete", "undelete", "export"):
        assert re.search(rf"^    {action} ", help_text, re.MULTILINE)
