"""What displays say that they paint, held against what the hub said."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from models.contract import topics
from models.contract.codec import decode
from models.contract.results import AlertResult, Result, Screen, State
from models.screens.truth import Patience, Said
from models.screens.watch import Watch
from models.site import Site

_MOST = 5  # lines of what is wrong with one screen; the rest is counted
_ROUND_S = 600  # an alert holds for one to two of these: it is not said again each time


class Screens:
    """The displays of one office, and an alert for each that does not show what is so."""

    def __init__(self, site: Site, speed: float) -> None:
        patience = Patience().at_speed(speed)
        self._site = site
        self._said = Said(patience)
        self._watches = {each.id: Watch(site, each, patience) for each in site.displays}
        self._since: dict[str, datetime] = {}

    @property
    def subscriptions(self) -> list[str]:
        """What a session must subscribe to."""
        leaves = ("state", "screen")
        return [topics.device(self._site.id, d, leaf) for d in self._watches for leaf in leaves]

    def hear(self, topic: str, payload: bytes, now: datetime, *, retained: bool) -> None:
        """Take what a display says of itself.

        Raises:
            BadPayload: it cannot be read.
        """
        _, display, (leaf,) = topics.split(topic)
        if leaf == "state":
            if payload:
                self._watches[display].state(decode(State, payload).state, now)
        elif not retained:  # what stood at the broker is of nobody knows when
            self._watches[display].report(decode(Screen, payload), self._said, now)

    def note(self, results: Mapping[str, Result], now: datetime) -> None:
        """This is what screens should show from now on."""
        if self._watches:
            self._said.note(results, now)

    def alerts(self, now: datetime) -> dict[str, AlertResult]:
        """What staff must see to, by the topic below `hub/`."""
        wrong = {display: watch.wrong(now) for display, watch in self._watches.items()}
        self._since = {d: self._since.get(d, now) for d, lines in wrong.items() if lines}
        return {f"alert/{d}": self._alert(d, wrong[d], now) for d in self._since}

    def _alert(self, display: str, lines: tuple[str, ...], now: datetime) -> AlertResult:
        more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
        begun = datetime.fromtimestamp(now.timestamp() // _ROUND_S * _ROUND_S, tz=now.tzinfo)
        return AlertResult(
            at=now,
            observed_at=self._watches[display].reported_at,
            valid_until=begun + timedelta(seconds=2 * _ROUND_S),
            what="screen",
            since=self._since[display],
            why=f"{'; '.join([*lines[:_MOST], *more])} - on display {display}",
        )
