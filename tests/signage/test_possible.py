"""No number that cannot be is published, whatever results arrive."""

import json
import math
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.codec import stamp
from models.site import Site
from signage import feed, forecast
from signage.exports import ngsi_ld, parkapi
from signage.history import rows
from tests.signage.office import NOON, HandClock, Hub

PLACE = (139.7, 35.69)
NUMBERS = st.integers(0, 60) | st.integers(-3, 60) | st.sampled_from([None, 0.5, 1e308, 8259])
WHOLE = st.integers(0, 60) | st.integers(-3, 60)
TIMES = st.integers(-4000, 4000).map(lambda s: stamp(NOON + timedelta(seconds=s)))
ENDS = st.integers(0, 8000).map(lambda s: stamp(NOON + timedelta(seconds=s)))


@st.composite
def spreads(draw: st.DrawFn, unit: str = "") -> dict[str, Any]:
    """Three quantiles, often in order."""
    values = draw(st.lists(WHOLE, min_size=3, max_size=3))
    if draw(st.booleans()):
        values.sort()
    return dict(zip((f"p10{unit}", f"p50{unit}", f"p90{unit}"), values, strict=True))


def result(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One with an age; each of its fields may be missing."""
    return st.fixed_dictionaries(
        {
            "at": TIMES,
            "valid_until": ENDS,
            "state": st.sampled_from(["open", "open", "open", "closed", "no_data"]),
            "capacity": st.integers(30, 60) | st.integers(-1, 60),
        },
        optional={"observed_at": TIMES, "opens_at": TIMES, **fields},
    )


def steps(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.fixed_dictionaries({"at": ENDS, **fields}), max_size=4)


WAIT = st.none() | spreads("_s")
BAYS = st.fixed_dictionaries({"capacity": st.integers(-1, 60)}, optional={"free": spreads()})
BEST = {"from": TIMES, "until": ENDS, "waiting": spreads(), "wait": WAIT}
HEARD = st.one_of(
    st.tuples(
        st.sampled_from(["service/certificates", "service/moving"]),
        result(level=st.integers(0, 5), waiting=NUMBERS, counters_open=NUMBERS, wait=WAIT),
    ),
    st.tuples(st.just("lot/front"), result(free=spreads())),
    st.tuples(st.just("lot/front"), result(free=spreads(), accessible=BAYS)),
    st.tuples(st.just("zone/lobby"), result(people=NUMBERS, over=st.booleans())),
    st.tuples(
        st.just("forecast/service/moving"),
        result(
            steps=steps(waiting=spreads(), wait=WAIT),
            best=st.none() | st.fixed_dictionaries(BEST),
        ),
    ),
    st.tuples(st.just("forecast/lot/front"), result(steps=steps(free=spreads()))),
)


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no number")


def read(body: bytes) -> Any:  # noqa: ANN401
    return json.loads(body, parse_constant=no_constant)


def check_spread(spread: dict[str, float] | None, most: float = math.inf) -> None:
    if spread is not None:
        low, middle, high = spread.values()
        assert 0 <= low <= middle <= high <= most, spread
        assert high < math.inf


def check_document(made: dict[str, Any], now: datetime) -> None:
    for service in made["services"]:
        check_spread(service["wait"])
        assert service["level"] in {None, 1, 2, 3, 4}
        assert all((service[name] or 0) >= 0 for name in ("waiting", "counters_open"))
    for lot in made["lots"]:
        check_spread(lot["free"], lot["capacity"])
        if lot["accessible"] is not None:
            check_spread(lot["accessible"]["free"], lot["accessible"]["capacity"])
    for zone in made["zones"]:
        assert (zone["people"] or 0) >= 0
        assert zone["capacity"] > 0
    for item in (*made["services"], *made["lots"], *made["zones"]):
        if item["state"] in {"open", "paused"}:
            assert now < datetime.fromisoformat(item["valid_until"])


def check_forecast(made: dict[str, Any], now: datetime) -> None:
    for service in made["services"]:
        best = [] if service["best"] is None else [service["best"]]
        for step in (*service["steps"], *best):
            check_spread(step["waiting"])
            check_spread(step["wait"])
        assert all(datetime.fromisoformat(step["until"]) > now for step in best)
    for lot in made["lots"]:
        for step in lot["steps"]:
            check_spread(step["free"], lot["capacity"])
    for item in (*made["services"], *made["lots"]):
        assert all(datetime.fromisoformat(step["at"]) > now for step in item["steps"])
        assert (item["state"] == "known") == bool(item["steps"])


def check_exports(document: feed.SiteDocument, site: Site) -> None:
    for entity in ngsi_ld.entities(document, site, PLACE):
        if isinstance(entity, ngsi_ld.OffStreetParking) and isinstance(entity.available, int):
            assert isinstance(entity.occupied, int)
            assert entity.available >= 0
            assert entity.occupied >= 0
            assert entity.available + entity.occupied == entity.total
            assert not isinstance(entity.occupancy, float) or 0 <= entity.occupancy <= 1
    for lot in parkapi.city(document, site, PLACE).lots:
        assert not isinstance(lot.free, int) or 0 <= lot.free <= lot.total
    for row in rows(document):
        numbers = [value for value in row.values() if isinstance(value, int | float)]
        assert all(0 <= value < math.inf for value in numbers)


@settings(max_examples=150)
@given(heard=st.lists(HEARD, max_size=8), retain=st.booleans(), later_s=st.integers(0, 4000))
def test_nothing_that_cannot_be_is_published(
    site: Site, heard: list[tuple[str, dict[str, Any]]], *, retain: bool, later_s: int
) -> None:
    hub = Hub(site, HandClock())
    hub.ready()
    for topic, said in heard:
        hub.mirror.apply(f"machiai/v1/minami/hub/{topic}", json.dumps(said).encode(), retain)
    hub.clock.move(later_s)
    now = hub.clock.now()
    check_document(read(feed.render(hub.mirror, now)[0]), now)
    check_forecast(read(forecast.render(hub.mirror, now)[0]), now)
    check_exports(feed.document(hub.mirror, now), site)
