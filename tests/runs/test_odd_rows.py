"""Rows of a newer version, or damaged ones: the others are listed, the odd one can be deleted; never a traceback."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gandash.live import messages
from gandash.pages import report, words
from gandash.runs.service import NotYoursError, RunService, UnknownRun
from gandash.runs.snapshot import Frame, History, Snapshot, Status
from gandash.runs.store import _SCHEMA, FILE_NAME, RunStore, StoreError, is_alive
from gandash.runs.timeline import Kept

from .conftest import CONFIG, REAL, FakeTraining, ManualEngine, appraisals, record, until

UNREADABLE = {
    "a status of a newer version": "UPDATE runs SET status = 'dreaming'",
    "no date": "UPDATE runs SET created = 'yesterday'",
    "a date that is a number": "UPDATE runs SET created = 7",
    "a date before all time zones": "UPDATE runs SET created = '0001-01-01T00:00:00+14:00'",
    "appraisals that are no JSON": "UPDATE runs SET appraisals = '{'",
    "appraisals of another kind": "UPDATE runs SET appraisals = '[1, 2]'",
    "appraisals that lack something": """UPDATE runs SET appraisals = '{"latest": {"which": "latest"}}'""",
    "metrics that are words": """UPDATE runs SET appraisals = json_set(appraisals, '$.latest.metrics.mse', 'low')""",
    "metrics that are a list": """UPDATE runs SET appraisals = json_set(appraisals, '$.latest.metrics', json('[1]'))""",
    "deeply nested appraisals": f"UPDATE runs SET appraisals = '{'[' * 100_000}'",
    "variants that are no JSON": "UPDATE runs SET variants = 'latest'",
    "variants that are numbers": "UPDATE runs SET variants = '[1]'",
    "owners that are no list": """UPDATE runs SET owners = '{"a": 1}'""",
    "a message that is a blob": "UPDATE runs SET message = x'00ff'",
    "a name that is a blob": "UPDATE runs SET name = x'00ff'",
    "an epoch in words": "UPDATE runs SET epoch = 'seven'",
    "progress in words": "UPDATE runs SET progress = 'half'",
    "progress that is no number": "UPDATE runs SET progress = 'nan'",
    "endless progress": "UPDATE runs SET progress = 9e999",
    "infinite epochs": "UPDATE runs SET epoch = 9e999",
    "a generator of a newer version": """UPDATE runs SET variants = '["latest", "newest"]'""",
    "one generator twice": """UPDATE runs SET variants = '["latest", "latest"]'""",
    "a config that is no JSON": "UPDATE runs SET config = '{'",
    "a config that is a list": "UPDATE runs SET config = '[]'",
    "a config that is a number": "UPDATE runs SET config = 7",
    "a config that is a blob": "UPDATE runs SET config = x'00ff'",
    "a config of a newer version": "UPDATE runs SET config = json_set(config, '$.colour', 'red')",
    "an appraised in words": "UPDATE runs SET appraised = 'never'",
    "an appraised without end": "UPDATE runs SET appraised = 9e999",
    "a version in words": "UPDATE runs SET version = 'newest'",
    "phases in words": "UPDATE runs SET hand_played = 'many'",
    "left out without end": "UPDATE runs SET left_out = 9e999",
}

CANNOT_BE_OPENED = {
    "a frame that is cut off": "UPDATE frames SET points = substr(points, 1, 999)",
    "a frame that is text": "UPDATE frames SET points = 'points'",
    "a frame without dimensions": "UPDATE frames SET dim = 0",
    "a frame with dimensions in words": "UPDATE frames SET dim = 'two'",
    "a frame's epoch in words": "UPDATE frames SET epoch = 'two'",
    "a frame's progress that is no number": "UPDATE frames SET progress = 'nan'",
    "real points that are cut off": "UPDATE real SET points = substr(points, 1, 999)",
    "a history that is cut off": "UPDATE history SET columns = substr(columns, 1, 90)",
    "a history whose names are no JSON": "UPDATE history SET names = '?'",
    "a history whose names are numbers": "UPDATE history SET names = '[1, 2, 3, 4, 5, 6]'",
    "a checkpoint that is a number": "UPDATE checkpoints SET data = 7",
}

ALL = UNREADABLE | CANNOT_BE_OPENED


def fill(store: RunStore) -> None:
    points = np.zeros((1000, 2), np.float32)
    for age, run_id in enumerate(("good", "odd", "fine")):
        created = datetime(2024, 5, 17, tzinfo=UTC) - timedelta(days=age)
        start = Snapshot(
            run_id,
            1,
            CONFIG,
            Status.PAUSED,
            created,
            epoch=2,
            progress=0.02,
            frames=(Frame(2, 0.02, points),),
            history=History().extended([record(1), record(2)]),
            appraisals={appraisal.which: appraisal for appraisal in appraisals(4, 0.02)},
            appraised=0.02,
            variants=("latest", "best"),
            real=REAL,
        )
        store.create(start, "me", b'{"halves": 4, "first_epoch": 0}', [Kept(1, points[:, :2])])


def damage(store: RunStore, statement: str) -> None:
    column = "id" if "UPDATE runs" in statement else "run_id"
    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        db.execute(f"{statement} WHERE {column} = 'odd'")


@pytest.mark.parametrize("statement", ALL.values(), ids=ALL)
def test_an_odd_row_hides_no_other_and_can_be_deleted(
    store: RunStore, engine: ManualEngine, training: FakeTraining, statement: str
) -> None:
    fill(store)
    damage(store, statement)
    service = RunService(store, engine, advance=training)
    listed = {run.run_id: run for run in service.runs()}
    assert set(listed) == {"good", "odd", "fine"}
    odd = listed.pop("odd")
    assert odd.damaged == (statement in UNREADABLE.values())
    if odd.damaged:
        assert (odd.title, odd.spec, odd.status) == ("Unreadable run", None, Status.FAILED)
        assert "it can only be deleted" in odd.message
    assert all((run.headline, run.epoch, run.damaged) == (4.5, 2, False) for run in listed.values())
    for call in (service.snapshot, service.resume, service.pause, service.checkpoint):
        with pytest.raises(StoreError, match="Run odd ") as caught:
            call("odd")
        assert len(str(caught.value)) < 1000
    assert next(run for run in service.runs() if run.run_id == "odd").damaged, "whoever has tried sees that"
    service.thumbnail("odd")
    service.delete("odd")
    assert [run.run_id for run in service.runs()] == ["good", "fine"]
    with pytest.raises(UnknownRun):
        service.snapshot("odd")
    until(lambda: store.is_deleted("odd"))
    service.undelete("odd")
    until(lambda: store.is_deleted("odd") is False)
    assert "odd" in {run.run_id for run in service.runs()}
    service.resume("good")
    assert engine.run_next() == "good"
    until(lambda: service.snapshot("good").epoch == 4)
    service.close()


@pytest.mark.parametrize("server", ["''", "7", "x'00ff'", "'1:2:3'", "'99999999999999999999:1.0:x'", "'a:b:c'"])
def test_an_active_run_of_an_odd_server_is_paused(store: RunStore, training: FakeTraining, server: str) -> None:
    fill(store)
    damage(store, f"UPDATE runs SET status = 'running', server = {server}")
    service = RunService(store, ManualEngine(), advance=training)
    assert service.snapshot("odd").status is Status.PAUSED
    service.close()


def test_text_that_is_no_text_is_shown_as_far_as_it_goes(store: RunStore) -> None:
    fill(store)
    damage(store, "UPDATE runs SET name = CAST(x'41ff42' AS TEXT)")
    assert {run.run_id: run.name for run in store.summaries()}["odd"] == "A\N{REPLACEMENT CHARACTER}B"
    stored = store.load("odd")
    assert stored is not None and stored.snapshot.name == "A\N{REPLACEMENT CHARACTER}B"


def test_an_unreadable_run_stays_its_owners(store: RunStore, training: FakeTraining) -> None:
    fill(store)
    damage(store, f"UPDATE runs SET status = 'dreaming', owners = '[\"{'a' * 64}\"]'")
    service = RunService(store, ManualEngine(), advance=training)
    odd = next(run for run in service.runs() if run.damaged)
    assert odd.owners == ("a" * 64,)
    with pytest.raises(NotYoursError):
        service.delete("odd", owner="b" * 64)
    service.delete("odd", owner="a" * 64)
    service.close()


def test_a_date_without_a_zone_can_be_compared(store: RunStore) -> None:
    fill(store)
    damage(store, "UPDATE runs SET created = '2024-05-17T12:00:00'")
    stored = store.load("odd")
    assert stored is not None and stored.snapshot.created < datetime.now(UTC)
    assert all(run.created < datetime.now(UTC) for run in store.summaries())


def test_odd_rows_do_not_stop_the_purge(store: RunStore) -> None:
    fill(store)
    damage(store, "UPDATE runs SET status = 'dreaming', deleted = 'long ago'")
    store.delete("good", datetime(2024, 1, 1, tzinfo=UTC))
    store.purge(datetime.now(UTC))
    assert store.is_deleted("good") is None
    assert [run.run_id for run in store.summaries()] == ["fine"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET status = 'dreaming'",
        "UPDATE runs SET metrics = 'none'",
        "UPDATE runs SET metrics = '[1]'",
        "UPDATE runs SET config = '{'",
        "UPDATE runs SET config = '[]'",
        "UPDATE runs SET config = x'00ff'",
        "UPDATE history SET columns = substr(columns, 1, 90)",
        "UPDATE history SET names = '?'",
    ],
)
def test_an_odd_row_of_the_first_schema_does_not_keep_the_file_closed(tmp_path: Path, statement: str) -> None:
    data = (Path(__file__).parent / "schema-1.sqlite3.gz").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(data))
    column = "id" if "UPDATE runs" in statement else "run_id"
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as db:
        db.execute(f"{statement} WHERE {column} = '3a98a50bfe'")
    store = RunStore(tmp_path)
    assert len(store.summaries()) == 5
    assert {run.run_id: run.epochs for run in store.summaries()}["3e928acb02"] == 12, "the others are as they were"
    assert store.delete("3a98a50bfe")
    store.close()


@pytest.mark.parametrize("server", ["", "::", "-1:0:x", "99999999999999999999:0:x", "1:nan:x", "b'x'"])
def test_what_names_no_process_is_not_alive(server: str) -> None:
    assert not is_alive(server)


ODD = (
    "'nan'", "9e999", "-9e999", "-1", "1e300", "9223372036854775807", "0", "2.5", "''", "'x'", "x'00ff'", "'null'",
    "'[]'", "'[1]'", """'["newest"]'""", """'["ema"]'""", "'{}'", """'{"a": {}}'""", """'{"latest": null}'""",
)  # fmt: skip
"""What any column may hold as SQL: numbers out of all bounds, text, bytes, JSON of another kind."""
TABLES = {"runs": "id", "frames": "run_id", "real": "run_id", "history": "run_id", "kept": "run_id"}


@contextmanager
def holding(store: RunStore, table: str, column: str, value: str) -> Iterator[None]:
    """The column of the odd run holds this, or what it held where the file itself refuses it."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        mine = f"{TABLES[table]} = 'odd'"
        before = db.execute(f"SELECT {column}, rowid FROM {table} WHERE {mine}").fetchall()
        with suppress(sqlite3.IntegrityError):
            db.execute(f"UPDATE {table} SET {column} = {value} WHERE {mine}")
        yield
        db.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", before)


def columns() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_SCHEMA)
        listed = [(table, row[1]) for table in TABLES for row in db.execute(f"PRAGMA table_info({table})")]
    return [(table, column) for table, column in listed if column not in (TABLES[table], "deleted")]


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize(("table", "column"), columns())
def test_whatever_a_column_holds_the_run_has_words_or_is_told_as_unreadable(
    store: RunStore, table: str, column: str
) -> None:
    fill(store)
    for value in ODD:
        with holding(store, table, column, value):
            listed = {run.run_id: run for run in store.summaries()}
            assert set(listed) == {"good", "odd", "fine"}
            store.kept("odd"), store.thumbnail("odd")
            stored = None
            with suppress(StoreError):
                stored = store.load("odd")
            if stored is None:
                assert listed["odd"].damaged or table != "runs", f"{value} is listed as if it could be opened"
                continue
            snapshot = stored.snapshot
            said = words.describe(snapshot)
            header, _ = messages.decode(messages.picture(snapshot, said))
            assert header["words"] == json.loads(json.dumps(said, allow_nan=False))
            messages.news(snapshot, said, messages.after(snapshot))
            if snapshot.current[0]:
                report.table(snapshot)
