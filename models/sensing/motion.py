"""Whether there is anything new to look at."""

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
"""A frame made small, (120, 160) of 0..255."""

SMALL = (160, 120)
"""Width and height of it."""

ANYWAY_S = 10.0
"""So often a frame is looked at though nothing moves: what changes slowly is seen too."""

_LEVELS = 15  # by more than this a pixel has changed; noise and flicker are less
_SHARE = 0.002  # of the pixels


class Motion:
    """Compares each frame with the last one that the detector saw."""

    def __init__(self) -> None:
        self._seen: Grey | None = None
        self._seen_s = 0.0

    def is_new(self, small: Grey, at_s: float) -> bool:
        """Whether the detector should see this frame; if so, the next is compared with it.

        Args:
            small: the frame.
            at_s: when it was taken, from any start.
        """
        if self._seen is not None and abs(at_s - self._seen_s) < ANYWAY_S:
            apart = np.maximum(small, self._seen) - np.minimum(small, self._seen)
            if np.count_nonzero(apart > _LEVELS) <= _SHARE * apart.size:
                return False
        self._seen, self._seen_s = small, at_s
        return True
