"""The comparison itself: what takes turns does the same work, and products are those of the textbook's step."""

from __future__ import annotations

from typing import Any

import pytest
from torch.utils.flop_counter import FlopCounterMode

from gandash.core.bench import (
    GANDASH,
    MEASURING,
    PRODUCTS,
    TEXTBOOK,
    Comparison,
    compare,
    matrix_products,
    textbook_loop,
)
from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES

QUICK: dict[str, Any] = {"points": 64, "batch_size": 16, "generator_widths": (8,), "discriminator_widths": (8,)}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_can_be_compared(objective: str) -> None:
    found = compare(
        RunConfig.model_validate({"objective": objective, "device": "cpu", **QUICK}), rounds=1, seconds=0.01
    )
    assert found.rates.keys() - {PRODUCTS} == {GANDASH, MEASURING, TEXTBOOK}
    assert all(found.rate(name) > 0 for name in found.rates)


def test_the_products_are_those_of_the_textbooks_step() -> None:
    """85 MFLOP at batch 128; the plain loop does these and a little more."""
    config = RunConfig(points=128)

    def flops(train: Any) -> int:
        with FlopCounterMode(display=False) as counter:
            train(1)
        return int(counter.get_total_flops())

    products = flops(matrix_products(config))
    plain = flops(textbook_loop(config.model_copy(update={"device": "cpu"})))
    assert products == pytest.approx(85e6, rel=0.02)
    assert 1.0 <= plain / products < 1.4


def test_ratios_are_taken_within_a_round() -> None:
    comparison = Comparison({GANDASH: (10.0, 100.0, 40.0), TEXTBOOK: (5.0, 50.0, 10.0)})
    assert comparison.rate(GANDASH) == 40
    assert comparison.ratio(GANDASH, TEXTBOOK) == 2
