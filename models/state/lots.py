"""One car park: its gates and cameras carry the estimate of `models.parking`."""

import msgspec

from models.contract.results import AccessibleResult, Free
from models.parking.kalman import Cars


class Look(msgspec.Struct, frozen=True):
    """How many of the bays that could be seen were taken, at `at_s` by a camera or by hand."""

    taken: int
    seen: int
    at_s: float
    by_hand: bool = False


class LotState(msgspec.Struct):
    """Times are seconds since 1970: of the newest pulse, camera count and count by hand."""

    cars: Cars = msgspec.field(default_factory=Cars)
    pulse_s: float | None = None
    camera_s: float | None = None
    set_s: float | None = None
    look: Look | None = None

    def see(self, look: Look) -> None:
        """Somebody looked; one that is older than the newest is passed over."""
        if look.seen and (self.look is None or look.at_s >= self.look.at_s):
            self.look = look


def bays(look: Look | None, capacity: int, few: int) -> AccessibleResult:
    """Bays of which each is seen; those that are not count as taken in the middle.

    Where all that are seen are taken and some are not seen, nobody knows whether one is free.
    """
    if look is None:
        return AccessibleResult(capacity=capacity)
    seen = min(look.seen, capacity)
    free = max(seen - look.taken, 0)
    if not free and seen < capacity:
        return AccessibleResult(capacity=capacity)
    is_few = free <= min(few, capacity - 1)
    return AccessibleResult(
        vacancy="full" if not free else "few" if is_few else "vacant",
        free=Free(p10=free, p50=free, p90=free + capacity - seen),
        capacity=capacity,
    )
