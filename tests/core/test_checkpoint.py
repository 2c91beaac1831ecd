"""Checkpoints: those of past versions live on, damaged ones and those of other devices end in words."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.checkpoint import config_of, dump, load
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from tests.core.checkpoints.make import FOLDER, NEXT_EPOCHS, SAMPLE_SEED, cpu, digest

FIXTURES = sorted(FOLDER.glob("*.ckpt"))
ROUNDING = 1e-4
"""How far two kinds of CPU may drift apart in three epochs, relative to the losses."""


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def fixture(request: pytest.FixtureRequest) -> tuple[RunConfig, bytes, dict[str, Any]]:
    """Config, checkpoint and what the code that wrote it did next."""
    path: Path = request.param
    document = json.loads(path.with_suffix(".json").read_text())
    return RunConfig.from_json(json.dumps(document["config"])), path.read_bytes(), document


Fixture = tuple[RunConfig, bytes, dict[str, Any]]


def test_past_checkpoints_resume_where_they_stood(fixture: Fixture) -> None:
    config, data, document = fixture
    assert config_of(load(data)) == config
    trainer = Trainer.resume(config, data)
    assert (trainer.state, trainer.epoch) == (document["state"], document["epoch"])
    assert trainer.history[-1].epoch == document["history"][0]["epoch"]
    assert np.isfinite([trainer.sample(20, seed=0, which=which) for which in trainer.variants]).all()
    trainer.export_torchscript(io.BytesIO())


def test_past_checkpoints_train_on_as_they_did(fixture: Fixture) -> None:
    config, data, document = fixture
    trainer = Trainer.resume(config, data, device="cpu")
    records, expected = trainer.advance(epochs=NEXT_EPOCHS), document["next"]
    assert len(records) == len(expected["records"])
    same = cpu() == expected["cpu"]
    # where Adam keeps no mean of the gradients, rounding grows a hundredfold in an epoch: on another kind of CPU only
    # the first can be compared
    comparable = len(records) if config.beta1 or same else 1
    for record, then in zip(records[:comparable], expected["records"][:comparable], strict=True):
        for name, value in then.items():
            assert getattr(record, name) == pytest.approx(value, rel=ROUNDING, abs=ROUNDING), name
    points = trainer.sample(8, seed=SAMPLE_SEED, which="latest")
    if comparable == len(records):
        np.testing.assert_allclose(points, expected["sample"], rtol=1e-2, atol=1e-2)
    if same:
        assert [{name: getattr(record, name) for name in expected["records"][0]} for record in records] == expected[
            "records"
        ]
        assert points.tolist() == expected["sample"] and digest(trainer) == expected["weights"]


def test_a_past_checkpoint_written_anew_goes_on_alike(fixture: Fixture) -> None:
    config, data, _ = fixture
    old = Trainer.resume(config, data, device="cpu")
    new = Trainer.resume(config, old.checkpoint(), device="cpu")
    assert old.advance(epochs=2) == new.advance(epochs=2)
    assert digest(old) == digest(new)


SMALL = RunConfig(points=128, batch_size=32, generator_widths=(4,), discriminator_widths=(6,), dropout=0.2)


@cache
def trained() -> Trainer:
    """After an epoch."""
    trainer = Trainer(SMALL)
    trainer.advance(epochs=1)
    return trainer


def saved(**changes: Any) -> bytes:
    """A checkpoint after an epoch in which some of its parts are others; None leaves a part out."""
    state = trained().state_dict() | changes
    return dump({name: value for name, value in state.items() if value is not None})


def test_a_knob_that_is_newer_than_the_file_has_its_default() -> None:
    config = SMALL.model_dump(mode="json")
    del config["best_by"], config["evaluate_every"]
    assert config_of(load(saved(config=config))) == SMALL
    assert Trainer.resume(SMALL, saved(config=config)).epoch == 1


def test_a_config_of_a_newer_gandash_is_refused_in_words() -> None:
    newer = SMALL.model_dump(mode="json") | {"warp": 9}
    with pytest.raises(ValueError, match=r"config cannot be read.*warp"):
        Trainer.resume(SMALL, saved(config=newer))


@pytest.mark.parametrize("version", [0, 5, "two", None, 1.5, [1], -1])
def test_an_unknown_version_is_refused_in_words(version: Any) -> None:
    buffer = io.BytesIO()
    torch.save({"version": version}, buffer)
    with pytest.raises(ValueError, match="version"):
        load(buffer.getvalue())


@pytest.mark.parametrize(("device", "size"), [("cuda", 16), ("mps", 44)])
def test_a_checkpoint_of_another_device_goes_on_with_new_random_numbers(device: str, size: int) -> None:
    data = saved(device=device, rng=torch.zeros(size, dtype=torch.uint8))
    first, second = Trainer.resume(SMALL, data), Trainer.resume(SMALL, data)
    np.testing.assert_array_equal(first.sample(20, seed=0), Trainer.resume(SMALL, saved()).sample(20, seed=0))
    assert first.advance(epochs=2) == second.advance(epochs=2)
    assert Trainer.resume(SMALL, data).fork(epochs=1).advance(epochs=1)


def test_a_version_1_of_another_device_goes_on_as_well() -> None:
    path = FOLDER / "v1-hinge.ckpt"
    state = torch.load(path, weights_only=True)
    state["rng"] = torch.zeros(16, dtype=torch.uint8)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    config = config_of(load(path.read_bytes()))
    assert len(Trainer.resume(config, buffer.getvalue()).advance(epochs=1)) == 1


@pytest.mark.parametrize("name", sorted(Trainer(SMALL).state_dict().keys() - {"message"}))
def test_a_part_that_is_missing_or_of_another_kind_is_told(name: str) -> None:
    parts = (None, "nonsense", 1e30, -1, {"a": 1}, torch.zeros(3))
    for part in parts[: 1 if name == "device" else None]:  # another device's name may be any
        with pytest.raises(ValueError, match=r"damaged|config|not a gandash") as refusal:
            Trainer.resume(SMALL, saved(**{name: part}))
        assert len(str(refusal.value)) < 2000


def test_weights_of_another_size_are_told() -> None:
    tensors = Trainer(SMALL).game.tensors()
    for name in tensors:
        with pytest.raises(ValueError, match="damaged"):
            Trainer.resume(SMALL, saved(tensors=tensors | {name: torch.zeros(1, 7)}))


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_were_cut_or_changed_are_told(seed: int) -> None:
    rng, data = np.random.default_rng(seed), saved()
    with pytest.raises(ValueError, match="checkpoint"):
        load(data[: rng.integers(len(data))])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = max(archive.infolist(), key=lambda info: info.file_size)
    changed = bytearray(data)
    changed[entry.header_offset + 200 + int(rng.integers(entry.file_size - 200))] ^= 0xFF
    with pytest.raises(ValueError, match="checkpoint"):
        load(bytes(changed))


def test_what_runs_code_is_not_read() -> None:
    buffer = io.BytesIO()
    torch.save({"version": 2, "config": Path("anything")}, buffer)
    with pytest.raises(ValueError, match="not a gandash checkpoint"):
        load(buffer.getvalue())


def test_what_follows_from_the_config_is_not_in_a_checkpoint() -> None:
    config = SMALL.model_copy(update={"objective": "rpgan", "discriminator_updates": "joint",
                                      "discriminator_fourier": 2, "fourier_growth": 0.5})  # fmt: skip
    names = Trainer(config).state_dict()["tensors"].keys()
    assert not [name for name in names if any(word in name for word in ("kept", "frequencies", "gates", "lr"))]
