"""Something that is wrong, how soon somebody must come, and what residents miss because of it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, get_args

import msgspec

from models.care.values import Standing, Value

Severity = Literal["urgent", "soon", "later"]
"""Residents miss something now; they may soon; they do not, but it wants seeing to."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

Kind = Literal[
    "hub_gone",
    "hub_alert",
    "lost",
    "silent",
    "stopped",
    "never",
    "dark",
    "covered",
    "noise",
    "still",
    "moved",
    "alert",
    "quiet",
    "screen",
    "over",
    "estimate",
    "outbox",
    "clock_unset",
    "clock_off",
    "hot",
    "voltage",
    "disk",
    "certificate",
    "version",
    "site_file",
    "shipping",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""All that can be wrong; where two are as pressing, in this order."""

CUTTING = frozenset[Kind](KINDS[: KINDS.index("quiet") + 1])
"""With these, what rests on the device comes no more; with the others it does, so far."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a device, a display or the hub.

    `since` is the last moment at which it was known to be well; None is unknown. `why` is what the
    device itself says of it. `what` is a sensor, a service or a zone. `amount` is the number that
    is too large or too small, in the unit that its kind has: items, °C, a share, days, seconds.
    `missed` are the values that rest on it, each with how it stands now.
    """

    kind: Kind
    severity: Severity
    who: str
    since: datetime | None = None
    why: str = ""
    what: str = ""
    amount: float | None = None
    usual: float | None = None
    missed: Mapping[Value, Standing] = MappingProxyType({})

    @property
    def rank(self) -> tuple[int, int]:
        """The most pressing first."""
        return SEVERITIES.index(self.severity), KINDS.index(self.kind)
