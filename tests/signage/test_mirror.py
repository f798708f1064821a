import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.contract.codec import encode
from models.contract.results import (
    AccuracyResult,
    Free,
    LineResult,
    LineTicket,
    LotForecast,
    LotResult,
    LotStep,
    Result,
    ServiceForecast,
    ServiceResult,
    Spread,
    State,
)
from models.site import Site
from signage.mirror import SILENCE_S
from tests.signage.office import HandClock, Hub

HUB = "machiai/v1/minami/hub/"


def test_the_latest_result_of_a_topic_is_kept(hub: Hub) -> None:
    hub.busy()
    hub.service("moving", 3, 11, (20, 30, 40))
    kept = hub.mirror.service("moving")
    assert kept is not None
    assert (kept.level, kept.waiting) == (3, 11)


def test_the_same_said_again_is_no_change(hub: Hub) -> None:
    hub.busy()
    version = hub.mirror.version
    hub.busy()
    assert hub.mirror.version == version


def test_an_empty_retained_payload_takes_a_result_away(hub: Hub) -> None:
    hub.paused()
    assert set(hub.mirror.notices()) == {"hall", "water"}
    hub.say("notice/hall", None)
    assert set(hub.mirror.notices()) == {"water"}


def test_what_is_no_longer_known_keeps_when_it_last_was(hub: Hub) -> None:
    hub.busy()
    seen = hub.clock.now()
    hub.clock.move(200)
    until = hub.times()["valid_until"]
    hub.say("lot/front", LotResult(at=seen, valid_until=until, state="no_data", capacity=40))
    hub.say("lot/front", LotResult(at=until, valid_until=until, state="no_data", capacity=40))
    kept = hub.mirror.lot("front")
    assert kept is not None
    assert kept.observed_at == seen


@pytest.mark.parametrize(
    "free", [Free(p10=0, p50=8259, p90=8259), Free(p10=-1, p50=0, p90=1), Free(p10=9, p50=1, p90=9)]
)
def test_impossible_numbers_are_refused_and_counted(hub: Hub, free: Free) -> None:
    hub.busy()
    before = hub.mirror.lot("front")
    hub.say("lot/front", LotResult(**hub.times(), state="open", free=free, capacity=140))
    assert hub.mirror.lot("front") == before
    assert hub.mirror.refused.total() == 1


@pytest.mark.parametrize(
    "tickets",
    [
        (LineTicket(number="A1", ahead=0, wait=Spread(p10_s=-5, p50_s=10, p90_s=20)),),
        (LineTicket(number="A1", ahead=1), LineTicket(number="A2", ahead=0)),
        (LineTicket(number="A1", ahead=-1),),
    ],
    ids=["a wait below zero", "fewer ahead further back", "fewer ahead than nobody"],
)
def test_a_line_that_cannot_be_is_refused(hub: Hub, tickets: tuple[LineTicket, ...]) -> None:
    hub.line("moving", "A1", "A2")
    hub.say("line/moving", LineResult(**hub.times(), tickets=tickets))
    kept = hub.mirror.line("moving")
    assert kept is not None
    assert [ticket.ahead for ticket in kept.tickets] == [0, 1]
    assert hub.mirror.refused["BadPayload"] == 1


def test_a_wait_below_zero_is_refused(hub: Hub) -> None:
    wait = Spread(p10_s=-5, p50_s=10, p90_s=20)
    hub.say("service/moving", ServiceResult(**hub.times(), state="open", wait=wait))
    assert hub.mirror.service("moving") is None
    assert hub.mirror.refused.total() == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.sampled_from(["service/moving", "lot/front", "calls", "state", "x"]).map(HUB.__add__),
    st.binary(max_size=200),
)
def test_nothing_that_arrives_makes_it_raise(site: Site, topic: str, payload: bytes) -> None:
    hub = Hub(site, HandClock())
    hub.mirror.apply(topic, payload, retain=False)
    assert hub.mirror.service("moving") is None
    assert hub.mirror.lot("front") is None


def test_what_is_refused_is_logged_once(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            hub.mirror.apply(HUB + "service/moving", b"{", retain=True)
    assert len(caplog.records) == 1
    assert hub.mirror.refused["BadPayload"] == 20


def test_results_of_other_offices_and_devices_are_none_of_ours(hub: Hub) -> None:
    for topic in ("machiai/v1/kita/hub/state", "machiai/v1/minami/cam-1/state"):
        hub.mirror.apply(topic, b'{"state":"ready"}', retain=True)
    assert not hub.mirror.has_news
    assert not hub.mirror.refused


def test_forecasts_and_accuracy_are_heard(hub: Hub) -> None:
    at: dict[str, Any] = {
        "at": hub.clock.now(),
        "valid_until": hub.clock.now() + timedelta(minutes=30),
    }
    told: dict[str, Result] = {
        "forecast/service/moving": ServiceForecast(**at),
        "forecast/lot/front": LotForecast(**at, capacity=40),
        "accuracy/moving": AccuracyResult(**at),
    }
    for leaf, result in told.items():
        hub.mirror.apply(HUB + leaf, encode(result), retain=True)
    assert hub.mirror.service_forecast("moving") == told["forecast/service/moving"]
    assert hub.mirror.lot_forecast("front") == told["forecast/lot/front"]
    assert hub.mirror.accuracy("moving") == told["accuracy/moving"]
    assert hub.mirror.accuracy("tax") is None
    assert not hub.mirror.refused


def test_a_forecast_of_more_free_places_than_there_are_is_refused(hub: Hub) -> None:
    now = hub.clock.now()
    step = LotStep(at=now, free=Free(p10=1, p50=2, p90=41))
    told = LotForecast(at=now, valid_until=now, capacity=40, steps=(step,))
    hub.mirror.apply(HUB + "forecast/lot/front", encode(told), retain=True)
    assert hub.mirror.refused == {"BadPayload": 1}


def test_a_hub_with_nothing_new_to_say_is_not_gone(hub: Hub) -> None:
    hub.ready()
    hub.clock.move(36_000)
    assert not hub.mirror.hub_gone


def test_a_hub_that_is_lost_is_gone_and_one_that_returns_is_not(hub: Hub) -> None:
    hub.ready()
    hub.say("state", State(state="lost"))
    assert hub.mirror.hub_gone
    hub.say("state", State(state="ready", at=hub.clock.now()))
    assert not hub.mirror.hub_gone


def test_a_broker_that_is_away_counts_as_gone_after_45_seconds(hub: Hub) -> None:
    hub.ready()
    hub.mirror.connection(up=False)
    hub.clock.move(SILENCE_S)
    assert not hub.mirror.hub_gone
    hub.clock.move(1)
    assert hub.mirror.hub_gone
    hub.mirror.connection(up=True)
    assert not hub.mirror.hub_gone


def test_a_hub_that_was_never_there_counts_as_gone(hub: Hub) -> None:
    hub.mirror.connection(up=True)
    hub.clock.move(SILENCE_S + 1)
    assert hub.mirror.hub_gone


def test_the_demo_waits_45_true_seconds_however_fast_its_clock(site: Site) -> None:
    hub = Hub(site, HandClock(speed=60))
    hub.clock.move(SILENCE_S * 59)
    assert not hub.mirror.hub_gone
    hub.clock.move(SILENCE_S * 2)
    assert hub.mirror.hub_gone


async def test_a_listener_wakes_at_a_change_and_when_the_hub_falls_silent(hub: Hub) -> None:
    mirror = hub.mirror

    def fall_silent() -> None:
        mirror.connection(up=False)
        hub.clock.move(SILENCE_S + 1)
        mirror.watch()

    hub.ready()
    for change in (hub.busy, fall_silent):
        waiting = asyncio.ensure_future(mirror.changed(mirror.version))
        await asyncio.sleep(0)
        assert not waiting.done()
        change()
        assert await waiting == mirror.version
