"""The coming hours and days as they are published: open hours only, and the best of them."""

from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from models.contract.codec import MAX_BYTES, encode
from models.contract.observations import KIND_OF, Envelope, Observation, Queue
from models.contract.results import LotForecast, People, ServiceForecast, ServiceStep, Spread
from models.forecast.best import best_hour
from models.site import Site, parse
from models.state.office import Office
from models.world.office import live
from tests.conftest import ROOT
from tests.models.offices import TEN, Hand

HALF = timedelta(minutes=30)
DAY = timedelta(days=1)
FIRST = date(2026, 11, 24)
NOW = datetime(2026, 12, 3, 1, 10, tzinfo=UTC)
"""Ten past ten on a Thursday in Tokyo, the eighth open day."""
KINDS = {"ticket", "counter", "pulse", "cars"}


def lived(site: Site, until: datetime) -> Office:
    """An office that has lived from the first day on."""
    office, seq = Office(site, assume_alive=True), 0
    for n in range((until.date() - FIRST).days + 1):
        for event in live(site, FIRST + n * DAY, 1).events:
            if event.kind in KINDS and event.at <= until:
                seq += 1
                seen = Observation(
                    site=site.id,
                    device="pi",
                    kind=event.kind,
                    name=event.name,
                    envelope=Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=event.at),
                    reading=event.reading,
                )
                office.fold(seen, event.at.timestamp(), event.at.timestamp())
    return office


@pytest.fixture(scope="module")
def office() -> Office:
    text = (ROOT / "ansible" / "sites" / "example.toml").read_text(encoding="utf-8")
    return lived(parse(text), NOW)


def test_a_forecast_tells_of_open_hours_alone_for_14_days(office: Office) -> None:
    forecasts = office.forecasts(NOW)
    assert {key for key in forecasts if key.startswith("forecast/service/")} == {
        f"forecast/service/{s.id}" for s in office.site.services
    }
    told = cast("ServiceForecast", forecasts["forecast/service/moving"])
    local = [step.at.astimezone(office.site.zone_info) for step in told.steps]
    assert local == sorted(local)
    assert min(local) > NOW
    assert NOW + 13 * DAY < max(local) < NOW + 15 * DAY
    assert all(at.weekday() < 5 and 8.5 <= at.hour + at.minute / 60 < 17.25 for at in local)
    near = [at for at in local if at < NOW + DAY]
    assert {at.minute for at in near} == {0, 30}
    assert {at.minute for at in local if at >= NOW + DAY} == {0}
    assert told.valid_until == NOW + HALF


def test_its_numbers_can_be(office: Office) -> None:
    for result in office.forecasts(NOW).values():
        assert len(encode(result)) < MAX_BYTES / 4
        if isinstance(result, LotForecast):
            for step in result.steps:
                assert 0 <= step.free.p10 <= step.free.p50 <= step.free.p90 <= result.capacity
        if isinstance(result, ServiceForecast):
            for one in result.steps:
                assert 0 <= one.waiting.p10 <= one.waiting.p50 <= one.waiting.p90
                assert one.wait is None or 0 <= one.wait.p10_s <= one.wait.p50_s <= one.wait.p90_s


def test_asking_for_a_forecast_changes_nothing(office: Office) -> None:
    before = office.dump()
    assert office.forecasts(NOW) == office.forecasts(NOW)
    assert office.dump() == before


def test_a_new_office_forecasts_nothing() -> None:
    hand = Hand()
    hand.issue("1")
    assert hand.office.forecasts(TEN) == {}


def test_an_office_that_never_shuts_fits_into_a_message() -> None:
    site = parse("""
[site]
id = "ever"
name = { en = "Ever" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[services]]
id = "help"
name = { en = "Help" }
""")
    office = Office(site, assume_alive=True)
    for n in range(3 * 24 * 4):
        at_s = TEN.timestamp() + n * 900.0
        reading = Queue(waiting=n % 96, called=f"{n}", open=2)
        seen = Observation(
            site="ever",
            device="pi",
            kind=KIND_OF[Queue],
            name="help",
            envelope=Envelope(stream="s", seq=n + 1, boot="b", up_ms=0),
            reading=reading,
        )
        office.fold(seen, at_s, at_s)
    told = office.forecasts(TEN + 3 * DAY)["forecast/service/help"]
    assert isinstance(told, ServiceForecast)
    assert len(told.steps) > 300
    assert len(encode(told)) < MAX_BYTES


def test_the_best_hour_avoids_the_crowd_that_comes_every_morning() -> None:
    hand = Hand()
    for n in range(8):
        day = TEN + n * DAY
        if day.weekday() < 5:
            for late in range(0, 7 * 3600, 300):
                crowd = 12 if late < 7200 else 1
                hand.see("moving", Queue(waiting=crowd, called=None), day + timedelta(seconds=late))
    morning = TEN + 8 * DAY - timedelta(hours=1)
    told = hand.office.forecasts(morning)["forecast/service/moving"]
    assert isinstance(told, ServiceForecast)
    assert told.best is not None
    assert told.best.since >= TEN + 8 * DAY + timedelta(hours=2)
    assert told.best.until - told.best.since == timedelta(hours=1)
    assert told.best.waiting.p50 < 3


def step(half: int, people: float, wait_s: float | None = None) -> ServiceStep:
    wait = None if wait_s is None else Spread(p10_s=0, p50_s=wait_s, p90_s=2 * wait_s)
    return ServiceStep(at=TEN + half * HALF, waiting=People(p10=0, p50=people, p90=9), wait=wait)


@pytest.mark.parametrize(
    ("today", "best"),
    [
        ([], None),
        ([step(0, 1)], None),
        ([step(0, 1), step(3, 1)], None),
        ([step(0, 5), step(1, 3), step(2, 2), step(3, 4)], 1),
        ([step(0, 2), step(1, 2), step(2, 2), step(3, 1.5)], 0),
        ([step(0, 1, 900), step(1, 1, 900), step(2, 8, 300), step(3, 8, 300)], 2),
        ([step(0, 1, 400), step(1, 1, 400), step(2, 8, 300), step(3, 8, 300)], 0),
        ([step(0, 1, None), step(1, 1, 900), step(2, 8, 300), step(3, 8, 300)], 0),
    ],
    ids=[
        "nothing left",
        "half an hour left",
        "no whole hour",
        "fewest people",
        "nearly as few, and earlier",
        "shortest wait",
        "nearly as short, and earlier",
        "no wait known: fewest people",
    ],
)
def test_the_best_hour_by_table(today: list[ServiceStep], best: int | None) -> None:
    found = best_hour(today)
    assert (found and found.since) == (None if best is None else TEN + best * HALF)
