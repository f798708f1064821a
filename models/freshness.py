"""How fresh a shown value is: one rule for every surface, here and in static/freshness.js."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from models.contract.results import Phase, Result

State = Literal["open", "paused", "closed", "no_data"]


class Life(msgspec.Struct, frozen=True):
    """When a value was seen and how long it may be shown."""

    state: State = "no_data"
    observed_at: datetime | None = None
    valid_until: datetime | None = None
    opens_at: datetime | None = None

    def phase(self, now: datetime) -> Phase:
        """What a surface shows at `now`; a value only while this is fresh or ageing.

        Closed holds until it opens again, though nobody republishes it: the calendar does not age.
        """
        ends = self.ends
        if self.state == "no_data" or ends is None:
            return "no_data" if self.observed_at is None else "stale"
        if now >= ends:
            return "stale"
        if self.state == "closed":
            return "closed"
        if self.state == "paused":
            return "paused"
        half = self._half()
        return "fresh" if half is None or now <= half else "ageing"

    @property
    def ends(self) -> datetime | None:
        """When what is shown must disappear, though nothing new comes."""
        if self.state == "closed" and self.valid_until is not None:
            return max(self.valid_until, self.opens_at or self.valid_until)
        return self.valid_until

    def _half(self) -> datetime | None:
        if self.observed_at is None or self.valid_until is None:
            return None
        return self.observed_at + (self.valid_until - self.observed_at) / 2

    def changes(self, now: datetime) -> Iterator[datetime]:
        """The moments after `now` at which the phase can change with nothing new."""
        for moment in (self._half(), self.valid_until, self.opens_at):
            if moment is not None and moment > now:
                yield moment


def life_of(result: Result | None, state: State) -> Life:
    """The life of a result; of none that of a value that was never heard of."""
    if result is None:
        return Life()
    opens_at = getattr(result, "opens_at", None)
    return Life(state, result.observed_at, result.valid_until, opens_at)
