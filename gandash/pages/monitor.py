"""The live part of the page: what the run is doing, its current figures, and the charts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from gandash.charts import figures
from gandash.charts.live import live_chart
from gandash.core.config import RunConfig
from gandash.core.metrics import METRICS
from gandash.core.targets import Target, TargetSpec, read_spec
from gandash.pages import TRAIN, address, announce, reading, setup, style, tiles, wording
from gandash.runs.service import RunService
from gandash.runs.snapshot import History, Snapshot
from gandash.runs.worker import REAL_POINTS

POINTS_POLL_SECONDS = 0.4
FIGURES_POLL_SECONDS = 0.9
IDLE_POLL_SECONDS = 1.0
MOST_SMOOTHING = 0.99

PICTURE_HEIGHT = 480
CURVE_HEIGHT = 170
"""Pixels, where the style sheet does not know better: it gives the charts the height that the screen has."""

PREVIEW = RunConfig()
"""Whose real points are shown before there is a run, but for the shape."""

_METRICS = "shown_metrics"


def show(service: RunService, snapshot: Snapshot | None) -> None:
    """Draw the live part. Without a run it shows the real points of the shape that is chosen in the sidebar.

    Two fragments poll the run, each at its own pace: the points, as often as there is something new to see, and the
    figures around them, as often as one can read them.
    """
    chosen = st.session_state[setup.key("target")]
    spec = snapshot.config.target if snapshot else read_spec(chosen) if chosen else PREVIEW.target
    target = spec.build()
    head = st.container(key="head")
    overlay = st.container(border=True, key="overlay")
    side = st.container(key="side", gap="xsmall")
    points_poll, figures_poll = polls(snapshot, service.ready)
    with overlay:
        st.fragment(_points, run_every=points_poll, key="points")(service, snapshot, target, service.ready)
    with side:
        st.fragment(_figures, run_every=figures_poll, key="figures")(service, snapshot, target, head)


def polls(snapshot: Snapshot | None, ready: bool) -> tuple[float | None, float | None]:
    """Seconds between two looks at the run, for the points and for the figures; None where nothing can change."""
    if snapshot is None:
        return (None if ready else IDLE_POLL_SECONDS), None
    if snapshot.status.active:
        return POINTS_POLL_SECONDS, FIGURES_POLL_SECONDS
    if snapshot.status.value in ("finished", "stopped_early", "diverged"):
        return None, None
    return IDLE_POLL_SECONDS, IDLE_POLL_SECONDS  # a chunk that was in flight may still come in


def _points(service: RunService, drawn: Snapshot | None, target: Target, was_ready: bool) -> None:
    """What moves.

    `drawn` is the run as the rest of the page shows it; once that is out of date, the whole page is drawn anew.
    """
    snapshot = _newest(service, drawn)
    if page_is_behind(drawn, snapshot) or (drawn is None and service.ready != was_ready):
        st.rerun()
    real = snapshot.real if snapshot else None
    if real is None:
        config = snapshot.config if snapshot else PREVIEW
        real = _real_points(target.spec, min(config.points, REAL_POINTS), config.seed)
    live_chart(
        figures.overlay(target, real, style.theme()),
        key="overlay_chart",
        height=PICTURE_HEIGHT,
        label=wording.overlay_label(target, snapshot),
        frames=snapshot.frames if snapshot else (),
        project=target.canvas.project,
        motion=snapshot.run_id if snapshot else "",
    )


def _figures(service: RunService, drawn: Snapshot | None, target: Target, head: DeltaGenerator) -> None:
    """What is read: the status, the tiles, and losses, scores and metrics over the epochs."""
    snapshot = _newest(service, drawn)
    with head:
        _status(snapshot, service.ready)
        announce.show(snapshot)
    tiles.show(tiles.tiles_of(target, snapshot))
    history = snapshot.history if snapshot else History()
    motion = snapshot.run_id if snapshot else ""
    since = snapshot.first_epoch if snapshot and snapshot.first_epoch else None
    objective = (snapshot.config if snapshot else PREVIEW).objective
    theme = style.theme()
    with st.container(border=True, key="curves", gap=None):
        names, smoothing = _curve_choices(target, history)
        curves: dict[str, Any] = {"smoothing": smoothing, "since": since}
        charts = (
            (
                "loss_chart",
                figures.losses(history, theme, objective, **curves),
                "Losses of generator and discriminator over the epochs",
            ),
            (
                "score_chart",
                figures.scores(history, theme, objective, **curves),
                "Mean answer of the discriminator to real and to generated points over the epochs",
            ),
            (
                "metric_chart",
                figures.metric(history, names, theme, **curves),
                f"{', '.join(METRICS[name].title for name in names) or 'No metric'} over the epochs",
            ),
        )
        for key, figure, label in charts:
            live_chart(figure, key=key, height=CURVE_HEIGHT, label=label, motion=motion)


def _newest(service: RunService, drawn: Snapshot | None) -> Snapshot | None:
    if drawn is None:
        return None
    service.watch(drawn.run_id)
    try:
        return service.snapshot(drawn.run_id)
    except ValueError:  # deleted from the list of runs in another tab: the whole page says so
        st.rerun()


def page_is_behind(drawn: Snapshot | None, snapshot: Snapshot | None) -> bool:
    """Whether buttons and downloads, drawn for an older snapshot, no longer fit the newest one."""
    if drawn is None or snapshot is None:
        return False
    if not snapshot.status.active and snapshot.epoch != drawn.epoch:
        return True
    return (drawn.status.active, drawn.status.ended, drawn.variants) != (
        snapshot.status.active,
        snapshot.status.ended,
        snapshot.variants,
    )


def _status(snapshot: Snapshot | None, ready: bool) -> None:
    """The strip that always says what is going on, in the same place and height whatever it is."""
    look = wording.LOOKS[snapshot.status] if snapshot else wording.READY
    with st.container(border=True, key="status", gap="xsmall"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.badge(look.label, icon=look.icon, color=look.colour)
            if snapshot:
                st.markdown(f"**{wording.progress_text(snapshot)}**", width="content")
                if pace := wording.pace(snapshot):
                    st.markdown(pace, width="content")
                if snapshot.parent:
                    with st.container(
                        horizontal=True, gap="xxsmall", width="content", vertical_alignment="center", key="parent"
                    ):
                        st.markdown(f"trained on from epoch {snapshot.first_epoch:,} of", width="content")
                        st.page_link(TRAIN, label="this run", query_params={address.PARAMETER: snapshot.parent})
        st.progress(min(max(snapshot.progress, 0.0), 1.0) if snapshot else 0.0)
        with st.container(key="sentence"):
            st.markdown(wording.what_happens(snapshot, ready, reading.sentence(snapshot) if snapshot else ""))


def _curve_choices(target: Target, history: History) -> tuple[list[str], float]:
    """The metrics to draw, at first the headline and the textbook's, and how much all curves are smoothed."""
    usual = ["headline", *filter(None, [target.textbook_metric])]
    options = [name for name in METRICS if name in usual or name in history.columns]
    chosen = [name for name in st.session_state.get(_METRICS, usual) if name in options]
    st.session_state[_METRICS] = chosen
    told = "  \n".join(f"**{METRICS[name].title}** ({METRICS[name].unit}): {METRICS[name].help}" for name in chosen)
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key="curve_choices"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            MOST_SMOOTHING,
            0.0,
            0.01,
            key="smoothing",
            persist_state="session",
            help="A running average over the epochs, from 0 (none) to 0.99; the figures as measured stay behind it, "
            "faint.",
        )
        with st.popover("Metrics", icon=":material/show_chart:", key="metric_choice"):
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
    return spec.build().sample(count, np.random.default_rng(seed))
