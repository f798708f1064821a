"""How large a display sets its text, and how much fits: from its panel and its farthest reader.

A length is told in kanji: the height of a line of the table below, whatever it is in pixels.
"""

import math

import msgspec

from models.errors import BadSite
from models.site import Display

KANJI_MM_PER_M = 4.0
"""Height of a kanji for each metre to its reader: 20 mm at 5 m, 40 mm at 10 m."""
INK = 0.94
"""Of the height of a line of text, what a kanji fills."""
DIGITS = 1.223
"""Of the size of kanji, that of digits: they are lower than kanji of the same size."""
SECOND = 0.65
"""Of the size of kanji, that of the other languages and of headings."""

MM_PER_INCH = 25.4
_FULLEST = (1920 / 43, 1080 / 43)
"""Kanji along the sides of 43 inches at 5 m: no board is set denser, whoever stands near."""
_NEAR = (36, 20)
"""Kanji along the sides that the table and the call beside it need."""
_LEAST = (22, 12)
"""Those that a page of the far board needs."""


class _Room(msgspec.Struct, frozen=True):
    """Heights in kanji: what is around the rows of a page, and a row."""

    around: float
    row: float


_ROOMS = {
    (False, False): _Room(7.6, 3.4),
    (False, True): _Room(22.0, 4.4),
    (True, False): _Room(3.4, 2.9),
    (True, True): _Room(4.6, 5.8),
}
"""By whether it is far, and whether it is tall."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in pixels of the panel. `rows` is the most services a page: long words have fewer."""

    panel_px: tuple[int, int]
    kanji_px: int
    digits_px: int
    second_px: int
    is_far: bool
    is_tall: bool
    rows: int

    @property
    def name(self) -> str:
        """As the page's classes have it: "near wide"."""
        return f"{'far' if self.is_far else 'near'} {'tall' if self.is_tall else 'wide'}"

    @property
    def columns(self) -> tuple[str, ...]:
        """What a service tells beside its name; from afar the number of people goes."""
        return ("level", "wait") if self.is_far else ("level", "people", "wait")

    @property
    def style(self) -> str:
        """The sizes as a style sheet: 1rem is a kanji.

        They are shares of the glass, so they hold if the browser has other pixels than the panel.
        """
        digits = round(self.digits_px / self.kanji_px, 4)
        second = round(self.second_px / self.kanji_px, 4)
        return (
            f":root {{ font-size: calc(100vmin * {self.kanji_px} / {min(self.panel_px)}); "
            f"--digits: {digits}rem; --second: {second}rem; --rows: {self.rows}; }}\n"
        )


def least_px(inches: float, panel_px: tuple[int, int], reader_m: float) -> float:
    """The size of kanji below which the farthest reader cannot read them.

    >>> round(least_px(43, (1920, 1080), 5)), round(least_px(43, (1920, 1080), 10))
    (43, 86)
    """
    return KANJI_MM_PER_M * reader_m * math.hypot(*panel_px) / (inches * MM_PER_INCH) / INK


def layout_of(display: Display, where: str = "$.displays") -> Layout:
    """The layout of a display; `where` is its place in the site file.

    Raises:
        BadSite: its text would be too small for its farthest reader; says what would fit.

    >>> far = layout_of(Display(id="a", reader_m=10))
    >>> far.name, far.kanji_px, far.digits_px, far.rows
    ('far wide', 86, 105, 3)
    """
    long, short = max(display.panel_px), min(display.panel_px)
    least = least_px(display.panel_inches, display.panel_px, display.reader_m)
    roomy = min(long / _FULLEST[0], short / _FULLEST[1])
    kanji_px = math.ceil(max(least, roomy) - 1e-9)
    if not _fits(kanji_px, long, short, _LEAST):
        raise BadSite(_refusal(display, where))
    is_far = not _fits(kanji_px, long, short, _NEAR)
    is_tall = display.panel_px[0] < display.panel_px[1]
    room = _ROOMS[is_far, is_tall]
    return Layout(
        panel_px=display.panel_px,
        kanji_px=kanji_px,
        digits_px=math.ceil(max(least, roomy) * DIGITS - 1e-9),
        second_px=math.ceil(kanji_px * SECOND),
        is_far=is_far,
        is_tall=is_tall,
        rows=max(1, int((display.panel_px[1] / kanji_px - room.around) / room.row)),
    )


def _fits(kanji_px: int, long: int, short: int, wanted: tuple[int, int]) -> bool:
    return long >= wanted[0] * kanji_px and short >= wanted[1] * kanji_px


def _refusal(display: Display, where: str) -> str:
    """What is wanted instead: nearer readers, or a larger panel."""
    largest_px = int(min(max(display.panel_px) / _LEAST[0], min(display.panel_px) / _LEAST[1]))
    share = largest_px / least_px(display.panel_inches, display.panel_px, display.reader_m)
    nearer_m = math.floor(10 * display.reader_m * share) / 10
    larger = math.ceil(display.panel_inches / share)
    return (
        f"want readers within {nearer_m:g} m or a panel of {larger} inches,"
        f" for {KANJI_MM_PER_M:g} mm of kanji a metre,"
        f" got {display.reader_m:g} m and {display.panel_inches:g} inches - at `{where}`"
    )
