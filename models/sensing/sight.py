"""Whether a camera sees anything: in the dark, covered, moved, frozen or broken it must not count.

The limits were measured on the clips of `docs/vision.md`, darkened, blurred and made noisy: each
lies where the counts begin to be wrong.
"""

import numpy as np
import numpy.typing as npt

from models.sensing.motion import Grey

Rows = npt.NDArray[np.uint8]
"""Some bands of a frame, (n, 3, width) in one colour: three rows each, as they came."""

PATIENCE_S = 10.0
"""What spoils the picture for longer is said; until then nothing is counted."""

_DARK = 40  # a tenth of the pixels at least are brighter where there is light
_STEP = 12  # levels from one pixel of a small frame to the next: an edge
_EDGES = 0.002  # share of pixels on edges, below which there is nothing but a cover ...
_EDGES_LEFT = 0.15  # ... and share of the usual number of edges that blur and veils leave
_SPECK, _EVEN, _SPECKS = 40, 40, 0.008  # off its four neighbours, who agree; share of pixels
_ROUGH = 0.85  # share of pixels on edges, above which there is nothing but noise
_STILL = 0.05  # share of the pixels that usually differ from the last frame
_NOISY = 0.1  # a recording in which fewer pixels differ may be a drawn one: it may stand still
_LEARN = 0.05  # of the newest frame goes into what is usual
_LEARNT = 10  # frames until it is known
_STEEP = 60.0  # edges count up to this: one bright lamp is not the scene
_ALIKE = 0.5  # correlation of a picture with the usual one, from which it is learnt
_ELSEWHERE = (0.4, 0.15)  # correlation of a shifted picture, and how much more than unshifted
_SHIFT = 3  # pixels of a small frame, from which zones and lines are elsewhere
_NOWHERE = 0.15  # correlation at the best shift, below which it is another scene


class Sight:
    """Judges frame after frame of one camera, and learns how it usually sees."""

    def __init__(self, *, is_live: bool) -> None:
        """Begin.

        Args:
            is_live: two frames of a camera are never the same, those of a recording may be.
        """
        self._is_live = is_live
        self._rows: Rows | None = None
        self._differs = 0.0
        self._edges = 0.0
        self._frames = 0
        self._usual: npt.NDArray[np.float32] | None = None

    def fault(self, small: Grey, rows: Rows) -> str | None:
        """What this frame shows instead of the scene; None if it shows that.

        Args:
            small: the frame.
            rows: of the frame.
        """
        is_still = self._stands_still(rows)
        edges = _edges(small)
        if is_dark(small):
            return "darkness"
        if edges < max(_EDGES, _EDGES_LEFT * self._edges):
            return "a covered lens"
        if edges > _ROUGH or _specks(rows) > _SPECKS:
            return "noise"
        if is_still:
            return "a picture that stands still"
        self._frames += 1
        share = max(_LEARN, 1 / self._frames)
        self._edges += share * (edges - self._edges)
        return "another view than before" if self._has_moved(small) else None

    def _stands_still(self, rows: Rows) -> bool:
        """Whether this is the last picture again, but for what an encoder adds to it."""
        before, self._rows = self._rows, rows
        if before is None or before.shape != rows.shape:
            return False
        differs = float(np.count_nonzero(before != rows)) / rows.size
        is_known = self._frames >= _LEARNT and self._differs >= _NOISY
        limit = _STILL * self._differs if is_known else 0.0
        if differs <= limit and (self._is_live or is_known):
            return True
        self._differs += _LEARN * (differs - self._differs) if self._differs else differs
        return False

    def _has_moved(self, small: Grey) -> bool:
        slopes = _slopes(small)
        if self._usual is None:
            self._usual = slopes
        here, there, shift = _compared(self._usual, slopes)
        likely, more = _ELSEWHERE
        if there < _NOWHERE or (shift >= _SHIFT and there > max(likely, here + more)):
            return True
        if here >= _ALIKE:
            self._usual = self._usual + np.float32(_LEARN) * (slopes - self._usual)
        return False


def is_dark(small: Grey) -> bool:
    """Whether a picture, or a part of one, is too dark to count in."""
    return bool(np.percentile(small, 90) < _DARK)


def _edges(small: Grey) -> float:
    levels = small.astype(np.int16)
    across, down = np.abs(np.diff(levels, axis=1))[:-1], np.abs(np.diff(levels, axis=0))[:, :-1]
    return float(np.count_nonzero(across + down > _STEP)) / across.size


def _specks(rows: Rows) -> float:
    bands = rows.astype(np.int16)
    middle = bands[:, 1, 1:-1]
    around = np.stack([bands[:, 1, :-2], bands[:, 1, 2:], bands[:, 0, 1:-1], bands[:, 2, 1:-1]])
    is_speck = np.abs(4 * middle - around.sum(axis=0)) > 4 * _SPECK
    is_speck &= around.max(axis=0) - around.min(axis=0) < _EVEN
    return float(np.mean(is_speck))


def _slopes(small: Grey) -> npt.NDArray[np.float32]:
    """How steep a picture is at each place: edges stay where they are when the light changes."""
    levels = small.astype(np.float32)
    across, down = levels[1:-1, 2:] - levels[1:-1, :-2], levels[2:, 1:-1] - levels[:-2, 1:-1]
    steep: npt.NDArray[np.float32] = np.minimum(np.hypot(across, down), np.float32(_STEEP))
    return steep


def _compared(
    usual: npt.NDArray[np.float32], now: npt.NDArray[np.float32]
) -> tuple[float, float, int]:
    """Correlation in place and at the best shift, each -1..1, and that shift in pixels.

    Where hardly more than that in place can be had, no shift is looked for.
    """
    a, b = usual - usual.mean(), now - now.mean()
    scale = max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6)
    here = float((a * b).sum()) / scale
    if here + _ELSEWHERE[1] >= 1.0:
        return here, here, 0
    spectrum = np.fft.rfft2(a) * np.conj(np.fft.rfft2(b))
    alike = np.fft.irfft2(spectrum, a.shape) / scale
    y, x = np.unravel_index(int(alike.argmax()), alike.shape)
    height, width = alike.shape
    shift = max(min(int(y), height - int(y)), min(int(x), width - int(x)))
    return here, float(alike[y, x]), shift
