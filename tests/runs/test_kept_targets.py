"""Targets that are too large for a link, kept by their hash."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from gandash.core.targets import TargetSpec, read_spec
from gandash.runs.kept_targets import KeptTargets
from tests.core.random_configs import drawing


def spec(seed: int, corners: int = 40) -> TargetSpec:
    return read_spec(drawing(Random(seed), corners))


def test_a_target_comes_back_by_its_hash_and_is_kept_once(tmp_path: Path) -> None:
    kept = KeptTargets(tmp_path / "targets")
    name = kept.keep(spec(1))
    assert name is not None and kept.keep(spec(1)) == name != kept.keep(spec(2))
    assert len(list((tmp_path / "targets").iterdir())) == 2
    assert KeptTargets(tmp_path / "targets").read(name) == spec(1)


@pytest.mark.parametrize("name", ["", "0" * 31, "../../../etc/passwd", "..", "A" * 32, "\uff10" * 32, "0" * 32 + "\n"])
def test_what_is_no_hash_is_refused_and_no_file_is_asked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no such name"):
        KeptTargets(tmp_path).read(name)


def test_what_is_gone_or_damaged_is_told(tmp_path: Path) -> None:
    kept = KeptTargets(tmp_path)
    name = kept.keep(spec(1))
    assert name is not None
    (tmp_path / f"{name}.json").write_text(spec(2).model_dump_json())
    with pytest.raises(ValueError, match="damaged"):
        kept.read(name)
    (tmp_path / f"{name}.json").unlink()
    with pytest.raises(ValueError, match="not any more"):
        kept.read(name)


def test_the_folder_is_bounded_and_what_nobody_asked_for_longest_goes(tmp_path: Path) -> None:
    kept = KeptTargets(tmp_path, most=3)
    names = [kept.keep(spec(seed)) or "" for seed in range(3)]
    for age, name in enumerate(names):
        os.utime(tmp_path / f"{name}.json", (1000 + age, 1000 + age))
    kept.read(names[0])
    half = tmp_path / "half.part"
    half.write_text("{")
    os.utime(half, (1000, 1000))
    new = kept.keep(spec(3))
    assert {path.stem for path in tmp_path.iterdir()} == {names[0], names[2], new}


def test_the_folder_is_bounded_in_bytes_but_the_newest_stays(tmp_path: Path) -> None:
    kept = KeptTargets(tmp_path, most_bytes=1000)
    kept.keep(spec(1))
    name = kept.keep(spec(2, corners=400))
    assert [path.stem for path in tmp_path.iterdir()] == [name]


def test_a_disk_that_takes_nothing_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert KeptTargets(tmp_path / "file").keep(spec(1)) is None
