"""Text sizes from the panel and its farthest reader, against the table of reading distances."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from machiai import main
from models.errors import BadSite
from models.site import Display
from signage.display.layout import SECOND, Layout, layout_of
from tests.signage.office import EXAMPLE

MM_PER_INCH = 25.4
INK = 0.94  # of a line's height, what a kanji of Noto Sans CJK fills

PANELS = st.sampled_from(
    [(1920, 1080), (1080, 1920), (3840, 2160), (2160, 3840), (1280, 800), (1024, 768), (1920, 720)]
)


def laid_out(inches: float, panel_px: tuple[int, int], reader_m: float) -> Layout:
    return layout_of(
        Display(id="lobby-1", panel_inches=inches, panel_px=panel_px, reader_m=reader_m)
    )


def mm(layout: Layout, inches: float, px: float) -> float:
    """How high a kanji of this size is on the glass."""
    return px * INK * inches * MM_PER_INCH / math.hypot(*layout.panel_px)


@pytest.mark.parametrize(
    ("panel_px", "reader_m", "sizes", "name", "rows"),
    [
        ((1920, 1080), 5, (43, 53), "near wide", 5),
        ((1920, 1080), 10, (86, 105), "far wide", 3),
        ((1080, 1920), 5, (43, 53), "near tall", 5),
        ((1080, 1920), 10, (86, 105), "far tall", 3),
        ((3840, 2160), 5, (86, 105), "near wide", 5),
        ((3840, 2160), 10, (172, 210), "far wide", 3),
        ((1920, 1080), 2, (43, 53), "near wide", 5),
        ((1920, 1080), 6, (52, 63), "near wide", 3),
        ((1920, 1080), 8, (69, 84), "far wide", 4),
    ],
)
def test_43_inches_by_the_table(
    panel_px: tuple[int, int], reader_m: float, sizes: tuple[int, int], name: str, rows: int
) -> None:
    layout = laid_out(43, panel_px, reader_m)
    assert layout.kanji_px == sizes[0]
    assert layout.digits_px == pytest.approx(sizes[1], abs=1)  # rounded up from other kanji
    assert (layout.name, layout.rows) == (name, rows)
    assert ("people" in layout.columns) == name.startswith("near")


@given(panel_px=PANELS, inches=st.floats(10, 120), reader_m=st.floats(0.5, 40))
def test_no_layout_is_below_the_table_and_what_is_offered_instead_fits(
    panel_px: tuple[int, int], inches: float, reader_m: float
) -> None:
    try:
        layout = laid_out(inches, panel_px, reader_m)
    except BadSite as refused:
        said = str(refused).split()
        nearer_m, larger = float(said[3]), float(said[said.index("inches,") - 1])
        assert nearer_m < reader_m
        assert larger >= inches
        assert laid_out(larger, panel_px, reader_m).is_far
        if nearer_m >= 0.5:
            assert laid_out(inches, panel_px, nearer_m).is_far
        return
    assert mm(layout, inches, layout.kanji_px) >= 4 * reader_m - 1e-6
    assert mm(layout, inches, layout.second_px) >= SECOND * 4 * reader_m - 1e-6
    assert layout.digits_px >= layout.kanji_px
    assert layout.rows >= 1


@given(panel_px=PANELS, inches=st.floats(10, 120), reader_m=st.floats(0.5, 40))
def test_who_stands_farther_off_never_gets_smaller_text(
    panel_px: tuple[int, int], inches: float, reader_m: float
) -> None:
    try:
        far = laid_out(inches, panel_px, reader_m * 1.2)
    except BadSite:
        assume(False)
        return
    assert far.kanji_px >= laid_out(inches, panel_px, reader_m).kanji_px


def test_the_document_tells_the_sizes_that_are_made() -> None:
    page = (EXAMPLE.parents[2] / "docs" / "display.md").read_text("utf-8")
    told = re.findall(r"^\| (\d+)×(\d+), (\d+) m \| (.+) \|$", page, re.MULTILINE)
    assert len(told) >= 6
    for width, height, reader_m, rest in told:
        made = laid_out(43, (int(width), int(height)), float(reader_m))
        name = made.name.replace(" wide", "").replace(" tall", ", upright")
        sizes = f"{made.kanji_px} px | {made.digits_px} px | {made.second_px} px"
        assert rest == f"{sizes} | {made.rows} | {name}"


def test_check_refuses_what_could_not_be_read_and_says_what_could(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = EXAMPLE.read_text("utf-8")
    small = tmp_path / "small.toml"
    small.write_text(
        text.replace('id = "hall-1"', 'id = "hall-1"\npanel_inches = 24\nreader_m = 10'), "utf-8"
    )
    assert main(["check", str(small)]) == 78
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith(
            "want readers within 5.6 m or a panel of 43 inches, for 4 mm of kanji a metre, "
            "got 10 m and 24 inches - at `$.displays[1]`"
        )
    )
    assert main(["check", str(EXAMPLE)]) == 0
