"""What the hub told, once a slot, and how true told waits were: roll-ups beside the observations.

A sample is taken from the results that are published, so a roll-up is what residents were told.
"""

from collections.abc import Callable, Mapping
from typing import Any

from broker.hub.history.rollup import SLOT_MS, Measured, Rollup
from broker.hub.history.sqlite import milliseconds
from models.contract.results import LotResult, Result, ServiceResult, ZoneResult
from models.state.accuracy import Came

CLOSED_EVERY = 12
"""What is closed, and tells nothing else, is kept in one slot of so many: once an hour."""


def _service(result: ServiceResult) -> Measured:
    wait = result.wait
    return (
        ("waiting", result.waiting),
        ("level", result.level),
        ("counters_open", result.counters_open),
        ("wait_p10_s", None if wait is None else wait.p10_s),
        ("wait_p50_s", None if wait is None else wait.p50_s),
        ("wait_p90_s", None if wait is None else wait.p90_s),
    )


def _lot(result: LotResult) -> Measured:
    vacancy = result.vacancy
    return (
        ("free", None if result.free is None else result.free.p50),
        ("full", None if vacancy is None else vacancy == "full"),
        ("few", None if vacancy is None else vacancy == "few"),
        ("capacity", result.capacity),
    )


def _zone(result: ZoneResult) -> Measured:
    return (("people", result.people), ("over", result.over))


_READ: dict[str, Callable[[Any], Measured]] = {"service": _service, "lot": _lot, "zone": _zone}
"""What is measured of each kind of result; None is not."""


def add_results(rolled_up: Rollup, results: Mapping[str, Result], at_ms: int) -> None:
    """Keep what is told at this moment, unless its slot has a sample already.

    Args:
        rolled_up: what the next commit adds.
        results: by the topic below `hub/`; only what is valid at `at_ms` counts.
        at_ms: milliseconds since 1970.
    """
    for key, result in results.items():
        kind, _, name = key.partition("/")
        if isinstance(result, (ServiceResult, LotResult, ZoneResult)):
            values = _values(kind, result, at_ms)
            if len(values) > 1 or at_ms // SLOT_MS % CLOSED_EVERY == 0:
                rolled_up.tell(kind, name, values, at_ms)


def _values(kind: str, result: ServiceResult | LotResult | ZoneResult, at_ms: int) -> Measured:
    """What one result tells; of what is closed, that and who is still there."""
    is_known = milliseconds(result.valid_until) > at_ms and result.state != "no_data"
    found = [(m, v) for m, v in _READ[kind](result) if v is not None] if is_known else []
    if result.state == "closed":
        return (("open", 0), *(one for one in found if one[0] == "waiting"))
    return (("open", result.state != "paused"), ("no_data", not is_known), *found)


def add_came(rolled_up: Rollup, service: str, came: Came) -> None:
    """Keep how true a told wait was, where it stands in time."""
    told, at_ms = came.told, round(came.at_s * 1000)
    rolled_up.count("service", service, "error_s", abs(told.p50_s - came.came_s), at_ms)
    rolled_up.count("service", service, "within", told.p10_s <= came.came_s <= told.p90_s, at_ms)
    rolled_up.count("service", service, "came_s", came.came_s, at_ms)
