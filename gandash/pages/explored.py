"""Which generators Explore looks at: one, and perhaps another beside it, of a run or from a file.

The address names both, as far as they are of runs: ``run`` and ``generator``, ``beside`` as *run.generator*. What is
held stays until a newer one is asked for, so that nothing moves by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gandash import portable
from gandash.pages import address, latent, wording
from gandash.pages.server import Visitor
from gandash.pages.setup import place_of
from gandash.portable import PortableGenerator
from gandash.runs import timeline
from gandash.runs.snapshot import RunSummary, Snapshot

MEGABYTES = portable.LARGEST_FILE // 2**20
GENERATOR, BESIDE = "generator", "beside"
CHOICE_PIXELS = 270
NOTHING, FILE = "", "file"
"""What may be beside the first generator, other than a run by its id."""
PAST = "past"
"""The choice of a kept epoch, of which there may be many."""

_HELD, _NEWER = "explored", "explore_newer"
_RUN, _VARIANT, _FILE = "explore_run", "explore_variant", "explore_file"
_OTHER, _OTHER_VARIANT, _OTHER_FILE = "beside_run", "beside_variant", "beside_file"


@dataclass(frozen=True)
class Explored:
    """What is looked at, and from where: a run's generator at an epoch of the run, or a file by its name.

    `subject` is the run's id or the file's name: generators of one subject are shown at the same place of the noise.
    `name` is what it is called, a run's own name for one; `file` is the portable file, as a worker takes it.
    """

    key: tuple[str, ...]
    subject: str
    name: str
    epoch: int
    generator: PortableGenerator
    file: bytes
    axes: str
    browser: Mapping[str, str]

    @property
    def own(self) -> bool:
        """Whether it is a run's, so that what it says of itself was measured here."""
        return self.key[0] == "run"


@dataclass(frozen=True)
class Chosen:
    """The generators to show, first and second; of the first its run as it is now, if it is of one.

    `awaited` is a run that has no generator yet. Neither that nor a first generator: there is nothing to look at, or
    why not has been said.
    """

    first: Explored | None = None
    second: Explored | None = None
    snapshot: Snapshot | None = None
    awaited: Snapshot | None = None
    problem: bool = False


def variants(snapshot: Snapshot) -> tuple[str, ...]:
    """The generators of a run that can be looked at, the one on screen first; `title` names them."""
    return tuple(sorted(snapshot.variants, key=lambda which: which != snapshot.shown))


def title(which: str) -> str:
    """A generator's name for people."""
    if which == PAST:
        return "Past"
    if (epoch := timeline.epoch_of(which)) is not None:
        return f"Epoch {epoch:,}"
    return wording.VARIANT_TITLES.get(which, which[:40].capitalize())


def name(each: Explored) -> str:
    """Which generator of its run it is, and of which epoch."""
    if is_past(each):
        return title(each.key[-1])
    return f"{title(each.generator.variant)}, epoch {each.generator.epoch:,}"


def is_past(each: Explored) -> bool:
    """Whether it is a run's generator of a kept epoch, which stays what it is however far the run has got."""
    return each.own and timeline.epoch_of(each.key[-1]) is not None


def take_newest() -> None:
    """Fetch what is looked at anew: the newest there is of each run."""
    st.session_state[_NEWER] = True


def choose(looking: Visitor, runs: Sequence[RunSummary], row: DeltaGenerator) -> Chosen:
    """Draw the choice of both in a row and fetch them. What cannot be had is said where this is called."""
    if st.session_state.pop(_NEWER, False):
        st.session_state.pop(_HELD, None)
    with row:
        found, which, problem = _choose_first(looking, runs)
        uploaded = _uploader("Open a file", _FILE)
    if uploaded is not None:
        first = _from_file(*uploaded)
        chosen = Chosen(first, problem=first is None)
    elif problem:
        st.error(wording.plain(problem), icon=":material/error:")
        if runs:
            st.button("Choose another run", icon=":material/arrow_forward:", key="explore_other", on_click=_let_go)
        return Chosen(problem=True)
    elif found is None or not which:
        return Chosen(awaited=found)
    else:
        first = _from_run(looking, found, which)
        chosen = Chosen(first, snapshot=found, problem=first is None)
    if first is None:
        return chosen
    second = _choose_second(looking, runs, first, row)
    _keep(first, second)
    return Chosen(first, second, chosen.snapshot)


def unlike(first: Explored, second: Explored) -> str:
    """Why two generators cannot be given the same noise, and what to do; empty if they can."""
    one, other = first.generator, second.generator
    if one.latent_dim != other.latent_dim:
        return (
            f"The first generator takes {_numbers(one.latent_dim)} of noise, the second {_numbers(other.latent_dim)}, "
            "so no noise fits both. Choose two with the same number of latent dimensions."
        )
    kinds = [("uniform" if each.layers[0].kind == "uniform" else "normal") for each in (one, other)]
    if kinds[0] != kinds[1]:
        return (
            f"The first generator was trained on {kinds[0]} noise, the second on {kinds[1]} noise. "
            "Choose two that were trained on the same kind."
        )
    return ""


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"


# The choice


def _choose_first(looking: Visitor, runs: Sequence[RunSummary]) -> tuple[Snapshot | None, str, str]:
    """The run, which of its generators (empty without any), and what is wrong with the run that the address names."""
    named = st.query_params.get(address.PARAMETER) or address.shown_run()
    labels = _labels(runs)
    if named and named not in labels:
        try:
            snapshot = looking.service.snapshot(named)
        except ValueError as error:
            return None, "", str(error)
        labels = {named: _label_of(snapshot)} | labels
    if not labels:
        return None, "", ""
    if st.session_state.get(_RUN) not in labels or st.query_params.get(address.PARAMETER) not in (
        None,
        st.session_state.get(_RUN),
    ):
        st.session_state[_RUN] = named or next((run.run_id for run in runs if run.progress), next(iter(labels)))
    run_id = st.selectbox(
        "Run",
        list(labels),
        place_of(st.session_state[_RUN], list(labels)),
        key=_RUN,
        format_func=lambda each: wording.line(labels[each]),
        on_change=_go,
        disabled=_file_counts(),
        width=CHOICE_PIXELS,
    )
    st.query_params[address.PARAMETER] = run_id
    snapshot = looking.service.snapshot(run_id)
    which = _choose_variant(looking, "Generator", snapshot, _VARIANT, st.query_params.get(GENERATOR, ""))
    if which:
        st.query_params[GENERATOR] = which
    return snapshot, which, ""


def _choose_second(
    looking: Visitor, runs: Sequence[RunSummary], first: Explored, row: DeltaGenerator
) -> Explored | None:
    run_id, _, named = st.query_params.get(BESIDE, "").partition(".")
    labels = {NOTHING: "Nothing"} | _labels(runs) | {FILE: "A file"}
    if run_id and run_id not in labels:
        try:
            labels[run_id] = _label_of(looking.service.snapshot(run_id))
        except ValueError as error:
            st.warning(wording.plain(f"What the link names beside this one: {error}"), icon=":material/warning:")
            run_id = NOTHING
    held = st.session_state.get(_OTHER)
    if held not in labels or (held != FILE and run_id != held):
        st.session_state[_OTHER] = run_id
    with row:
        other = st.selectbox(
            "Beside it, on the same noise",
            list(labels),
            place_of(st.session_state[_OTHER], list(labels)),
            key=_OTHER,
            format_func=lambda each: wording.line(labels[each]),
            on_change=_go_beside,
            width=CHOICE_PIXELS,
        )
        if other == FILE:
            uploaded = _uploader("Open the second file", _OTHER_FILE)
        elif other:
            snapshot = looking.service.snapshot(other)
            usual = named or next((each for each in variants(snapshot) if (other, each) != first.key[1:]), "")
            which = _choose_variant(looking, "Second generator", snapshot, _OTHER_VARIANT, usual)
    if other == FILE:
        return _from_file(*uploaded) if uploaded else None
    if not other:
        st.query_params.pop(BESIDE, None)
        return None
    st.query_params[BESIDE] = f"{other}.{which}"
    if not which:
        st.info("That run has no generator yet.", icon=":material/hourglass_empty:")
        return None
    return _from_run(looking, snapshot, which, "beside_again")


def _choose_variant(looking: Visitor, label: str, snapshot: Snapshot, key: str, named: str) -> str:
    """One of a run's generators, at first the one that is named; empty if it has none."""
    options = variants(snapshot)
    if not options:
        return ""
    epochs = looking.service.timeline(snapshot.run_id, weights=True)
    if epochs:
        options = (*options, PAST)
    past = timeline.epoch_of(named)
    of, at = f"{key}_of", f"{key}_epoch"
    if st.session_state.get(key) not in options or st.session_state.get(of) != snapshot.run_id:
        usual = PAST if past in epochs else named
        st.session_state[key] = usual if usual in options else options[0]
    st.session_state[of] = snapshot.run_id
    off = key == _VARIANT and _file_counts()
    chosen = st.segmented_control(
        label, options, default=st.session_state[key], key=key, format_func=title, required=True, disabled=off
    )
    chosen = chosen or options[0]
    if chosen != PAST:
        return chosen
    if st.session_state.get(at) not in epochs:
        st.session_state[at] = past if past in epochs else epochs[-1]
    kept = st.selectbox(
        f"{label}: kept epoch",
        epochs,
        place_of(st.session_state[at], epochs),
        key=at,
        disabled=off,
        width=CHOICE_PIXELS // 2,
    )
    return timeline.past(kept)


def _file_counts() -> bool:
    """Whether the first generator is out of a file, so that the choice of a run rests."""
    return st.session_state.get(_FILE) is not None


def _uploader(label: str, key: str) -> tuple[str, bytes] | None:
    with st.popover(label, icon=":material/upload_file:"):
        uploaded = st.file_uploader(
            f"A portable file of a generator, up to {MEGABYTES} MB",
            key=key,
            max_upload_size=MEGABYTES,
            help="*Take the generator with you* makes it. It holds numbers alone: files that are programs, such as "
            "TorchScript, are never run here.",
        )
    return None if uploaded is None else (uploaded.name, uploaded.getvalue())


def _go() -> None:
    st.query_params[address.PARAMETER] = st.session_state[_RUN]
    st.query_params.pop(GENERATOR, None)


def _let_go() -> None:
    """Forget the run that the address or the Train page names: it cannot be had."""
    address.forget_run(st.query_params.get(address.PARAMETER) or address.shown_run())
    for name in (address.PARAMETER, GENERATOR):
        st.query_params.pop(name, None)


def _go_beside() -> None:
    other = st.session_state[_OTHER]
    st.session_state.pop(_OTHER_VARIANT, None)
    if other in (NOTHING, FILE):
        st.query_params.pop(BESIDE, None)
    else:
        st.query_params[BESIDE] = other


def _labels(runs: Sequence[RunSummary]) -> dict[str, str]:
    return {run.run_id: _label(run.name or run.title, run.run_id) for run in runs if not run.damaged}


def _label(name: str, run_id: str) -> str:
    """What a run is called in a choice: browsers send it back, so it is one run's alone, and stays while it trains."""
    return f"{name} ({run_id[:6]})"


def _label_of(snapshot: Snapshot) -> str:
    return _label(snapshot.name or snapshot.config.target.build().title, snapshot.run_id)


# What is held


def _held(key: tuple[str, ...]) -> Explored | None:
    held: dict[tuple[str, ...], Explored] = st.session_state.get(_HELD, {})
    return held.get(key)


def _keep(*shown: Explored | None) -> None:
    st.session_state[_HELD] = {each.key: each for each in shown if each is not None}


def _from_run(looking: Visitor, snapshot: Snapshot, which: str, again: str = "explore_again") -> Explored | None:
    key = ("run", snapshot.run_id, which)
    if held := _held(key):
        return held
    try:
        with st.spinner("Fetching the generator…"):
            data = looking.service.export(snapshot.run_id, which, "portable")
            past = timeline.epoch_of(which)
            return _read(key, snapshot.name, snapshot.epoch if past is None else past, data)
    except ValueError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key=again)
        return None


def _from_file(name: str, data: bytes) -> Explored | None:
    key = ("file", name, str(hash(data)))
    if held := _held(key):
        return held
    try:
        return _read(key, name, 0, data)
    except ValueError as error:
        st.error(wording.plain(f"{name[:100]}: {error}"), icon=":material/error:")
        st.caption("Take the file away, under *Open a file*, to go back to your runs.")
        return None


def _read(key: tuple[str, ...], name: str, epoch: int, data: bytes) -> Explored:
    generator = portable.read(data)
    axes = json.dumps(latent.axes(generator).tolist())
    browser = latent.browser_side(generator)
    return Explored(key, key[1], name or generator.title, epoch, generator, data, axes, browser)
