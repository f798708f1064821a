"""Where else the same is done sooner: other offices of the city, for a service that they share."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from models.contract.results import ServiceResult, Spread
from models.freshness import Life, State
from models.place import Location, distance_km
from models.site import Site
from signage.mirror import Mirror

CLEARLY_S = 600.0
"""A wait is worth the way if it is shorter by so much."""

_UNKNOWN_KM = 1e5


class Near(msgspec.Struct, frozen=True):
    """An office where a service takes clearly less time; `km` is None if one place is unknown."""

    site: Site
    wait: Spread
    km: float | None
    life: Life


def nearest(
    here: ServiceResult,
    service: str,
    place: Location | None,
    others: Sequence[Mirror],
    now: datetime,
) -> Near | None:
    """The nearest office with a clearly shorter wait; it holds as long as both values do.

    Args:
        here: the result of the office where one is.
        service: its id, by which others have the same.
        place: where that office is.
        others: all other offices.
        now: the moment.
    """
    found = list(_shorter(here, service, place, others, now))
    return min(
        found,
        key=lambda near: (_UNKNOWN_KM if near.km is None else near.km, near.wait.p50_s),
        default=None,
    )


def is_clearly_shorter(there: Spread, here: Spread) -> bool:
    """By ten minutes in the middle, and even a long wait there ends before the usual one here."""
    return there.p50_s + CLEARLY_S <= here.p50_s and there.p90_s < here.p50_s


def _shorter(
    here: ServiceResult,
    service: str,
    place: Location | None,
    others: Sequence[Mirror],
    now: datetime,
) -> Iterator[Near]:
    for other in others:
        there = other.service(service)
        if here.wait is None or there is None or there.wait is None:
            continue
        life = _both(here, there)
        is_known = life.phase(now) in ("fresh", "ageing")
        if is_known and not other.hub_gone and is_clearly_shorter(there.wait, here.wait):
            at = other.site.site.location
            km = None if place is None or at is None else distance_km(place, at)
            yield Near(other.site, there.wait, km, life)


def _both(one: ServiceResult, other: ServiceResult) -> Life:
    """Open while both are, seen when the older was, valid until the first ends."""
    state: State = "open" if one.state == other.state == "open" else "no_data"
    seen = [at for at in (one.observed_at, other.observed_at) if at is not None]
    return Life(state, min(seen, default=None), min(one.valid_until, other.valid_until))
