"""How wrong a camera's count of a zone is, learnt from counts by hand.

A camera misses a share of the people that it looks at, and all who wait where it cannot look:
seen = share * people + offset. Both are fitted together and drawn towards "nothing is missed", and
a count is told turned round: (seen - offset) / share. Counts of a few people say little about the
share, for they are fitted the way in which the camera errs (fitted the other way round, chance
would pass for an offset).

Source: classical calibration, Eisenhart (1939), doi:10.1214/aoms/1177732214, with t-distributed
errors by reweighting, Lange, Little & Taylor (1989), doi:10.1080/01621459.1989.10478852, by which
one hand count that is far off loses its weight.
"""

from statistics import median

import msgspec

_KEPT = 20  # hand counts, the newest
_LEAST = 3  # so that two which agree outvote one that is wrong
_SHARE_SD, _OFFSET_SD = 0.1, 2.0  # of cameras as they are hung up
_SHARES = (0.4, 2.0)  # beyond this it is no camera's error
_VARIANCE, _VARIANCE_EACH = 1.0, 0.15  # people^2: somebody walks while we count; each may hide
_FREEDOM = 3.0
_ROUNDS = 10


class Calibration(msgspec.Struct):
    """`pairs` are what `device` saw and what was counted by hand at that moment."""

    device: str = ""
    pairs: list[tuple[int, int]] = []
    share: float = 1.0
    offset: float = 0.0

    def learn(self, seen: int, people: int, device: str) -> None:
        """Somebody counted while the camera saw so many.

        Nobody seen, or nobody there, says nothing: staff write 0 to begin a day as well.
        """
        if not seen or not people:
            return
        kept = self.pairs if device == self.device else []  # another camera errs otherwise
        self.device, self.pairs = device, [*kept, (seen, people)][-_KEPT:]
        self.share, self.offset = _fit(self.pairs) if len(self.pairs) >= _LEAST else (1.0, 0.0)

    def counts(self, device: str) -> int:
        """Hand counts that the counts of a camera are set right by."""
        is_used = device == self.device and len(self.pairs) >= _LEAST
        return len(self.pairs) if is_used else 0

    def people(self, seen: int, device: str) -> int:
        """People, where a camera sees so many; where it sees nobody there is nobody."""
        if not seen or not self.counts(device):
            return seen
        return max(round((seen - self.offset) / self.share), 0)


def _fit(pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """Share and offset; begun at the middle ratio, which one wrong count does not move."""
    share, offset = median(seen / people for seen, people in pairs), 0.0
    share_weight, offset_weight = _SHARE_SD**-2, _OFFSET_SD**-2
    for _ in range(_ROUNDS):
        n, sx, sxx, sy, sxy = offset_weight, 0.0, share_weight, 0.0, share_weight
        for seen, people in pairs:
            variance = _VARIANCE + _VARIANCE_EACH * people
            miss = seen - share * people - offset
            weight = (_FREEDOM + 1.0) / (_FREEDOM * variance + miss**2)
            n += weight
            sx += weight * people
            sxx += weight * people * people
            sy += weight * seen
            sxy += weight * people * seen
        spread = n * sxx - sx * sx
        share = (n * sxy - sx * sy) / spread
        offset = (sy * sxx - sxy * sx) / spread
    low, high = _SHARES
    return min(max(share, low), high), offset
