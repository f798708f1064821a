"""The rules by which a clock that is wrong, late or set back cannot make an old value new."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.contract import codec
from models.contract.observations import Beat, People, Ticket
from models.contract.results import CallsResult, ServiceResult, ZoneResult
from models.state.office import Office
from tests.freshness.browser import Browser
from tests.models.offices import Hand, after
from tests.signage.office import HandClock, Hub

SECONDS = st.integers(0, 4000).map(lambda tenths: tenths / 10)
START = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=19), st.integers(-3600, 3600))
def test_a_pages_clock_is_never_behind_however_late_the_servers_words_come(
    words: list[tuple[float, float]], wrong_s: int
) -> None:
    """Whatever the phone's own clock says: late words do not turn it back."""
    browser = Browser(wall_s=wrong_s)
    now = START
    browser.sync(now)
    for passes_s, late_s in words:
        browser.pass_time(min(passes_s, 15.0))
        now += timedelta(seconds=min(passes_s, 15.0))
        browser.sync(now - timedelta(seconds=late_s))
        assert browser.now() >= now - timedelta(milliseconds=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-7200, 7200), st.integers(1, 600), st.booleans())
def test_a_result_lives_no_longer_than_the_hub_gave_it_whatever_its_clock_says(
    hub: Hub,
    ahead_s: int,
    life_s: int,
    retain: bool,  # noqa: FBT001
) -> None:
    made = Hub(hub.site, HandClock())
    written = made.clock.now() + timedelta(seconds=ahead_s)
    result = ZoneResult(
        at=written,
        observed_at=written,
        valid_until=written + timedelta(seconds=life_s),
        state="open",
        people=7,
        capacity=60,
    )
    made.mirror.apply("machiai/v1/minami/hub/zone/lobby", codec.encode(result), retain)
    held = made.mirror.zone("lobby")
    assert held is not None
    assert held.valid_until <= made.clock.now() + timedelta(seconds=life_s)
    if retain and ahead_s > 0:
        assert held.valid_until <= made.clock.now()


def test_a_broker_that_comes_back_with_an_old_result_does_not_replace_a_newer_one(hub: Hub) -> None:
    old = _zone(hub, 5)
    hub.clock.move(30)
    new = _zone(hub, 6)
    topic = "machiai/v1/minami/hub/zone/lobby"
    hub.mirror.apply(topic, new, retain=False)
    hub.mirror.apply(topic, old, retain=True)
    held = hub.mirror.zone("lobby")
    assert held is not None
    assert held.people == 6


def test_calls_are_not_listed_when_nobody_knows_who_was_called_since() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.call("A001", "c1", after(10))
    assert [call.number for call in _calls(hand.office, 95).calls] == ["A001"]
    assert _calls(hand.office, 95).valid_until == after(100)
    assert _calls(hand.office, 101).calls == ()
    hand.see("all", Beat(), after(110))
    assert [call.number for call in _calls(hand.office, 111).calls] == ["A001"]


@given(st.integers(10, 7200))
def test_a_hub_whose_clock_is_set_back_takes_nothing_for_new(back_s: int) -> None:
    hand = Hand()
    ahead = after(back_s)
    hand.see("lobby", People(count=33), ahead)
    hand.see("tax", Ticket(number="A001", event="issued"), ahead)
    zone, tax = (hand.office.results(after(1))[key] for key in ("zone/lobby", "service/tax"))
    assert isinstance(zone, ZoneResult)
    assert zone.people is None
    assert isinstance(tax, ServiceResult)
    assert tax.waiting is None
    hand.see("lobby", People(count=4), after(2))
    hand.see("all", Beat(), after(2))
    zone, tax = (hand.office.results(after(3))[key] for key in ("zone/lobby", "service/tax"))
    assert isinstance(zone, ZoneResult)
    assert zone.people == 4, "it comes back at once, not when that time is reached again"
    assert isinstance(tax, ServiceResult)
    assert tax.waiting == 1


def _zone(hub: Hub, people: int) -> bytes:
    return codec.encode(ZoneResult(**hub.times(), state="open", people=people, capacity=60))


def _calls(office: Office, at_s: float) -> CallsResult:
    result = office.results(after(at_s))["calls"]
    assert isinstance(result, CallsResult)
    return result
