"""What a script draws of a target of one's own is what the target draws, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gandash import RunConfig
from gandash.core.standalone import can_be_written, script
from gandash.core.standalone.data import draw_function
from gandash.core.targets import Target, read_spec
from gandash.core.targets.drawn import DrawnSpec, Stroke
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
