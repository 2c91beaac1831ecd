"""What leaves the dashboard: the generator, its samples, the figures of its training and its config.

The files are built at the click, from the run as it is then. While a run trains its epoch is not in the file names,
because a name is fixed before the click and would tell an older epoch than the file holds.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from gandash.pages.wording import title
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

VARIANT_TITLES = {"latest": "Latest", "ema": "EMA", "best": "Best"}
VARIANT_HELP = (
    "Latest: the generator as it is now. EMA: a running average of its weights, usually the smoothest. "
    "Best: the one with the best watched metric so far."
)
DEFAULT_SAMPLES = 2000
MOST_SAMPLES = 100_000


def show(service: RunService, snapshot: Snapshot) -> None:
    """Draw the download buttons of a run and the Python that loads and samples the file."""
    run_id = snapshot.run_id
    with st.container(border=True, key="downloads"):
        st.markdown(f"##### Take the generator with you :gray[· {title(snapshot.config.shape)}]")
        left, right = st.columns(2, gap="medium")
        with left:
            if not snapshot.variants:
                st.caption("There is a generator to download once the first points are on screen.")
            which = _choose(snapshot)
            name = file_stem(snapshot, which)
            none = not snapshot.variants
            with st.container(horizontal=True, gap="xsmall", key="download_buttons"):
                _button(
                    "TorchScript",
                    partial(service.export, run_id, which),
                    f"{name}.pt",
                    "application/octet-stream",
                    icon=":material/deployed_code:",
                    primary=True,
                    disabled=none,
                )
                _button(
                    "History",
                    partial(history_csv, service, run_id),
                    f"{file_stem(snapshot)}-history.csv",
                    "text/csv",
                    icon=":material/show_chart:",
                    disabled=len(snapshot.history) == 0,
                )
                _button(
                    "Config",
                    partial(str.encode, snapshot.config.to_json()),
                    f"{snapshot.config.shape}-config.json",
                    "application/json",
                    icon=":material/settings:",
                )
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", key="sample_download"):
                count = st.number_input(
                    "Samples", 1, MOST_SAMPLES, DEFAULT_SAMPLES, 500, key="sample_count", required=True, width=150
                )
                count = min(max(int(count or DEFAULT_SAMPLES), 1), MOST_SAMPLES)
                _button(
                    "Samples",
                    partial(samples_csv, service, run_id, count, which),
                    f"{name}-samples.csv",
                    "text/csv",
                    icon=":material/grain:",
                    disabled=none,
                )
        if none:  # nothing to load yet; the browser's colouring of code would hold up the first points
            return
        with right:
            st.code(python_lines(f"{name}.pt", snapshot.config.latent_dim), language="python")
            st.caption("All it needs is torch: no other file, no gandash. The points come in the shape's own units.")


def file_stem(snapshot: Snapshot, which: str | None = None) -> str:
    """The beginning of a file's name: the shape, the variant, and the epoch where it cannot change before the click."""
    best = which == "best" and snapshot.best_epoch is not None
    epoch = snapshot.best_epoch if best else snapshot.epoch
    parts = [
        snapshot.config.shape,
        which if which != "latest" else None,
        None if snapshot.status.value in ("starting", "running") else f"epoch{epoch}",
    ]
    return "-".join(part for part in parts if part)


def python_lines(file_name: str, latent_dim: int) -> str:
    """The four lines that load the file and sample it."""
    return (
        "import torch\n"
        f'model = torch.jit.load("{file_name}")\n'
        f"noise = torch.randn(1000, {latent_dim})\n"
        "points = model(noise)"
    )


def history_csv(service: RunService, run_id: str) -> bytes:
    """The figures of every epoch so far, with a header; empty where nothing was measured."""
    text: str = service.history_frame(run_id).to_csv(index=False)
    return text.encode()


def samples_csv(service: RunService, run_id: str, count: int, which: str) -> bytes:
    """Points of a generator as two columns, x and y, in the shape's own units."""
    file = io.BytesIO()
    np.savetxt(file, service.samples(run_id, count, which), delimiter=",", header="x,y", comments="", fmt="%.9g")
    return file.getvalue()


def _choose(snapshot: Snapshot) -> str:
    options = list(snapshot.variants) or ["latest"]
    if st.session_state.get("variant") not in options:
        st.session_state["variant"] = "ema" if "ema" in options else "latest"
    return (
        st.segmented_control(
            "Generator",
            options,
            format_func=lambda name: _variant_title(name, snapshot),
            required=True,
            key="variant",
            help=VARIANT_HELP,
            disabled=not snapshot.variants,
        )
        or options[0]
    )


def _variant_title(name: str, snapshot: Snapshot) -> str:
    return VARIANT_TITLES.get(name, name)


def _button(
    label: str,
    build: Callable[[], bytes],
    name: str,
    mime: str,
    *,
    icon: str,
    disabled: bool = False,
    primary: bool = False,
) -> None:
    st.download_button(
        label,
        build,
        file_name=name,
        mime=mime,
        key=f"download_{label.lower()}",
        icon=icon,
        type="primary" if primary else "secondary",
        disabled=disabled,
        on_click="ignore",
    )
