"""Small grey pictures of pages, and whether two of them show the same.

Kept small and in 16 greys, because fonts and browsers differ by a pixel here and there, and because
they lie in the repository. They are compared band by band from the top, each where it fits best
near the place of the band before: a line that is a little higher does not move all that follows.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

SCALE = 5  # CSS pixels to one of the picture's
TALLEST = 2400  # CSS pixels: what is below is more of the same
LIMIT = 18.0
"""Greys of 255 by which the mean of a patch may differ: a line set a little otherwise is below it,
a word that is missing is above."""

_GREYS = 17  # 255 / 15
_BAND = 16  # rows
_DRIFT = 3  # rows that a band may lie from where the one before it lay
_PATCH = 7  # pixels: the height of a line

Picture = NDArray[np.uint8]
"""(height, width) grey."""


def taken(page: Page) -> Picture:
    """What the page shows from its top."""
    data = np.frombuffer(page.screenshot(full_page=True, animations="disabled"), np.uint8)
    grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    grey = grey[: TALLEST - TALLEST % SCALE]
    height, width = (length // SCALE for length in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return (np.round(small / _GREYS) * _GREYS).astype(np.uint8)


def keep(picture: Picture, path: Path) -> None:
    """Write it, as small as it goes."""
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def kept(path: Path) -> Picture:
    """Read one."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert picture is not None, f"want a picture at {path}: make states"
    return picture.astype(np.uint8)


def difference(wanted: Picture, got: Picture) -> tuple[float, int]:
    """By how much the worst patch differs, in greys of 255, and how far down it is, in CSS pixels.

    A page that has become much longer or shorter differs by all there is.
    """
    if wanted.shape[1] != got.shape[1]:
        return 255.0, 0
    room = np.full((2 * _BAND, wanted.shape[1]), 255, np.uint8)
    want, have = (_smooth(np.vstack([room, picture, room])) for picture in (wanted, got))
    drift, worst, where = 0, 0.0, 0
    for top in range(2 * _BAND, len(want) - 2 * _BAND, _BAND):
        band = want[top : top + _BAND]
        fits = []
        for step in range(drift - _DRIFT, drift + _DRIFT + 1):
            there = have[max(0, top + step) : max(0, top + step) + len(band)]
            if len(there) == len(band):
                fits.append((float(np.abs(there - band).max()), abs(step - drift), step))
        if not fits:
            return 255.0, SCALE * (top - 2 * _BAND)
        found, _, drift = min(fits)
        if found > worst:
            worst, where = found, SCALE * (top - 2 * _BAND)
    if abs(len(wanted) + drift - len(got)) > 2 * _BAND:
        return 255.0, SCALE * min(len(wanted), len(got))
    return worst, where


def _smooth(picture: Picture) -> NDArray[np.float32]:
    """Each pixel the mean of the patch around it."""
    return cv2.blur(picture.astype(np.float32), (_PATCH, _PATCH)).astype(np.float32)
