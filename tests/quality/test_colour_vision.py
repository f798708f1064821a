"""The four levels stay apart for whoever sees colours otherwise."""

import itertools
import os
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from models.site import Site
from tests.conftest import ROOT
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

SIGHTS = ("none", "protanopia", "deuteranopia", "tritanopia", "achromatopsia")
PICTURE = ROOT / "docs" / "pictures" / "colour-vision.png"
APART = 15.0
"""CIE76 in L*a*b*: a difference of 2.3 is just seen side by side."""
WITHIN = (slice(12, 18), slice(12, 18))  # inside of the border, before the shape
EDGE = (slice(1, 3), slice(40, 60))

Image = NDArray[np.uint8]


@pytest.fixture
def legend(browser: Browser, site: Site) -> Iterator[Page]:
    """The page with its legend open, twice as large, so that bars have whole pixels."""
    served = Served(Hub(site, HandClock()))
    page = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    served.do(served.hub.busy)
    page.goto(f"{served.base}/?lang=ja")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    yield page
    page.close()
    served.close()


def chips(page: Page, sight: str) -> list[Image]:
    """The legend's chips, (h, w, 3) BGR, as they are seen."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": sight})
    shots = [chip.screenshot() for chip in page.locator(".legend .chip").all()]
    session.detach()
    images = [cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR) for shot in shots]
    return [image.astype(np.uint8) for image in images if image is not None]


def lab(chip: Image, place: tuple[slice, slice]) -> NDArray[np.float64]:
    """A place's colour: L* of 0 to 100, a*, b*."""
    colour = np.median(chip[place].reshape(-1, 3), axis=0).astype(np.float32) / 255
    found = cv2.cvtColor(colour.reshape(1, 1, 3), cv2.COLOR_BGR2LAB)
    return np.asarray(found, np.float64).reshape(3)


def test_word_shape_and_bars_tell_all_levels_apart(legend: Page) -> None:
    said = legend.locator(".legend .chip").evaluate_all(
        """(chips) => chips.map((chip) => [
          chip.querySelector(".word").textContent,
          chip.querySelector(".shape").textContent,
          chip.querySelectorAll(".bars .on").length,
        ])"""
    )
    words, shapes, bars = zip(*said, strict=True)
    assert len(set(words)) == len(set(shapes)) == 4
    assert bars == (1, 2, 3, 4)


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_or_borders_are_apart_in_every_sight(legend: Page, sight: str) -> None:
    seen = chips(legend, sight)
    assert len(seen) == 4
    for one, other in itertools.combinations(seen, 2):
        apart = [float(np.linalg.norm(lab(one, at) - lab(other, at))) for at in (WITHIN, EDGE)]
        assert max(apart) >= APART, "yellow and white are of one grey: the double border tells"


def test_the_picture_in_the_docs(legend: Page) -> None:
    if os.environ.get("MACHIAI_STATES") != "take":
        assert PICTURE.is_file()
        return
    rows = []
    for sight in SIGHTS:
        row = np.full((112, 1460, 3), 255, np.uint8)
        cv2.putText(row, sight, (8, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2, cv2.LINE_AA)
        left = 230
        for chip in chips(legend, sight):
            height, width, _ = chip.shape
            row[8 : 8 + height, left : left + width] = chip
            left += width + 12
        rows.append(row)
    assert cv2.imwrite(str(PICTURE), np.vstack(rows))
