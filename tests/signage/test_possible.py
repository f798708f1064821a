"""No number that cannot be is published, whatever results arrive."""

import json
import math
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import codec
from models.contract.codec import stamp
from models.site import Site
from signage import ticket
from signage.assets import environment
from signage.cache import Cache
from signage.feed import feed, forecast
from signage.feed.exports import ngsi_ld, parkapi
from signage.feed.history import rows
from signage.pages.accuracy import AccuracyPage
from signage.pages.outlook import OutlookPage
from signage.pages.page import Page
from signage.wording import LANGUAGES
from tests.signage.office import NOON, HandClock, Hub

PLACE = (139.7, 35.69)
NUMBERS = st.integers(0, 60) | st.integers(-3, 60) | st.sampled_from([None, 0.5, 1e308, 8259])
WHOLE = st.integers(0, 60) | st.integers(-3, 60)
INSANE = st.sampled_from([-1e308, -7.5, -0.1, 1e9, 1e308])
TIMES = st.integers(-4000, 4000).map(lambda s: stamp(NOON + timedelta(seconds=s)))
ENDS = st.integers(0, 8000).map(lambda s: stamp(NOON + timedelta(seconds=s)))


@st.composite
def spreads(draw: st.DrawFn, unit: str = "") -> dict[str, Any]:
    """Three quantiles, often in order."""
    values: list[float] = draw(st.lists(WHOLE, min_size=3, max_size=3))
    if unit or draw(st.booleans()):  # a share of a place is no number of places
        values[draw(st.integers(0, 2))] = draw(WHOLE | INSANE)
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
MEASURED = {
    "count": st.integers(0, 300),
    **dict.fromkeys(("told_s", "came_s", "error_s"), st.integers(0, 5000) | WHOLE | INSANE),
    "coverage": st.sampled_from([0, 0.8, 1, -0.2, 3, 1e308]),
}
HALVES = st.fixed_dictionaries(
    {"at": TIMES}, optional=dict.fromkeys(("usual", "came"), st.none() | WHOLE | INSANE)
)
TICKET = st.fixed_dictionaries(
    {"number": st.just("A001"), "ahead": WHOLE}, optional={"wait": spreads("_s")}
)
BEST = {"from": TIMES, "until": ENDS, "waiting": spreads(), "wait": WAIT}
TICKET = st.fixed_dictionaries(
    {"number": st.sampled_from(["A1", "A2"]), "ahead": st.integers(-1, 3)}, optional={"wait": WAIT}
)
HEARD = st.one_of(
    st.tuples(
        st.sampled_from(["service/certificates", "service/moving"]),
        result(level=st.integers(0, 5), waiting=NUMBERS, counters_open=NUMBERS, wait=WAIT),
    ),
    st.tuples(st.just("line/moving"), result(tickets=st.lists(TICKET, max_size=4))),
    st.tuples(st.just("lot/front"), result(free=spreads())),
    st.tuples(st.just("lot/front"), result(free=spreads(), accessible=BAYS)),
    st.tuples(st.just("zone/lobby"), result(people=NUMBERS, over=st.booleans())),
    st.tuples(
        st.just("forecast/service/moving"),
        result(
            steps=steps(waiting=spreads(), wait=WAIT),
            best=st.none() | st.fixed_dictionaries(BEST),
            today=st.lists(HALVES, max_size=4),
        ),
    ),
    st.tuples(
        st.just("accuracy/moving"),
        result(
            total=st.none() | st.fixed_dictionaries(MEASURED),
            levels=st.lists(
                st.fixed_dictionaries({**MEASURED, "level": st.integers(1, 4)}), max_size=2
            ),
            days=st.lists(
                st.fixed_dictionaries({**MEASURED, "day": st.just("2026-11-20")}), max_size=2
            ),
        ),
    ),
    st.tuples(st.just("line/moving"), result(tickets=st.lists(TICKET, max_size=3))),
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


def check_ticket(made: dict[str, Any], now: datetime) -> None:
    check_spread(made["wait"])
    assert (made["ahead"] or 0) >= 0
    if made["state"] != "unknown":
        assert now < datetime.fromisoformat(made["valid_until"])
    else:
        assert (made["ahead"], made["wait"]) == (None, None)


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


SIGN = re.compile(r"(?<![\w.–～-])[-−]\s?\d|\b(?i:nan|inf)\b|\d[eE][+-]?\d|\d{8,}|[\d.]+%")
DRAWN = re.compile(r'(?:width|height|[xyr]|[xy][12]|c[xy])="(-?[\d.e+-]+|nan|inf)"')
WORDS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)


def check_page(html: str) -> None:
    """No text with a sign, too many digits or more than all; no drawing turned over."""
    text = WORDS.sub(" ", html)
    for found in SIGN.findall(text):
        assert found.endswith("%"), (found, text[text.index(found) - 60 :][:120])
        assert float(found[:-1]) <= 100, found
    for figure in re.findall(r'<figure class="curve".*?</figure>', html, re.DOTALL):
        assert all(0 <= float(value) <= 400 for value in DRAWN.findall(figure)), figure


def pages(site: Site, hub: Hub, language: str, now: datetime) -> dict[str, str]:
    """What residents read, by its template."""
    office = msgspec.structs.replace(site.site, languages=(language,))
    page = Page(msgspec.structs.replace(site, site=office), hub.mirror, Cache(hub.mirror))
    context = page.context(language, now, "/part")
    words = page.words(language)
    context |= AccuracyPage(site, hub.mirror, page)._tables(words, now)[0]
    context |= OutlookPage(site, hub.mirror, page)._outlooks(words, now)[0]
    names = ("page.html", "text.html", "accuracy.html", "outlook.html")
    return {name: environment().get_template(name).render(context) for name in names}


@settings(max_examples=80)
@given(
    heard=st.lists(HEARD, min_size=1, max_size=8),
    language=st.sampled_from(LANGUAGES),
    later_s=st.sampled_from([0, 30, 600]),
)
def test_nothing_that_cannot_be_is_on_a_page(
    site: Site, heard: list[tuple[str, dict[str, Any]]], language: str, later_s: int
) -> None:
    hub = Hub(site, HandClock())
    hub.busy()
    for topic, said in heard:
        lasting = {**said, "at": stamp(NOON), "valid_until": stamp(NOON + timedelta(hours=2))}
        hub.mirror.apply(f"machiai/v1/minami/hub/{topic}", json.dumps(lasting).encode(), False)
    hub.clock.move(later_s)
    for html in pages(site, hub, language, hub.clock.now()).values():
        check_page(html)


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
    for number in ("A1", "A2"):
        check_ticket(read(ticket.render(hub.mirror, number, None, now)), now)
    check_exports(feed.document(hub.mirror, now), site)


def test_a_part_that_cannot_be_is_dropped_and_the_rest_holds(site: Site) -> None:
    hub = Hub(site, HandClock())
    hub.forecast("moving", 8.0)
    told = hub.mirror.service_forecast("moving")
    assert told is not None
    said = codec.plain(told)
    said["steps"][1]["waiting"]["p50"] = -1
    said["today"][2]["came"] = 1e308
    said["best"]["waiting"]["p90"] = -1
    hub.mirror.apply(
        "machiai/v1/minami/hub/forecast/service/moving", json.dumps(said).encode(), False
    )
    left = hub.mirror.service_forecast("moving")
    assert left is not None
    assert left.steps == (told.steps[0], *told.steps[2:])
    assert left.best is None
    assert left.today[2] == msgspec.structs.replace(told.today[2], came=None)
    assert left.today[3:] == told.today[3:]
