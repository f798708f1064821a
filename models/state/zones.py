"""One waiting zone: the newest count, by a camera, by hand or by its doorways."""

import msgspec

from models.state.calibration import Calibration
from models.state.doorways import Doorway

_SHARES = (0.5, 0.8, 1.0)  # of the capacity, above which it is slightly busy, busy, very busy
_HELD_S = 10.0  # so long there are too many, or room again, before it is said
_ROOM = (0.95, 2)  # over ends at or below this share of the capacity, and so many below it
_EYE_S = 7 * 86_400.0  # a camera that counted the zone longer ago has been taken away


class ZoneState(msgspec.Struct):
    """Times are seconds since 1970, None for never.

    `people` are those told, seen at `seen_s`; `camera` is what `eye` saw at `camera_s`. `over_s` is
    since when there are too many, `turning_s` since when the counts say that this is to change.
    """

    people: int = 0
    seen_s: float | None = None
    by_hand: bool = False
    by_door: bool = False
    eye: str = ""
    camera: int = 0
    camera_s: float | None = None
    calibration: Calibration = msgspec.field(default_factory=Calibration)
    doorway: Doorway = msgspec.field(default_factory=Doorway)
    over_s: float | None = None
    turning_s: float | None = None

    def see(self, count: int, at_s: float, eye: str, *, capacity: int, fresh_s: float) -> None:
        """A camera's count; one that is older than the newest is passed over."""
        if self._is_late(at_s):
            return
        if self.seen_s is None or at_s - self.seen_s > fresh_s:
            self.over_s = self.turning_s = None  # of what was in between nobody knows
        self.eye, self.camera, self.camera_s = eye, count, at_s
        self._tell(self.calibration.people(count, eye), at_s, capacity)

    def count(self, people: int, at_s: float, *, capacity: int, fresh_s: float) -> None:
        """A count by hand: it says too how wrong the camera is, if that has just counted."""
        if self.camera_s is not None and abs(at_s - self.camera_s) <= fresh_s / 2:
            self.calibration.learn(self.camera, people, self.eye)
        self.doorway.begin(people, at_s)
        if self._is_late(at_s):
            self.tell_doorway(at_s, capacity)
        else:
            self._tell(people, at_s, capacity, by_hand=True, by_door=self._has_door(at_s))

    def cross(self, step: int, at_s: float, *, capacity: int) -> None:
        """Somebody came in (+1) or went out (-1)."""
        self.doorway.cross(step, at_s)
        self.tell_doorway(at_s, capacity)

    def tell_doorway(self, at_s: float, capacity: int) -> None:
        """Tell what the doorways know, where no camera sees the zone itself."""
        if self.doorway.inside is None or not self._has_door(at_s):
            return
        at_s = max(at_s, self.seen_s or 0.0)
        self._judge(at_s, capacity)
        self._tell(self.doorway.inside, at_s, capacity, by_door=True)

    def miss(self, at_s: float, *, is_long: bool) -> None:
        """A doorway was not watched; after a short while it goes on when somebody crosses."""
        if is_long:
            self.doorway.lose(at_s)
        if self.by_door and at_s > self.doorway.since_s:
            self.by_door = False
            if not self.by_hand:
                self.seen_s = self.over_s = self.turning_s = None

    def empty(self, at_s: float, capacity: int) -> None:
        """It is night: nobody is in, whatever the doorways missed by day."""
        if self.doorway.crossed_s is not None:
            self.doorway.begin(0, at_s)
            self.tell_doorway(at_s, capacity)

    def forget_after(self, now_s: float) -> None:
        """The clock was ahead: what is dated later than now is of unknown age."""
        if self.seen_s is not None and self.seen_s > now_s:
            self.seen_s = self.over_s = self.turning_s = None
        if self.camera_s is not None and self.camera_s > now_s:
            self.camera_s = None
        if max(self.doorway.since_s, self.doorway.crossed_s or 0.0) > now_s:
            self.doorway = Doorway()

    def over_since_s(self, now_s: float) -> float | None:
        """Since when there are too many; doorways that fall silent leave it as it is."""
        is_turned = self.turning_s is not None and now_s - self.turning_s >= _HELD_S
        if self.by_door and is_turned:
            return self.turning_s if self.over_s is None else None
        return self.over_s

    @property
    def is_seen(self) -> bool:
        """Whether a camera told it."""
        return not self.by_hand and not self.by_door

    @property
    def basis(self) -> str:
        """What `people` rests on."""
        if self.by_hand:
            return "set"
        if self.by_door:
            return "doorway"
        counts = self.calibration.counts(self.eye)
        return f"camera, calibrated by {counts} counts" if counts else "camera"

    def _is_late(self, at_s: float) -> bool:
        return self.seen_s is not None and at_s < self.seen_s

    def _has_door(self, at_s: float) -> bool:
        """Whether a doorway tells it: where a camera sees the zone itself, that is believed."""
        has_eye = self.camera_s is not None and at_s - self.camera_s <= _EYE_S
        return self.doorway.crossed_s is not None and not has_eye

    def _tell(
        self,
        people: int,
        at_s: float,
        capacity: int,
        *,
        by_hand: bool = False,
        by_door: bool = False,
    ) -> None:
        self.people, self.seen_s, self.by_hand, self.by_door = people, at_s, by_hand, by_door
        self._judge(at_s, capacity)

    def _judge(self, at_s: float, capacity: int) -> None:
        """Renew `over_s`: by a count by hand at once, else when it has held for a while."""
        if self.over_s is None:
            is_other = self.people > capacity
        else:
            share, fewer = _ROOM
            is_other = self.people <= max(min(int(share * capacity), capacity - fewer), 0)
        if not is_other:
            self.turning_s = None
            return
        since_s = at_s if self.turning_s is None else min(self.turning_s, at_s)
        if self.by_hand or at_s - since_s >= _HELD_S:
            self.over_s = since_s if self.over_s is None else None
            self.turning_s = None
        else:
            self.turning_s = since_s


def level_of(people: int, capacity: int) -> int:
    """How full a zone is, 1 to 4.

    >>> [level_of(n, 60) for n in (0, 31, 49, 61)]
    [1, 2, 3, 4]
    """
    return 1 + sum(people > share * capacity for share in _SHARES)
