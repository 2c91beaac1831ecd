"""What a script draws of a target of one's own is what the target draws, to the bit."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from gandash import RunConfig, Trainer
from gandash.core.standalone import can_be_written, script
from gandash.core.standalone.data import draw_function
from gandash.core.targets import Target, read_spec
from gandash.core.targets.drawn import DrawnSpec, Stroke
from tests.core.targets.test_table import real_like
from tests.core.test_expression import MEANT

FORMULAS = (
    *(f"y = {text}; x = 0.1..0.9" for text in MEANT),
    "y = sin(3x) + 0.2x^2; x = -3..3; noise = 0.05",
    "y = -x^2; x = -1e-3..3",
    "y = atan(1/0) x^0.5 - 2^0.5/3^0.5; x = 0..1",
    "y = 1/(x-0.00012345); x = -1..1",
    "y = 2; x = 0..1",
    "y = x/tau - tau; x = 999999..1000000",
    "x = cos(t); y = sin(2t); t = 0..6.3",
    "x = cos(t)^3; y = 4; t = 0..6.3; noise = 0.1",
    "x = 3; y = 4; t = 0..1; noise = 0.5",
    f"y = {' + '.join(['sin(x)^2'] * 18)}; x = 0..1",
)
DRAWINGS = (
    DrawnSpec(strokes=(Stroke(20, ((-800, -800), (800, -800), (800, 0))),)),
    DrawnSpec(strokes=(Stroke(101, ((0, 0),)), Stroke(21, ((-500, 500), (-500, 500), (400, 501))))),
)


def drawn(target: Target, n: int) -> Any:
    names: dict[str, Any] = {"np": np}
    with np.errstate(all="ignore"):
        exec(draw_function(target), names)
        return names["draw"](n, np.random.default_rng(7))


@pytest.mark.parametrize("spec", [*map(read_spec, FORMULAS), *DRAWINGS], ids=lambda spec: spec.text[:40])
def test_a_script_draws_the_same_bits(spec: Any) -> None:
    target = spec.build()
    for n in (1, 1000):
        found = drawn(target, n)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, target.sample(n, np.random.default_rng(7)))


@pytest.mark.parametrize("spec", [read_spec(FORMULAS[-1]), DRAWINGS[0]])
def test_a_whole_script_is_written_and_can_be_read(spec: Any) -> None:
    assert can_be_written(spec)
    text = script(RunConfig(target=spec))
    compile(text, "script.py", "exec")
    assert "gandash" not in text
    assert max(map(len, text.splitlines())) <= 100


HOSTILE = '"""\nimport os; os.abort()\\'
"""A name that a file may have."""


@pytest.mark.parametrize("logarithm", [(), ("pay",)])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_script_for_a_table_reads_it_and_trains_as_the_trainer_does(
    logarithm: tuple[str, ...], standardize: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = real_like(160)
    target = Target.from_points(points, name=HOSTILE, columns=("age", "pay"), logarithm=logarithm)
    knobs: dict[str, Any] = {"generator_widths": (8,), "discriminator_widths": (16,), "early_stopping": "off"}
    config = RunConfig(target=target, **knobs, standardize=standardize, epochs=3, batch_size=20, device="cpu")
    program, table = tmp_path / "script.py", tmp_path / "pay.csv"
    program.write_text(script(config))
    lines = "".join(f"{age!r},{pay!r},x\n" for age, pay in points.tolist())
    table.write_text(f"age,pay,more\n{lines}NA,3,x\n1,inf,x\n5\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py", str(table)])
    monkeypatch.setitem(sys.modules, "matplotlib", ModuleType("matplotlib"))
    plot = MagicMock(subplots=lambda *_, **__: (MagicMock(), (MagicMock(), MagicMock())))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plot)
    left = runpy.run_path(str(program), run_name="__main__")
    trainer = Trainer(config)
    trainer.advance(epochs=3)
    np.testing.assert_array_equal(left["real_points"], trainer.real_points(1000))
    losses = np.reshape(left["generator_losses"], (3, -1)).mean(axis=1)
    np.testing.assert_allclose(losses, [record.generator_loss for record in trainer.history], rtol=1e-4)
    noise = torch.randn(50, 2, generator=torch.Generator().manual_seed(3))
    np.testing.assert_allclose(left["model"](noise).detach().numpy(), trainer.generated(noise.numpy()), rtol=1e-3)
    monkeypatch.setattr(sys, "argv", ["script.py", str(program)])
    with pytest.raises(SystemExit, match="needs a header with the columns age and pay"):
        runpy.run_path(str(program), run_name="__main__")


def test_a_script_for_a_table_has_no_judge_and_says_so() -> None:
    spec = Target.from_points(real_like(), columns=("a" * 90, '"quoted"\\')).spec
    with pytest.raises(ValueError, match="set early stopping to off"):
        script(RunConfig(target=spec))
    text = script(RunConfig(target=spec, early_stopping="off", fresh=True))
    compile(text, "script.py", "exec")
    assert "gandash" not in text
    assert max(map(len, text.splitlines())) <= 100
