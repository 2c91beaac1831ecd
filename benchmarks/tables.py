"""A million rows: how long they take to be read, kept and trained on, and how much room all processes need together.

``python -m benchmarks.tables`` writes a Parquet file and a CSV file of a million rows, reads both in a worker, starts a
run on the first and waits for its first frame. Prints seconds and the most megabytes that server and workers held.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import parquet

from gandash.core import tables
from gandash.core.presets import best
from gandash.runs.service import RunService
from gandash.runs.settings import Settings


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """The same table twice: eight columns, two of them with a tail."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, rows)
    values = {"age": age, "pay": np.round(np.exp(rng.normal(9 + age / 60, 0.7)), 2)}
    values |= {f"more{i}": np.round(rng.normal(size=rows), 4) for i in range(5)}
    table = pa.table({**values, "name": pa.array(np.char.add("name", rng.integers(0, 1000, rows).astype(str)))})
    paths = folder / "million.parquet", folder / "million.csv"
    parquet.write_table(table, paths[0])
    from pyarrow import csv

    csv.write_csv(table, paths[1])
    return paths


class Room:
    """The most memory that this process and its children hold, in bytes, looked at ten times a second.

    Counted once where processes share it (Linux's PSS), which RSS would not be.
    """

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        here = psutil.Process()
        while not self._over.wait(0.1):
            total = 0
            for process in (here, *here.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except (psutil.Error, OSError):
                    continue
            self.most = max(self.most, total)

    def close(self) -> None:
        self._over.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        files = write(folder, rows)
        service = RunService.open(Settings(home=folder / "home", workers=1, idle_pause=None))
        while not service.ready:
            time.sleep(0.1)
        room = Room()
        try:
            for path in files:
                print(f"{path.name}, {rows:,} rows of 8 columns, {path.stat().st_size / 2**20:.0f} MB")
                begun = time.perf_counter()
                table = service.work(tables.read, path)
                read = time.perf_counter()
                taken = service.work(tables.take, path, "age", "pay", folder / "home" / "data")
                kept = time.perf_counter()
                print(f"  looked at in {read - begun:.1f} s: {', '.join(table.numeric)}; kept in {kept - read:.1f} s")
            begun = time.perf_counter()
            run = service.start(best(taken.spec))
            while not service.snapshot(run).frames:
                time.sleep(0.02)
            print(
                f"first frame of a run on {taken.spec.rows:,} training rows after {time.perf_counter() - begun:.1f} s"
            )
            time.sleep(3)
            snapshot = service.snapshot(run)
            print(
                f"three seconds later: {snapshot.status.value}, epoch {snapshot.epoch}, {100 * snapshot.progress:.0f} %"
            )
        finally:
            room.close()
            service.close()
        print(f"the most memory of server and worker together: {room.most / 2**20:,.0f} MB")


if __name__ == "__main__":
    main()
