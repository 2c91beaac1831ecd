"""The live part of the page: what the run is doing, its current figures, and the charts.

The script says which run that is and what the charts look like. All that changes while the run goes on comes to the
browser by the stream; the script runs again when a user does something or the run comes to another stage.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from gandash.charts import figures
from gandash.charts.films import film_url
from gandash.charts.live import live_board, live_chart, timeline
from gandash.core.config import RunConfig
from gandash.core.metrics import METRICS
from gandash.core.targets import Target, TargetSpec
from gandash.core.views import offered
from gandash.pages import TRAIN, address, own, recipes, setup
from gandash.pages.parts import Told, part, telling
from gandash.pages.wording import PUT_RIGHT
from gandash.pages.words import Words, before, describe
from gandash.runs.snapshot import Snapshot
from gandash.runs.worker import REAL_POINTS

MOST_SMOOTHING = 0.99

PICTURE_HEIGHT = 480
CURVE_HEIGHT = 170
TILES_HEIGHT = 168
TIMELINE_HEIGHT = 35
"""Pixels, where the style sheet does not know better: it gives the charts the height that the screen has."""

PREVIEW = RunConfig()
"""Whose real points are shown before there is a run, but for the shape."""

_METRICS, _SMOOTHING = "shown_metrics", "smoothing"
_CHOICES_HELP = "Smooth the curves, and choose the metrics to draw over the epochs"


def show(snapshot: Snapshot | None, *, ready: bool, mine: bool = True, right: bool = True) -> None:
    """Draw the live part. Without a run it shows the real points of the shape that is chosen in the sidebar.

    `ready` says whether a worker is warm, `mine` whether who looks may press what the sentences tell of, and `right`
    whether the set-up can be trained.
    """
    spec = snapshot.config.target if snapshot else setup.target() or recipes.last_target() or PREVIEW.target
    target = spec.build()
    missing = own.missing(st.session_state[setup.key("target")]) or ("" if right else PUT_RIGHT)
    words = describe(snapshot) if snapshot else before(target, ready, missing)
    told = telling(snapshot, words, mine=mine)
    with st.container(key="head"):
        _strip(snapshot, told)
        part("announce", told, height=1)
        stage = snapshot.stage if snapshot else "ready" if ready else ""
        watching = snapshot is not None or not ready
        part("follow", told | {"stage": stage, "live": watching}, height=1, on_stage_change=_nothing)
    with st.container(border=True, key="overlay"):
        _picture(snapshot, target, words)
        run = snapshot.run_id if snapshot else ""
        timeline(key="timeline", height=TIMELINE_HEIGHT, run=run)
    with st.container(key="side", gap="xsmall"):
        part("tiles", told, height=TILES_HEIGHT)
        st.fragment(_curves, key="figures")(snapshot, target)


def _nothing() -> None:
    """What the script does about another stage is to run."""


def _strip(snapshot: Snapshot | None, told: Told) -> None:
    """What always says what is going on, in the same place and height whatever it is."""
    with st.container(border=True, key="status", gap="xsmall"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="state_line"):
            part("state", told, width="content")
            if snapshot and snapshot.parent:
                with st.container(
                    horizontal=True, gap="xxsmall", width="content", vertical_alignment="center", key="parent"
                ):
                    st.markdown(f"trained on from epoch {snapshot.first_epoch:,} of", width="content")
                    st.page_link(TRAIN, label="this run", query_params={address.PARAMETER: snapshot.parent})
        part("course", told)


def _picture(snapshot: Snapshot | None, target: Target, words: Words) -> None:
    scene, told = picture(snapshot, target, words)
    (live_board if target.numbers else live_chart)(scene, height=PICTURE_HEIGHT, **told)


def picture(snapshot: Snapshot | None, target: Target, words: Words) -> tuple[figures.Scene, dict[str, Any]]:
    """The scene of a run, or of a target without one, and what else `chart_data` takes."""
    told: dict[str, Any] = {"label": words["label"], "run": snapshot.run_id if snapshot else ""}
    if target.numbers:
        return figures.board(target), {"key": "board_chart", **told}
    config = snapshot.config if snapshot else PREVIEW
    # those that the run trains on come by the stream: a scene that stays the same is drawn once
    real = _real_points(target.spec, min(config.points, REAL_POINTS), config.seed)
    told["layers"] = offered(config.model_copy(update={"target": target.spec}))
    told["film"] = "" if snapshot else film_url(target)
    return figures.overlay(target, real), {"key": "overlay_chart", **told}


def _curves(snapshot: Snapshot | None, target: Target) -> None:
    """Losses, scores and metrics over the epochs."""
    since = snapshot.first_epoch if snapshot else None
    objective = (snapshot.config if snapshot else PREVIEW).objective
    with st.container(border=True, key="curves", gap=None):
        names, smoothing = _curve_choices(snapshot, target)
        look: dict[str, Any] = {"smoothing": smoothing, "since": since}
        charts = (
            (
                "loss_chart",
                figures.losses(objective, **look),
                "Losses of generator and discriminator over the epochs",
            ),
            (
                "score_chart",
                figures.scores(objective, **look),
                "Mean answer of the discriminator to real and to generated points over the epochs",
            ),
            (
                "metric_chart",
                figures.metric(names, **look),
                f"{', '.join(METRICS[name].title for name in names) or 'No metric'} over the epochs",
            ),
        )
        for key, scene, label in charts:
            live_chart(scene, key=key, height=CURVE_HEIGHT, label=label, run=snapshot.run_id if snapshot else "")


def _curve_choices(snapshot: Snapshot | None, target: Target) -> tuple[list[str], float]:
    """The metrics to draw, at first the headline and the textbook's, and how much all curves are smoothed."""
    usual = ["headline", *filter(None, [target.textbook_metric])]
    measured = {*usual, *target.metrics, *(snapshot.history.columns if snapshot else ())}
    options = [name for name in METRICS if name in measured]
    chosen = [name for name in st.session_state.get(_METRICS, usual) if name in options]
    st.session_state[_METRICS] = chosen
    told = "  \n".join(f"**{METRICS[name].title}** ({METRICS[name].unit}): {METRICS[name].help}" for name in chosen)
    smoothed = f"{weight:.2f}" if (weight := st.session_state.get(_SMOOTHING)) else "off"
    label = f"Smoothing {smoothed} · {', '.join(METRICS[name].title for name in chosen) or 'no metric'}"
    with st.popover(label, icon=":material/show_chart:", key="curve_choices", width="stretch", help=_CHOICES_HELP):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            MOST_SMOOTHING,
            0.0,
            0.01,
            key=_SMOOTHING,
            persist_state="session",
            help="A running average over the epochs, from 0 (none) to 0.99; the figures as measured stay behind it, "
            "faint.",
        )
        names = st.multiselect(
            "Metrics to draw over the epochs",
            options,
            key=_METRICS,
            format_func=lambda name: METRICS[name].title,
            placeholder="Choose what to draw",
            help=told,
        )
    return names, smoothing


@lru_cache(maxsize=64)
def _real_points(spec: TargetSpec, count: int, seed: int) -> NDArray[np.float32]:
    """Real points, shape (count, dim), as a run with this seed may train on."""
    return spec.build().shown(count, np.random.default_rng(seed))
