"""The card of the next run: what differs, in words."""

from __future__ import annotations

from gandash.core.config import RunConfig
from gandash.core.presets import PRESETS
from gandash.pages.next_run import MOST_TOLD, differences


def test_what_differs_is_told_in_words() -> None:
    old = RunConfig(shape="heart")
    assert differences(old, old) == []
    new = RunConfig(shape="star", dropout=0.1, standardize=True, generator_widths=(8, 8))
    assert differences(old, new) == [
        "Star",
        "Standardise the data on",
        "Generator widths 8, 8",
        "and 1 more knob",
    ]
    assert differences(old, old.model_copy(update={"objective": "minimax"})) == ["Objective Minimax, saturating"]


def test_another_recipe_is_told_in_few_lines() -> None:
    told = differences(RunConfig(), PRESETS["best-ring8"])
    assert len(told) == MOST_TOLD + 1 and told[0] == "8 Gaussians" and told[-1].startswith("and ")
