"""What leaves the dashboard: a generator, its samples, the figures of its training, its config and its checkpoint.

The generator on screen is the one offered first, and every one says its epoch and its gap to real. Files are built at
the click, from the run as it is then: while it trains the epoch is not in their names, because a name is fixed before
the click and would tell an older epoch than the file holds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from gandash.core.formats import FORMATS, Format
from gandash.pages import film, style, variant_pictures
from gandash.pages.parts import part, telling
from gandash.pages.wording import VARIANT_TITLES, plain
from gandash.pages.words import describe
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

VARIANT_HELP = (
    "Latest: the generator as it is now. EMA: a running average of its weights, usually the smoothest. "
    "Best: the one that scored best so far."
)
DEFAULT_SAMPLES = 2000
MOST_SAMPLES = 100_000
_CHOSEN, _CHOSEN_FOR = "variant", "variant_of"


def show(service: RunService, snapshot: Snapshot) -> None:
    """Draw the download buttons of a run and the Python that loads and samples the file."""
    run_id = snapshot.run_id
    with st.container(border=True, key="downloads"):
        st.markdown(f"## Take the generator with you: {plain(snapshot.config.target.build().title)}")
        left, right = st.columns(2, gap="medium")
        with left:
            if not snapshot.variants:
                st.caption("There is a generator to download once the first points are on screen.")
                if snapshot.status.active:  # the rest comes with them, and would hold them up
                    return
            which = _choose(snapshot)
            part("qualities", telling(snapshot, describe(snapshot)))
            variant_pictures.show(service, snapshot)
            file = _choose_format()
            missing = file.missing()
            st.caption(f"{file.about} {missing}".strip())
            name = file_stem(snapshot, which)
            none = not snapshot.variants
            with st.container(horizontal=True, gap="xsmall", key="download_buttons"):
                button(
                    f"Generator: {variant_title(snapshot, which)}",
                    partial(service.export, run_id, which, file.name),
                    f"{name}{file.suffix}",
                    "application/octet-stream",
                    key="generator",
                    icon=":material/deployed_code:",
                    about="Its own report of quality is inside.",
                    primary=True,
                    disabled=none or bool(missing),
                )
                button(
                    "History",
                    partial(history_csv, service, run_id),
                    f"{file_stem(snapshot)}-history.csv",
                    "text/csv",
                    icon=":material/show_chart:",
                    disabled=len(snapshot.history) == 0,
                )
                button(
                    "Config",
                    partial(str.encode, snapshot.config.to_json()),
                    f"{snapshot.config.shape}-config.json",
                    "application/json",
                    icon=":material/settings:",
                )
                button(
                    "Checkpoint",
                    partial(service.checkpoint, run_id),
                    f"{file_stem(snapshot)}-checkpoint.pt",
                    "application/octet-stream",
                    icon=":material/save:",
                    about="All that it takes to go on elsewhere: for `gandash train --from`.",
                    disabled=none,
                )
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", key="sample_download"):
                count = st.number_input(
                    "Samples", 1, MOST_SAMPLES, DEFAULT_SAMPLES, 500, key="sample_count", required=True, width=150
                )
                count = min(max(int(count or DEFAULT_SAMPLES), 1), MOST_SAMPLES)
                button(
                    "Samples",
                    partial(samples_csv, service, run_id, count, which),
                    f"{name}-samples.csv",
                    "text/csv",
                    icon=":material/grain:",
                    disabled=none,
                )
            _film(service, snapshot)
        if none:  # nothing to load yet; the browser's colouring of code would hold up the first points
            return
        with right:
            numbers = bool(snapshot.config.target.build().numbers)
            st.code(file.lines(f"{name}{file.suffix}", snapshot.config.latent_dim, numbers=numbers), language=None)
            units = (
                "A vector's largest entry is at its number."
                if numbers
                else "The points come in the target's own units."
            )
            st.caption(f"It needs no other file and no gandash. {units}")


def _film(service: RunService, snapshot: Snapshot) -> None:
    """The run's past, to take home."""
    nothing, stem = not (snapshot.timeline or snapshot.frames), file_stem(snapshot)
    with st.container(horizontal=True, gap="xsmall", key="film_buttons"):
        button(
            "Film",
            partial(film.html, service, snapshot.run_id),
            f"{stem}-film.html",
            "text/html",
            icon=":material/movie:",
            about="One file that plays in any browser without a network: points, timeline, light and dark.",
            disabled=nothing,
        )
        button(
            "GIF",
            partial(film.gif, service, snapshot.run_id, style.theme()),
            f"{stem}.gif",
            "image/gif",
            icon=":material/gif_box:",
            about="Up to 200 epochs of the run, evenly spread, in the theme of this page.",
            disabled=nothing,
        )
        button(
            "Pictures",
            partial(film.pictures, service, snapshot.run_id, style.theme()),
            f"{stem}-pictures.zip",
            "application/zip",
            icon=":material/photo_library:",
            about="The picture of every 25th epoch, p25.png, p50.png and so on. Of a long run the kept epoch nearest "
            "to each is taken, and its name says which; `gandash train --pictures 25 FOLDER` takes exactly these.",
            disabled=nothing,
        )


def variant_title(snapshot: Snapshot, which: str) -> str:
    """What a generator is called: whether it is the one on screen and, where that is settled, of which epoch."""
    shown = ", as shown" if which == snapshot.shown else ""
    epoch = epoch_of(snapshot, which)
    return f"{VARIANT_TITLES[which]}{shown}{'' if epoch is None else f', epoch {epoch:,}'}"


def epoch_of(snapshot: Snapshot, which: str) -> int | None:
    """The epoch that a generator's weights are of; None where it may change before a click."""
    if snapshot.status.active:
        return None
    if which != "best":
        return snapshot.epoch
    return snapshot.appraisals["best"].epoch if "best" in snapshot.appraisals else None


def file_stem(snapshot: Snapshot, which: str | None = None) -> str:
    """The beginning of a file's name: target, variant, and the epoch where it cannot change before the click."""
    epoch = epoch_of(snapshot, which or "latest")
    parts = [snapshot.config.shape, which, None if epoch is None else f"epoch{epoch}"]
    return "-".join(part for part in parts if part)


def history_csv(service: RunService, run_id: str) -> bytes:
    """The figures of every epoch so far, with a header; empty where nothing was measured."""
    text: str = service.history_frame(run_id).to_csv(index=False)
    return text.encode()


def samples_csv(service: RunService, run_id: str, count: int, which: str) -> bytes:
    """Points of a generator in the target's own units as the target writes them."""
    target = service.snapshot(run_id).config.target.build()
    return target.csv(service.samples(run_id, count, which))


def _choose(snapshot: Snapshot) -> str:
    """The generator to take; at first, and for every other run, the one on screen."""
    options = list(snapshot.variants) or ["latest"]
    subject = (snapshot.run_id, snapshot.shown, snapshot.shown in options)
    if st.session_state.get(_CHOSEN_FOR) != subject or st.session_state.get(_CHOSEN) not in options:
        st.session_state[_CHOSEN] = snapshot.shown if snapshot.shown in options else options[0]
        st.session_state[_CHOSEN_FOR] = subject
    return (
        st.segmented_control(
            "Generator",
            options,
            default=st.session_state[_CHOSEN],
            format_func=VARIANT_TITLES.__getitem__,
            required=True,
            key=_CHOSEN,
            help=VARIANT_HELP,
            disabled=not snapshot.variants,
        )
        or options[0]
    )


def _choose_format() -> Format:
    name = st.segmented_control(
        "File",
        list(FORMATS),
        format_func=lambda each: FORMATS[each].title,
        default="torchscript",
        required=True,
        key="format",
    )
    return FORMATS[name or "torchscript"]


def button(
    label: str,
    build: Callable[[], bytes | str],
    name: str,
    mime: str,
    *,
    icon: str,
    key: str = "",
    about: str | None = None,
    disabled: bool = False,
    primary: bool = False,
) -> None:
    """Draw a button that builds a file at the click; `about` says more of it."""
    st.download_button(
        label,
        build,
        file_name=name,
        mime=mime,
        key=f"download_{key or label.lower()}",
        help=about,
        icon=icon,
        type="primary" if primary else "secondary",
        disabled=disabled,
        on_click="ignore",
    )
