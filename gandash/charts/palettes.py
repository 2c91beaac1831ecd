"""The colours of both themes, said here alone: for pictures of the server, and as a style sheet for the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Theme = Literal["light", "dark"]

FAINT = 0.3
"""Opacity of a line that is there to be compared with its average."""
VEIL = 0.35
"""Opacity of the ground behind a word: lines pass behind it, and are seen."""
LINES = 6
"""How many metrics have colours of their own: a palette's `lines`."""
MISFIT = 3
"""Which of a palette's `lines` numbers have that do not fit: neither real's colour nor generated's."""


@dataclass(frozen=True)
class Palette:
    """The colours of a theme, in tune with `.streamlit/config.toml`. `lines` are told apart by the colour-blind too."""

    real: str
    real_opacity: float
    generated: str
    generated_opacity: float
    discriminator: str
    background: str
    text: str
    grid: str
    hint: str
    hover: str
    lines: tuple[str, ...]


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {
        "light": Palette(
            real="#d1434f",
            real_opacity=0.75,
            generated="#0b7a4b",
            generated_opacity=0.8,
            discriminator="#c2570c",
            background="#ffffff",
            text="#3a4649",
            grid="#e6ecea",
            hint="#5f6c69",
            hover="#ffffff",
            lines=("#2563eb", "#c2570c", "#0b7a4b", "#a21caf", "#57534e", "#0e7490"),
        ),
        "dark": Palette(
            real="#ff7b84",
            real_opacity=0.65,
            generated="#4ade80",
            generated_opacity=0.75,
            discriminator="#fdba74",
            background="#11171a",
            text="#ccd6d3",
            grid="#273236",
            hint="#8b9a96",
            hover="#1b2428",
            lines=("#7db4ff", "#fdba74", "#4ade80", "#f0abfc", "#d6d3d1", "#67e8f9"),
        ),
    }
)


def colours(theme: Theme) -> dict[str, str]:
    """A theme's colours by the names that scenes and style sheets have for them, without their ``--``."""
    palette = PALETTES[theme]
    lines = {
        "real": palette.real,
        "generated": palette.generated,
        "discriminator": palette.discriminator,
        **{f"line-{place}": colour for place, colour in enumerate(palette.lines)},
    }
    return {
        **lines,
        **{f"{name}-faint": _faint(colour, FAINT) for name, colour in lines.items()},
        "dot": _faint(palette.real, palette.real_opacity),
        "star": _faint(palette.generated, palette.generated_opacity),
        "misfit": palette.lines[MISFIT],
        "ground": palette.background,
        "veil": _faint(palette.background, VEIL),
        "plot-text": palette.text,
        "grid": palette.grid,
        "hint": palette.hint,
        "hover": palette.hover,
    }


def sheet() -> str:
    """The colours of both themes as a style sheet: dark where the page's root says so in ``data-theme``."""
    light, dark = (
        " ".join(f"--{name}: {colour};" for name, colour in colours(theme).items()) for theme in get_args(Theme)
    )
    return f':root {{ {light} }}\n:root[data-theme="dark"] {{ {dark} }}\n'


def style() -> str:
    """The same as an element, by whose name scripts find the colours of both."""
    return f'<style id="gandash-colours">{sheet()}</style>'


def _faint(colour: str, opacity: float) -> str:
    """A colour ``#rrggbb`` that lets through what is below it.

    Not the marker's own opacity: a browser composes every such marker by itself, which takes most of a frame's time.
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
