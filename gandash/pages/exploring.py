"""A page for a generator: its noise under the hand, samples beside real points, its own or one from a file.

The generator comes as a portable file, from a run by a worker or from who looks, and is read without torch. What moves
with the pointer is computed in the browser (`explore.js`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from gandash import portable
from gandash.charts.live import element
from gandash.core.metrics import METRICS
from gandash.live import assets
from gandash.pages import TRAIN, address, latent, style, wording
from gandash.pages.server import Visitor
from gandash.portable import PortableGenerator
from gandash.runs.snapshot import RunSummary, Snapshot

assets.register(Path(__file__).with_name("forward.js"))
assets.register(Path(__file__).with_name("explore.js"))

REAL_POINTS = 2000
MOST_SAMPLES = 10_000
MEGABYTES = portable.LARGEST_FILE // 2**20
TRUNCATIONS: Mapping[str, float | None] = {
    "none": None,
    "2.5": 2.5,
    "2": 2.0,
    "1.5": 1.5,
    "1": 1.0,
    "0.5": 0.5,
    "0.2": 0.2,
}

_HELD = "explored"
_RUN, _VARIANT, _FILE = "explore_run", "explore_variant", "explore_file"
_TRUNCATION_HELP = (
    "Noise farther from 0 than this is not used: points come from the middle of the noise, more typical "
    "and less varied."
)


@dataclass(frozen=True)
class Explored:
    """What is looked at, and from where: a run's generator at a version of the run, or a file by its name."""

    key: tuple[str, ...]
    epoch: int
    generator: PortableGenerator
    axes: str
    browser: Mapping[str, str]


def show(looking: Visitor) -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("explore.css"))
    st.header("Explore", anchor=False)
    try:
        runs = [run for run in looking.service.runs(looking.owner) if run.epoch]
    except ValueError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="explore_choice"):
        chosen, problem = _choose(looking, runs)
        with st.popover("Open a file", icon=":material/upload_file:"):
            uploaded = st.file_uploader(
                "A portable generator, from *Take the generator with you*",
                key=_FILE,
                max_upload_size=MEGABYTES,
                help="It holds numbers alone. Files that are programs, such as TorchScript, are never run here.",
            )
    if uploaded is not None:
        explored = _from_file(uploaded.name, uploaded.getvalue())
    elif problem:
        st.error(wording.plain(problem), icon=":material/error:")
        return
    elif chosen is None:
        _nothing_yet()
        return
    else:
        explored = _from_run(looking, *chosen)
    if explored is not None:
        _explore(explored)


def _choose(looking: Visitor, runs: Sequence[RunSummary]) -> tuple[tuple[Snapshot, str] | None, str]:
    """The run and which of its generators; or what is wrong with the run that the address names."""
    named = st.query_params.get(address.PARAMETER) or address.shown_run()
    labels = {run.run_id: f"{_title(run)}, epoch {run.epoch:,}" for run in runs}
    if named and named not in labels:
        try:
            snapshot = looking.service.snapshot(named)
        except ValueError as error:
            return None, str(error)
        labels = {named: f"{snapshot.name or snapshot.config.target.build().title}, epoch {snapshot.epoch:,}"} | labels
    if not labels:
        return None, ""
    if st.session_state.get(_RUN) not in labels or st.query_params.get(address.PARAMETER) not in (
        None,
        st.session_state.get(_RUN),
    ):
        st.session_state[_RUN] = named or next(iter(labels))
    run_id = st.selectbox(
        "Run", list(labels), key=_RUN, format_func=lambda each: wording.plain(labels[each]), on_change=_go, width=340
    )
    st.query_params[address.PARAMETER] = run_id
    snapshot = looking.service.snapshot(run_id)
    if not snapshot.variants:
        return None, ""
    if st.session_state.get(_VARIANT) not in snapshot.variants:
        st.session_state[_VARIANT] = snapshot.shown if snapshot.shown in snapshot.variants else snapshot.variants[0]
    which = st.segmented_control(
        "Generator",
        list(snapshot.variants),
        key=_VARIANT,
        format_func=wording.VARIANT_TITLES.__getitem__,
        required=True,
    )
    return (snapshot, which or snapshot.variants[0]), ""


def _go() -> None:
    st.query_params[address.PARAMETER] = st.session_state[_RUN]


def _title(run: RunSummary) -> str:
    return run.name or run.title


def _nothing_yet() -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing_to_explore"):
        st.markdown("**No generator yet**", width="content")
        st.markdown("Train one for some epochs, or open a portable file.", width="content")
        st.page_link(TRAIN, label="Train one", icon=":material/play_arrow:", width="content")


def _from_run(looking: Visitor, snapshot: Snapshot, which: str) -> Explored | None:
    """A run's generator; one that is held stays until a newer one is asked for, so that nothing moves by itself."""
    key = ("run", snapshot.run_id, which)
    held: Explored | None = st.session_state.get(_HELD)
    if held is not None and held.key == key:
        newer = snapshot.epoch > held.epoch and which != "best"
        if not newer or not st.button(
            f"Take the newest: epoch {snapshot.epoch:,}", icon=":material/refresh:", key="explore_newest"
        ):
            return held
    try:
        with st.spinner("Fetching the generator…"):
            data = looking.service.export(snapshot.run_id, which, "portable")
            return _hold(key, snapshot.epoch, portable.read(data))
    except ValueError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="explore_again")
        return None


def _from_file(name: str, data: bytes) -> Explored | None:
    key = ("file", name, str(hash(data)))
    held: Explored | None = st.session_state.get(_HELD)
    if held is not None and held.key == key:
        return held
    try:
        return _hold(key, 0, portable.read(data))
    except ValueError as error:
        st.error(wording.plain(f"{name[:100]}: {error}"), icon=":material/error:")
        st.caption("Take the file away above to go back to your runs.")
        return None


def _hold(key: tuple[str, ...], epoch: int, generator: PortableGenerator) -> Explored:
    axes = json.dumps(latent.axes(generator).tolist())
    explored = Explored(key, epoch, generator, axes, latent.browser_side(generator))
    st.session_state[_HELD] = explored
    return explored


def _explore(explored: Explored) -> None:
    generator = explored.generator
    target = generator.target.build()
    known = target.sample(REAL_POINTS, np.random.default_rng(0))
    told = {
        "scene": json.dumps(latent.scene(target)),
        "real": latent.text_of(target.canvas.project(known)),
        "theme": style.theme(),
    }
    st.caption(_about(explored))
    with st.container(border=True, key="explore_pad_box"):
        element(
            "gandash_explore",
            "explore.js",
            {"shows": "pad", **explored.browser, "axes": explored.axes, **told},
            key="explore_pad",
        )
        if generator.latent_dim > 2:
            st.caption(
                f"The noise has {generator.latent_dim} dimensions. The plane is the one that the points depend on most "
                "(principal components of how they change with the noise); it can be turned to the next two, "
                "and what stands upright on it is a random place."
            )
    _samples(generator, known, told)


def _about(explored: Explored) -> str:
    generator = explored.generator
    gap = generator.report.get("headline")
    if not isinstance(gap, int | float):
        metrics = generator.report.get("metrics")
        gap = metrics.get("headline") if isinstance(metrics, dict) else None
    variant = wording.VARIANT_TITLES.get(generator.variant, generator.variant[:40])
    parts = [generator.title, f"{variant}, epoch {generator.epoch:,}", f"{generator.size:,} weights"]
    if isinstance(gap, int | float):
        parts.append(f"{METRICS['headline'].title} {gap:.2f}")
    if explored.key[0] == "file":
        parts.append(f"from {explored.key[1][:80]}, which says so of itself")
    return wording.plain(" · ".join(parts))


def _samples(generator: PortableGenerator, known: portable.Array, told: Mapping[str, str]) -> None:
    target = generator.target.build()
    board = bool(target.numbers)
    with st.container(border=True, key="explore_samples"):
        st.subheader("A sample beside real points", anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            n = st.number_input("Points", 1, MOST_SAMPLES, 1000, 500, key="explore_n", required=True, width=130)
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, 1, key="explore_seed", required=True, width=130)
            cut = st.select_slider(
                "Truncation of the noise", list(TRUNCATIONS), key="explore_cut", help=_TRUNCATION_HELP, width=260
            )
        count = min(max(int(n or 1000), 1), MOST_SAMPLES)
        noise = latent.noise(count, generator.latent_dim, int(seed or 0), TRUNCATIONS.get(str(cut)))
        points = generator(noise)
        fresh = target.sample(REAL_POINTS, np.random.default_rng(1))
        drawn, real = (np.asarray(target.canvas.project(each), np.float32) for each in (points, known))
        histograms = latent.histograms({"real": real, "generated": drawn}, target.canvas.bounds)
        if board:
            drawn, real = (latent.scattered(each) for each in (drawn, real))
        label = f"{count:,} generated points as stars over real points as dots, and the histograms of both axes"
        shown = {"generated": latent.text_of(drawn), "histograms": json.dumps(histograms), "real": latent.text_of(real)}
        data = {"shows": "sample", **told, **shown}
        element("gandash_explore", "explore.js", {**data, "label": label}, key="explore_sample")
        if board:  # the distance between two numbers' places says nothing
            own = target.own_metrics(points)
            st.markdown(
                f"**{own['fit']:.1%}** of these numbers fit the pattern, and **{own['variety']:.0%}** of the "
                "pattern’s numbers appear among them. A generator that says one number for ever may fit as well."
            )
            return
        try:
            near = latent.nearness(points, known, fresh)
        except ValueError as error:
            st.warning(str(error), icon=":material/warning:")
            return
        lost = count - int(np.isfinite(points).all(axis=1).sum())
        st.markdown(
            f"To the nearest of {REAL_POINTS:,} real points it is **{near.median:.3g}** from a generated point and "
            f"**{near.real_median:.3g}** from a fresh real one (medians). "
            f"**{near.copies:.1%}** of the points lie nearer to a real one than 99 of 100 fresh real ones do: about "
            f"1 % is what chance brings, far more would be copies.{f' {lost:,} points are not finite.' if lost else ''}"
        )
