"""What was last heard of each device, and of the office, as one who watches them has it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from models.contract.results import (
    About,
    AccuracyResult,
    AlertResult,
    Health,
    HubAbout,
    Result,
    Screen,
    State,
)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a device or a display said last of each; None is never."""

    state: State | None = None
    about: About | None = None
    health: Health | None = None
    screen: Screen | None = None
    heard_at: datetime | None = None  # when it last spoke itself; what the broker kept is not that
    depths: tuple[int, ...] = ()  # of its outbox, as it said them minute by minute, newest last
    ahead_s: float | None = None  # how far its clock was ahead of ours, when it last said the time

    @property
    def is_known(self) -> bool:
        """Whether it was ever there."""
        return self.state is not None or self.about is not None or self.health is not None

    def last_word(self, now: datetime) -> datetime | None:
        """When it last spoke, as far as anybody can say; None is nobody knows."""
        said = [self.heard_at]
        said += [word.at for word in (self.state, self.health, self.screen) if word is not None]
        return max((at for at in said if at is not None and at <= now), default=None)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one office.

    `results` are the hub's, by their topic below `hub/`. `listening_s` is how long we have heard
    the broker without a break, None while we do not.
    """

    told: Mapping[str, Told] = MappingProxyType({})
    listening_s: float | None = None
    hub_gone: bool = False
    hub_state: State | None = None
    hub_about: HubAbout | None = None
    results: Mapping[str, Result] = MappingProxyType({})

    def of(self, device: str) -> Told:
        """What a device said."""
        return self.told.get(device, Told())

    def alerts(self) -> dict[str, AlertResult]:
        """What the hub says that staff must see to, by the zone or display."""
        return {
            key.removeprefix("alert/"): result
            for key, result in self.results.items()
            if isinstance(result, AlertResult)
        }

    def accuracy(self, service: str) -> AccuracyResult | None:
        """How true the waits of a service were."""
        found = self.results.get(f"accuracy/{service}")
        return found if isinstance(found, AccuracyResult) else None
