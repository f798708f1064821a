"""Small pictures as inline SVG: no script, and a label for who cannot see them."""

import math
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

INK, SOFT, LINE, WASH = "#16212b", "#46525d", "#c5ced6", "#eef2f5"
NOW, BEFORE, YEAR = "#0b4a80", "#8fb4d3", "#d9e4ed"
WARN = "#9a4a00"
STEPS = ("#f3f7fa", "#dbe8f2", "#b9d3e8", "#8fb9dc", "#1f62a0", "#0a3560")
"""From little to much: by lightness alone, so that it holds in grey; no step is of middle grey."""
_DARK = 4  # from this step on text is white
WIDE = 360
SIZE = 11
_WIDE_SIGNS = "WFA"


def step_of(share: float) -> int:
    """Which of STEPS stands for a share of the greatest value."""
    return min(max(int(share * len(STEPS)), 0), len(STEPS) - 1)


def on_step(step: int) -> str:
    """What is read on it."""
    return "#fff" if step >= _DARK else INK


def width_of(text: str, size: float = SIZE) -> float:
    """About how wide a text is drawn."""
    wide = sum(unicodedata.east_asian_width(sign) in _WIDE_SIGNS for sign in text)
    return size * (wide + 0.56 * (len(text) - wide))


def fitted(text: str, wide: float, size: float = SIZE) -> str:
    """As much of a text as there is room for; its whole stands in the table."""
    if width_of(text, size) <= wide:
        return text
    while text and width_of(f"{text}…", size) > wide:
        text = text[:-1]
    return f"{text.rstrip()}…"


class Drawing:
    """A picture in the making; x to the right, y down."""

    def __init__(self, high: float, wide: float = WIDE) -> None:
        self.wide, self.high = wide, high
        self._parts: list[str] = []

    def rect(
        self, at: tuple[float, float], size: tuple[float, float], fill: str, stroke: str = ""
    ) -> None:
        """A box."""
        x, y = at
        w, h = (max(side, 0.0) for side in size)
        edge = f' stroke="{stroke}"' if stroke else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" fill="{fill}"{edge}/>'
        )

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        colour: str = LINE,
        wide: float = 1.0,
        dash: str = "",
    ) -> None:
        """From here to there."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}" '
            f'stroke="{colour}" stroke-width="{_n(wide)}"{dashed}/>'
        )

    def path(
        self, points: Sequence[tuple[float, float]], colour: str, wide: float = 2.0, dash: str = ""
    ) -> None:
        """Through all points."""
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        told = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._parts.append(
            f'<path d="M{told}" fill="none" stroke="{colour}" stroke-width="{_n(wide)}"{dashed}/>'
        )

    def dot(self, at: tuple[float, float], colour: str, radius: float = 4.0) -> None:
        """A filled circle."""
        self._parts.append(
            f'<circle cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(radius)}" fill="{colour}"/>'
        )

    def text(
        self,
        at: tuple[float, float],
        said: str,
        *,
        colour: str = INK,
        size: float = SIZE,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Words, on their base line."""
        weight = ' font-weight="700"' if bold else ""
        self._parts.append(
            f'<text x="{_n(at[0])}" y="{_n(at[1])}" font-size="{_n(size)}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{escape(said)}</text>'
        )

    def svg(self, label: str) -> Markup:
        """The picture, with what it is of; its numbers stand in a table."""
        return Markup(  # noqa: S704  all texts were escaped
            f'<svg viewBox="0 0 {_n(self.wide)} {_n(self.high)}" role="img" '
            f'aria-label="{escape(label)}">{"".join(self._parts)}</svg>'
        )


def ticks(most: float, count: int = 4) -> list[float]:
    """Round values from 0 to where `most` is reached, about so many steps.

    >>> ticks(33)
    [0, 10, 20, 30, 40]
    """
    if most <= 0:
        return [0, 1]
    power = 10.0 ** math.floor(math.log10(most / count))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n * count >= most)
    steps = [round(step * n, 6) for n in range(math.ceil(most / step - 1e-9) + 1)]
    return [int(tick) if tick == int(tick) else tick for tick in steps]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
