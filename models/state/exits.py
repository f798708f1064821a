"""What a doorway says of those who leave without having been called."""

import msgspec

from models.wait.durations import KEPT_A_DAY

_WALK_S = 90.0  # within which those who were served are at the door
_LATELY = 1 / 30  # weight of one of them in the share that is seen to go
_FIRST = 5.0  # leavers that count before any was seen
_USUAL = 30.0  # odd exits after which today counts as much as the days before


class Exits(msgspec.Struct):
    """An exit that no service explains may be somebody's who waits no longer.

    `due` is when those were served who are on their way to the door, seconds since 1970. `seen` is
    the share of them that came by lately; it falls to 0 while the doorway is blind. `odd` is how
    many went out unexplained while somebody waited, `left` how many did not come when they were
    called, on the days before; both fade. Where companions and others pass too, each odd exit
    says the less. Today's are counted apart: who has left is called only later. Against them stand
    the `likely`, by how long people usually stay, of whom one is sought since `since_s`.
    """

    due: list[float] = []
    seen: float = 0.0
    odd: float = _FIRST
    left: float = _FIRST
    odd_today: int = 0
    left_today: int = 0
    likely: float = 0.0
    since_s: float = 0.0

    def begin_day(self) -> None:
        """A day has passed."""
        self.due = []
        self.odd = _FIRST + (self.odd - _FIRST) * KEPT_A_DAY + self.odd_today
        self.left = _FIRST + (self.left - _FIRST) * KEPT_A_DAY + self.left_today
        self.odd_today = self.left_today = 0
        self.likely = self.since_s = 0.0

    @property
    def told(self) -> float:
        """Share of those who leave that the doorway tells of."""
        return min(self.seen, self.odd / self.left)

    @property
    def credit(self) -> float:
        """How likely somebody has left when an exit is odd."""
        usual = self.told * self.left / self.odd
        return min(usual * (_USUAL + self.likely) / (_USUAL + self.odd_today), 1.0)

    def wonder(self, at_s: float, tired_per_min: float) -> None:
        """An exit is odd, at a moment when so many of all who wait leave in a minute."""
        if self.since_s:
            self.likely += tired_per_min * max(at_s - self.since_s, 0.0) / 60.0
        self.odd_today += 1
        self.since_s = at_s

    def serve(self, at_s: float) -> None:
        """Somebody was served and will go."""
        self._expire(at_s)
        self.due.append(at_s)

    def explains(self, at_s: float) -> bool:
        """Somebody went out: whether it was somebody served, as far as one can tell."""
        self._expire(at_s)
        if not self.due:
            return False
        self.due.pop(0)
        self.seen += _LATELY * (1.0 - self.seen)
        return True

    def _expire(self, at_s: float) -> None:
        while self.due and self.due[0] < at_s - _WALK_S:
            self.due.pop(0)
            self.seen -= _LATELY * self.seen
