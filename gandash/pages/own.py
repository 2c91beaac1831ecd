"""A target of one's own in the gallery: the fields of a formula, or the canvas of a drawing.

The knob `target` holds what is typed or drawn, right or wrong; a wrong one is refused where the set-up is checked, so
Train is off meanwhile. What was typed last stays with the session, however it reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from gandash.charts.live import element
from gandash.core.expression import Expression, FormulaError, constant
from gandash.core.targets import read_spec
from gandash.core.targets.formula import FormulaSpec
from gandash.core.targets.target import LONGEST_JSON
from gandash.live import assets
from gandash.pages import recipes, setup, switch, upload
from gandash.pages.wording import plain

assets.register(Path(__file__).with_name("draw.js"))

Form = Literal["curve", "line", "drawing", "table"]

FORMS: Mapping[Form, str] = {"curve": "y = f(x)", "line": "x(t), y(t)", "drawing": "Draw", "table": "Upload"}
FIELDS: Mapping[Form, tuple[str, ...]] = {
    "curve": ("y", "start", "end", "noise"),
    "line": ("x", "y", "start", "end", "noise"),
}
"""The fields of each form of a formula."""
EMPTY = '{"kind":"drawn","strokes":[]}'
"""The text of a drawing in which nothing is drawn yet."""


def _text(text: str) -> str:
    """A target's text as its spec writes it."""
    return read_spec(text).text


EXAMPLES: Mapping[Form, Mapping[str, str]] = {
    "curve": {
        _text("y = sin(3x) + 0.2x^2; x = -3..3; noise = 0.1"): "Wave",
        _text("y = exp(-x/3) sin(3x); x = 0..10; noise = 0.02"): "Fading",
        _text("y = tanh(5x); x = -2..2; noise = 0.05"): "Step",
    },
    "line": {
        _text("x = sin(t); y = sin(2t); t = 0..6.2832; noise = 0.02"): "Eight",
        _text("x = cos(t) cos(5t); y = sin(t) cos(5t); t = 0..3.1416"): "Flower",
        _text("x = cos(t)^3; y = sin(t)^3; t = 0..6.2832; noise = 0.02"): "Astroid",
    },
}
"""What can be clicked, by its text, and what it is called."""
START: Mapping[Form, str] = {
    "curve": _text("y = x^2; x = -1..1"),
    "line": _text("x = cos(t); y = sin(t); t = 0..6.2832"),
}
"""What the card for a formula of one's own holds at first."""

FORM, DRAW = "own_form", "draw"
PAUSE = "300ms"
"""In typing, after which the preview follows."""
NEAR = 13
"""Letters of a formula on each side of what is wrong with it that are shown."""

_TYPED, _MEANS = "typed_fields", "typed_means"
_LAST, _MINE, _SEQ = "own_last", "own_formulas", "drawings_seen"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with what is typed: in which field, in words, and at which of its characters, if at one."""

    field: str
    text: str
    position: int | None = None


def first(form: Form | None = None) -> str:
    """The target's text where a form is chosen, or one's own targets at all: what was held last, or an example."""
    last: Mapping[Form, str] = st.session_state.get(_LAST, {})
    chosen: Form = form or [*last, "curve"][len(last) - 1 if last else 0]
    empty = {"drawing": EMPTY, "table": upload.EMPTY}.get(chosen)
    return last.get(chosen) or empty or next(iter(EXAMPLES[chosen]))


def cards(held: str, form: Form) -> dict[str, str]:
    """The texts of a form's cards, the user's own last, each with a text whose picture it shows."""
    mine: Mapping[Form, tuple[str, str]] = st.session_state.get(_MINE, {})
    own, pictured = mine.get(form, (START[form], START[form]))
    if held not in EXAMPLES[form]:
        own, pictured = held, held if setup.target(held) else pictured
        st.session_state[_MINE] = {**mine, form: (own, pictured)}
    return {**{text: text for text in EXAMPLES[form]}, own: pictured}


def is_own(text: str) -> bool:
    """Whether a target's text is that of one's own, perhaps a wrong one."""
    return is_formula(text) or is_drawing(text) or upload.is_table(text)


def is_drawing(text: str) -> bool:
    """Whether a target's text is a drawing's, perhaps a wrong one's."""
    return text.startswith(EMPTY[:15])


def is_formula(text: str) -> bool:
    """Whether a target's text is a formula's, perhaps a wrong one's."""
    return FormulaSpec.knows(text) or _fields(text) is not None


def form_of(text: str) -> Form:
    """Which form the text of a target of one's own has."""
    if is_drawing(text):
        return "drawing"
    if upload.is_table(text):
        return "table"
    fields, spec = _fields(text), setup.target(text)
    if fields is None and spec:
        fields = spec.model_dump()
    return "line" if fields and fields.get("x") is not None else "curve"


def missing(text: str) -> str:
    """What is to be done before a target of one's own can be trained on; empty if it can be."""
    if not is_own(text) or setup.target(text):
        return ""
    do = "Draw a line" if is_drawing(text) else "Choose a file" if upload.is_table(text) else "Put the formula right"
    return f"{do} in the sidebar, then press Train. The picture still shows what was chosen before."


def title(text: str) -> str:
    """What a target of one's own is called, right or wrong."""
    if is_drawing(text):
        return "A drawing"
    if upload.is_table(text):
        return upload.title(text)
    return next((examples[text] for examples in EXAMPLES.values() if text in examples), "Own formula")


def examine(typed: Mapping[str, str]) -> FormulaSpec | Wrong:
    """The formula that the fields say, or the first thing wrong with them."""
    variable = "t" if "x" in typed else "x"
    values: dict[str, Any] = {}
    for name, text in typed.items():
        try:
            if name in ("x", "y"):
                Expression.read(text, variable)
                values[name] = text
            else:
                values[name] = constant(text)
        except FormulaError as error:
            return Wrong(name, str(error), error.position)
    try:
        spec = read_spec({"kind": "formula", **values})
    except ValueError as error:
        said = str(error)
        about = next((name for name in ("start", "end", "noise") if said.startswith(f"{name}:")), "")
        return Wrong(about or ("end" if "the range goes" in said else "y"), said.removeprefix(f"{about}: "))
    assert isinstance(spec, FormulaSpec)
    return spec


def show_formula(held: str) -> None:
    """Draw the fields of a formula, which hold this text; what is wrong stands below the one that it is about."""
    form = form_of(held)
    _fill(held, form)
    found = examine(_typed(form))
    wrong = found if isinstance(found, Wrong) else None
    with st.container(key="formula", gap="xsmall"):
        for name in ("x", "y"):
            if name in FIELDS[form]:
                _field(name, f"{name}({'t' if form == 'line' else 'x'}) =", wrong)
        with st.container(horizontal=True, gap="xsmall", wrap=False, vertical_alignment="top", key="formula_range"):
            variable = "t" if form == "line" else "x"
            _field("start", f"{variable} from", None)
            _field("end", "to", None)
            _field("noise", "Noise", None)
        if wrong and wrong.field not in ("x", "y"):
            _say(wrong)


def show_table(held: str, reason: str | None) -> None:
    """Draw what takes a file, and why the one that is held is no target."""
    _remember("table", held)
    if reason and held != upload.EMPTY:
        with st.container(key="wrong_table"):
            st.markdown(f":red[:material/error: {plain(reason)}]")
    upload.show(held)


def show_drawing(held: str, reason: str | None) -> None:
    """Draw the canvas, which holds the drawing of this text, and why that is no target yet."""
    _remember("drawing", held)
    seq: int = st.session_state.setdefault(_SEQ, 0)
    data = {"target": held, "seq": seq}
    element("gandash_draw", "draw.js", data, key=DRAW, on_drawing_change=_take_drawing)
    if reason:
        with st.container(key="wrong_drawing"):
            st.markdown(f":red[:material/error: {plain(reason)}]" if held != EMPTY else plain(reason))


def drawn(told: object) -> tuple[int, str] | None:
    """How many drawings the canvas has sent, and the newest as a target's text; None for what is none.

    What is no target, as one dot is none, stays as it was drawn; the set-up says why.
    """
    if not isinstance(told, str) or len(told) > LONGEST_JSON:
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        said = json.loads(told)
        seq, text = said["seq"], said["target"]
        if isinstance(seq, int) and isinstance(text, str) and is_drawing(text):
            spec = setup.target(text)
            return seq, spec.text if spec else text
    return None


def _take_drawing() -> None:
    found = drawn(st.session_state[DRAW].get("drawing"))
    if found is None:
        return
    st.session_state[_SEQ], st.session_state[setup.key("target")] = found
    if setup.target():
        recipes.take_shape()


def show_forms(held: str) -> Form:
    """Draw the switch between the forms; the one of this text is chosen."""
    form = form_of(held)
    switch.show("Formula, drawing or data", FORMS, key=FORM, held=form, on_change=_take_form)
    return form


def _key(name: str) -> str:
    return f"formula_{name}"


def _typed(form: Form) -> dict[str, str]:
    return {name: st.session_state[_key(name)] for name in FIELDS[form]}


def _fill(held: str, form: Form) -> None:
    """Give the fields what the target's text says, unless they have said that themselves."""
    typed: Mapping[str, str] = st.session_state.get(_TYPED, {})
    if st.session_state.get(_MEANS) != held or typed.keys() != set(FIELDS[form]):
        spec = setup.target(held)
        fields = _fields(held) or (spec.model_dump() if spec else {})
        typed = {name: _shown(fields.get(name)) for name in FIELDS[form]}
        st.session_state[_TYPED], st.session_state[_MEANS] = typed, held
        for name, text in typed.items():
            st.session_state[_key(name)] = text
    for name, text in typed.items():  # gone while another page was shown
        if _key(name) not in st.session_state:
            st.session_state[_key(name)] = text
    _remember(form, held)


def _remember(form: Form, held: str) -> None:
    """The form that was used last goes to the end."""
    last = {other: text for other, text in st.session_state.get(_LAST, {}).items() if other != form}
    st.session_state[_LAST] = {**last, form: held}


def _shown(value: Any) -> str:
    return "" if value is None else str(setup.typed(value))


def _fields(text: str) -> dict[str, Any] | None:
    """What a formula's JSON says, right or wrong; None for anything else."""
    if not text.startswith('{"kind": "formula"'):
        return None
    with suppress(ValueError, RecursionError):
        fields = json.loads(text)
        if isinstance(fields, dict):
            return fields
    return None


def _field(name: str, label: str, wrong: Wrong | None) -> None:
    with st.container(gap=None, key=f"formula_field_{name}"):
        st.text_input(
            label,
            st.session_state[_key(name)],
            key=_key(name),
            help=_HELP if name == "y" else _HELP_NOISE if name == "noise" else None,
            on_change=_take,
            live=PAUSE,
        )
        if wrong and wrong.field == name:
            _say(wrong)


_HELP = "Numbers, + - * / ^, brackets, pi, e, and sin, cos, tan, exp, log, sqrt, abs, min, max and the like. 2x is 2*x."
_HELP_NOISE = "Standard deviation of what is added to y, or to both coordinates of a line, in their own units."


def _say(wrong: Wrong) -> None:
    """What is wrong, and above it the place in what was typed."""
    with st.container(key=f"wrong_formula_{wrong.field}", gap=None):
        if wrong.position is not None and wrong.field in ("x", "y"):
            shown = caret(st.session_state[_key(wrong.field)], wrong.position)
            st.html(f'<pre class="gandash-caret" aria-hidden="true">{shown}</pre>')
        st.markdown(f":red[:material/error: {plain(wrong.text)}]")


def caret(text: str, position: int) -> str:
    """The part of a text around one of its characters, and a caret under that, as HTML of two lines."""
    at = min(position, len(text))
    start = max(0, at - NEAR)
    near = text[start : at + NEAR]
    before = "…" * (start > 0)
    after = "…" * (at + NEAR < len(text))
    return f"{escape(before + near + after)}\n{' ' * (at - start + len(before))}^"


def _take() -> None:
    """Take what is typed for the target, right or wrong."""
    form: Form = "line" if st.session_state.get(FORM) == "line" else "curve"
    typed = _typed(form)
    found = examine(typed)
    text = refused(typed) if isinstance(found, Wrong) else found.text
    st.session_state[_TYPED], st.session_state[_MEANS] = typed, text
    st.session_state[setup.key("target")] = text
    if isinstance(found, FormulaSpec):
        recipes.take_shape()


def refused(typed: Mapping[str, str]) -> str:
    """A target's text for what is typed and wrong, which `read_spec` refuses too."""
    numbers = {name: _constant(typed[name]) for name in ("start", "end", "noise")}
    return json.dumps({"kind": "formula", **typed, **numbers})


def _constant(text: str) -> float | None:
    try:
        return constant(text)
    except FormulaError:
        return None


def _take_form() -> None:
    if st.session_state[FORM] in FORMS:  # a busy browser may tell of no choice at all
        st.session_state[setup.key("target")] = first(st.session_state[FORM])
        recipes.take_group()
