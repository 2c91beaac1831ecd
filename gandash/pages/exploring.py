"""A page for a generator: its noise under the hand, samples beside real points, its own or one from a file.

The generator comes as a portable file, from a run by a worker or from who looks, and is read without torch. What moves
with the pointer is computed in the browser (`pad.js`). A second one may be beside it, on the same noise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st

from gandash import portable
from gandash.charts.live import element
from gandash.core.judge import JUDGE_VERSION
from gandash.core.metrics import METRICS
from gandash.core.targets import Target
from gandash.live import assets
from gandash.pages import TRAIN, address, explored, judging, latent, wording
from gandash.pages.explored import Chosen, Explored
from gandash.pages.parts import part, telling
from gandash.pages.server import Visitor
from gandash.pages.words import describe
from gandash.runs.snapshot import Snapshot

for script in ("latent", "forward", "sketch", "made", "pad", "sample", "newest", "explore"):
    assets.register(Path(__file__).with_name(f"{script}.js"))

REAL_POINTS = 2000
MOST_SAMPLES = 10_000
MOST_WORK = 5_000_000_000
"""Multiplications that a sample may take, as it is drawn in the server: a fraction of a second's."""
TRUNCATIONS: Mapping[str, float | None] = {
    "none": None,
    "2.5": 2.5,
    "2": 2.0,
    "1.5": 1.5,
    "1": 1.0,
    "0.5": 0.5,
    "0.2": 0.2,
}

_TRUNCATION_HELP = (
    "Noise farther from 0 than this is not used: points come from the middle of the noise, more typical "
    "and less varied."
)


@dataclass(frozen=True)
class Sampling:
    """What is drawn of every generator alike: so many points, from this noise."""

    count: int
    seed: int
    truncation: float | None


def show(looking: Visitor) -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("explore.css"))
    st.header("Explore", anchor=False)
    try:
        runs = looking.service.runs(looking.owner)
    except ValueError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom", key="explore_choice")
    fetching, newest, notes = (st.container(key=f"explore_{name}") for name in ("fetching", "newest_line", "notes"))
    with fetching:  # a place of its own for all that comes and goes: what is below stays as it is
        chosen = explored.choose(looking, runs, row)
    with newest:
        if chosen.first and chosen.snapshot:
            _newest(chosen.snapshot, chosen.first)
    with notes:
        shown = _comparable(chosen)
        if snapshot := chosen.snapshot or chosen.awaited:
            _follow(snapshot)
    if shown:
        _explore(looking, shown)
    elif not chosen.problem:
        _nothing_yet(chosen.awaited)


def _follow(snapshot: Snapshot) -> None:
    """Have the page drawn anew when the run comes to another stage, such as that of having a generator."""
    told = telling(snapshot, describe(snapshot))
    part("follow", told | {"stage": snapshot.stage}, height=1, on_stage_change=_nothing)


def _nothing() -> None:
    """What the script does about another stage is to run."""


def _newest(snapshot: Snapshot, first: Explored) -> None:
    """How far the run has got since, and what brings the page there; nothing of a run at rest that is the newest."""
    if explored.is_past(first) or (not snapshot.status.active and snapshot.epoch <= first.epoch):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        follows = False
        if snapshot.status.active:
            follows = st.toggle(
                "Follow the run", key="explore_follow", help="Takes the newest generator every few seconds."
            )
        data = {"shows": "newest", "run": snapshot.run_id, "epoch": first.epoch, "follow": follows}
        element("gandash_explore", "explore.js", data, key="explore_newest", on_newest_change=explored.take_newest)


def _nothing_yet(awaited: Snapshot | None) -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing_to_explore"):
        st.markdown("**No generator yet**", width="content")
        if awaited is None:
            st.markdown("Train one for some epochs, or open a portable file.", width="content")
        elif awaited.status.active:
            st.markdown("The run has only begun: its generator comes here with its first points.", width="content")
        else:
            st.markdown("The run has not trained yet: press Resume or Step on its page.", width="content")
        if awaited is None:
            st.page_link(TRAIN, label="Train one", icon=":material/play_arrow:", width="content")
        else:
            query = {address.PARAMETER: awaited.run_id}
            st.page_link(TRAIN, label="To its page", icon=":material/play_arrow:", width="content", query_params=query)


def _comparable(chosen: Chosen) -> list[Explored]:
    """The generators to show: the second too if both take the same noise; otherwise the page says why not."""
    if chosen.first is None:
        return []
    if chosen.second is None:
        return [chosen.first]
    if why := explored.unlike(chosen.first, chosen.second):
        st.warning(why, icon=":material/warning:")
        return [chosen.first]
    return [chosen.first, chosen.second]


def _explore(looking: Visitor, shown: Sequence[Explored]) -> None:
    first = shown[0]
    st.caption("  \n".join(_about(each) for each in shown))
    captions = _captions(shown)
    generators = [
        {**each.browser, **_picture(each), "caption": caption, "latent_dim": each.generator.latent_dim}
        for each, caption in zip(shown, captions, strict=True)
    ]
    with st.container(border=True, key="explore_pad_box"):
        told = {"subject": first.subject, "axes": first.axes}
        element(
            "gandash_explore",
            "explore.js",
            {"shows": "pad", **told, "generators": json.dumps(generators)},
            key="explore_pad",
        )
        if first.generator.latent_dim > 2:
            st.caption(
                f"The noise has {first.generator.latent_dim} dimensions. The plane is the one that the "
                f"{'first generator’s ' if len(shown) > 1 else ''}points depend on most "
                "(principal components of how they change with the noise); it can be turned to the next two, "
                "and what stands upright on it is a random place."
            )
    _samples(shown, captions)
    judging.show(looking, shown, captions)


def _captions(shown: Sequence[Explored]) -> list[str]:
    """What is over each picture, as text."""
    if len(shown) == 1 and shown[0].generator.target.build().numbers:
        return ["The number that the generator makes of it; those in red belong to the pattern"]
    if len(shown) == 1:
        return ["What the generator makes of it, over real points"]
    names = [explored.name(each) for each in shown]
    if len({each.subject for each in shown}) == 1 and shown[0].own:
        return names
    return [f"{each.name[:80]}: {name}" for each, name in zip(shown, names, strict=True)]


def _picture(each: Explored) -> dict[str, str]:
    """Axes and real points of a generator's target, for the browser."""
    target = each.generator.target.build()
    return {
        "scene": json.dumps(latent.scene(target)),
        "real": latent.text_of(target.canvas.project(_known(target))),
    }


def _about(each: Explored) -> str:
    generator = each.generator
    gap = generator.report.get("headline")
    if not isinstance(gap, int | float):
        metrics = generator.report.get("metrics")
        gap = metrics.get("headline") if isinstance(metrics, dict) else None
    parts = [generator.title, explored.name(each), f"{generator.size:,} weights"]
    if isinstance(gap, int | float) and generator.report.get("judge") == JUDGE_VERSION:
        parts.append(f"{METRICS['headline'].title} {wording.measured(METRICS['headline'], gap)}")
    if not each.own:
        parts.append(f"from {each.subject[:80]}, which says so of itself")
    return wording.plain(" · ".join(parts))


def _samples(shown: Sequence[Explored], captions: Sequence[str]) -> None:
    with st.container(border=True, key="explore_samples"):
        st.subheader("A sample beside real points", anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            n = st.number_input("Points", 1, MOST_SAMPLES, 1000, 500, key="explore_n", required=True, width=130)
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, 1, key="explore_seed", required=True, width=130)
            cut = st.select_slider(
                "Truncation of the noise", list(TRUNCATIONS), key="explore_cut", help=_TRUNCATION_HELP, width=260
            )
        asked = min(max(int(n or 1000), 1), MOST_SAMPLES)
        count = min(asked, max(MOST_WORK // max(each.generator.size for each in shown), 100))
        if count < asked:
            st.caption(f"A generator as large as this takes its time: {count:,} points are drawn.")
        sampling = Sampling(count, int(seed or 0), TRUNCATIONS.get(str(cut)))
        if len(shown) == 1:
            _sample(shown[0], sampling, "explore_sample")
            return
        columns = st.columns(2, vertical_alignment="bottom")  # however long their names are
        for place, (column, each, caption) in enumerate(zip(columns, shown, captions, strict=True)):
            with column:
                st.markdown(f"**{wording.plain(caption)}**")
                _sample(each, sampling, f"explore_sample_{place}")


def _sample(each: Explored, sampling: Sampling, key: str) -> None:
    """A generator's sample beside real points, and how it compares with them."""
    generator, count = each.generator, sampling.count
    target = generator.target.build()
    board, known = bool(target.numbers), _known(target)
    points = generator(latent.noise(count, generator.latent_dim, sampling.seed, sampling.truncation))
    drawn, real = (np.asarray(target.canvas.project(each), np.float32) for each in (points, known))
    histograms = latent.histograms({"real": real, "generated": drawn}, target.canvas.bounds)
    if board:
        drawn, real = (latent.scattered(each) for each in (drawn, real))
    data = {
        "shows": "sample",
        "scene": json.dumps(latent.scene(target)),
        "generated": latent.text_of(drawn),
        "real": latent.text_of(real),
        "histograms": json.dumps(histograms),
        "label": f"{count:,} generated points as stars over real points as dots, and the histograms of both axes",
    }
    element("gandash_explore", "explore.js", data, key=key)
    st.markdown(_compared(target, points, known))


def _compared(target: Target, points: portable.Array, known: portable.Array) -> str:
    """How generated points compare with real ones, in words."""
    if target.numbers:  # the distance between two numbers' places says nothing
        own = target.own_metrics(points)
        return (
            f"**{wording.share(own['fit'])}** of these numbers fit the pattern, and "
            f"**{wording.share(own['variety'])}** of the "
            "pattern’s numbers appear among them. A generator that says one number for ever may fit as well."
        )
    if not len(known):
        return "The data that this generator has learnt is not on this server, so the two cannot be compared."
    try:
        near = latent.nearness(points, known, target.unseen(REAL_POINTS, np.random.default_rng(1)))
    except ValueError as error:
        return f":orange[{wording.plain(str(error))}]"
    lost = len(points) - int(np.isfinite(points).all(axis=1).sum())
    infinite = f" {lost:,} points are not finite." if lost else ""
    return (
        f"To the nearest of {REAL_POINTS:,} real points it is **{wording.figure(near.median)}** from a generated point "
        f"and **{wording.figure(near.real_median)}** from a fresh real one (medians). "
        f"**{wording.share(near.copies)}** of the points lie nearer to a real one than 99 of 100 fresh real ones do: "
        f"about 1 % is what chance brings, far more would be copies.{infinite}{_outside(target, points)}"
    )


def _outside(target: Target, points: portable.Array) -> str:
    """How many finite points the picture does not show, as a sentence; empty if it shows them all."""
    low, high = np.array(target.canvas.bounds).T
    drawn = target.canvas.project(points)
    outside = int((np.isfinite(drawn).all(axis=1) & ((drawn < low) | (drawn > high)).any(axis=1)).sum())
    return f" {outside:,} of {len(points):,} points lie outside the picture." if outside else ""


@lru_cache(maxsize=32)
def _known(target: Target) -> portable.Array:
    """The real points that everything here is compared with, ``(REAL_POINTS, dim)``."""
    return target.shown(REAL_POINTS, np.random.default_rng(0))
