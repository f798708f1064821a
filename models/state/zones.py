"""One waiting zone: the newest count, by a camera or by hand."""

import msgspec

_SHARES = (0.5, 0.8, 1.0)  # of the capacity, above which it is slightly busy, busy, very busy


class ZoneState(msgspec.Struct):
    """`seen_s` is seconds since 1970, None if nobody ever counted."""

    people: int = 0
    seen_s: float | None = None
    by_hand: bool = False

    def count(self, people: int, at_s: float, *, by_hand: bool) -> None:
        """A count; one that is older than the newest is passed over."""
        if self.seen_s is None or at_s >= self.seen_s:
            self.people, self.seen_s, self.by_hand = people, at_s, by_hand


def level_of(people: int, capacity: int) -> int:
    """How full a zone is, 1 to 4.

    >>> [level_of(n, 60) for n in (0, 31, 49, 61)]
    [1, 2, 3, 4]
    """
    return 1 + sum(people > share * capacity for share in _SHARES)
