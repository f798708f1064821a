"""What the sensors of the synthetic office say, held against what is true there."""

import math
from collections import Counter as Times
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.observations import (
    Cars,
    Crossing,
    People,
    Press,
    Pulse,
    Queue,
    Reading,
    Ticket,
)
from models.site import Device, Hours, Lot, Site, parse
from models.world.day import Day, Event, Steps
from models.world.laws import Params
from models.world.office import live

ROOT = Path(__file__).parents[2]
EXAMPLE = parse((ROOT / "ansible/sites/example.toml").read_text("utf-8"))
TUESDAY = date(2026, 11, 24)
DAY = live(EXAMPLE, TUESDAY, 3)
SEEDS = st.integers(0, 10_000)


def said(day: Day, kind: str, name: str) -> list[Event]:
    return [e for e in day.events if (e.kind, e.name) == (kind, name)]


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=EXAMPLE.zone_info)


def wired(site: Site, *sensors: dict[str, object]) -> Site:
    """The same office with these sensors alone."""
    return msgspec.structs.replace(site, devices=(Device(id="all", sensors=sensors),))


def with_lot(capacity: int) -> Site:
    lot = Lot(id="front", capacity=capacity, hours=EXAMPLE.lots[0].hours)
    return msgspec.structs.replace(EXAMPLE, lots=(lot,))


def area_s(steps: Steps) -> float:
    """People or cars times the seconds that they are there."""
    spans = zip(steps.number, pairwise(steps.at), strict=False)
    return sum(number * (after - before).total_seconds() for number, (before, after) in spans)


def test_events_are_in_time_order_in_utc_with_milliseconds() -> None:
    assert all(first.at <= second.at for first, second in pairwise(DAY.events))
    assert all(e.at.utcoffset() == timedelta(0) for e in DAY.events)
    assert all(e.at.microsecond % 1000 == 0 for e in DAY.events)


def test_every_output_of_the_example_has_something_to_say() -> None:
    wanted = {("people", "lobby"), ("crossing", "entrance"), ("cars", "front")}
    wanted |= {("pulse", gate.id) for gate in EXAMPLE.gates}
    wanted |= {("press", button.id) for button in EXAMPLE.buttons}
    wanted |= {("counter", counter.id) for counter in EXAMPLE.counters}
    wanted |= {(kind, s.id) for kind in ("ticket", "queue") for s in EXAMPLE.services}
    assert {(e.kind, e.name) for e in DAY.events} == wanted


def test_the_zone_holds_those_who_wait_there_and_nobody_else() -> None:
    alone = live(EXAMPLE, TUESDAY, 3, Params(companions=0))
    waited = [
        min(t.called_at or t.issued_at, t.left_at or local(23)) - t.issued_at
        for t in alone.tickets
        if t.service != "tax-return"  # they wait on the third floor
    ]
    wanted = sum(waited, timedelta()).total_seconds()
    assert area_s(alone.people["lobby"]) == pytest.approx(wanted, abs=0.01)
    assert alone.people["lobby"].number[-1] == 0


def test_three_in_ten_visitors_bring_somebody() -> None:
    days = [(live(EXAMPLE, TUESDAY, s, Params(companions=c))) for s in range(30) for c in (0, 0.3)]
    seconds = [area_s(day.people["lobby"]) for day in days]
    assert sum(seconds[1::2]) / sum(seconds[::2]) == pytest.approx(1.3, abs=0.04)


def test_the_lobby_camera_counts_each_minute_from_before_the_hours_until_after() -> None:
    times = [e.at for e in said(DAY, "people", "lobby")]
    assert times[0] == local(8, 15)
    assert times[-1] >= local(17, 30)
    assert {second - first for first, second in pairwise(times)} == {timedelta(minutes=1)}


def test_the_lobby_camera_errs_little() -> None:
    errors = []
    for event in said(DAY, "people", "lobby"):
        assert isinstance(event.reading, People)
        true = DAY.people["lobby"].on(event.at)
        errors.append(abs(event.reading.count - true))
        assert true or not event.reading.count  # nobody is seen where nobody is
    assert 0 < np.mean(errors) < 0.7


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_whoever_comes_in_goes_out_again(seed: int) -> None:
    day = live(EXAMPLE, TUESDAY, seed)
    ways = Times(e.reading.direction for e in day.events if isinstance(e.reading, Crossing))
    visitors = sum(t.service != "tax-return" for t in day.tickets)  # the hall has no doorway
    assert ways["in"] == ways["out"] >= visitors


def test_without_companions_each_comes_in_20_to_60_s_before_the_ticket() -> None:
    site = msgspec.structs.replace(EXAMPLE, services=EXAMPLE.services[:1])
    day = live(site, TUESDAY, 3, Params(companions=0, patience_s=math.inf, arrivals_per_h=6))
    crossings = [e for e in day.events if isinstance(e.reading, Crossing)]
    for ticket in day.tickets:
        assert ticket.served_at is not None
        came = timedelta(seconds=-60), timedelta(seconds=-20)
        went = timedelta(seconds=10), timedelta(seconds=40)
        for about, (first, last), way in (
            (ticket.issued_at, came, "in"),
            (ticket.served_at, went, "out"),
        ):
            assert any(
                about + first <= e.at <= about + last and e.reading.direction == way
                for e in crossings
                if isinstance(e.reading, Crossing)
            )


def test_a_display_shows_who_waits_and_who_was_called_last() -> None:
    tickets = [t for t in DAY.tickets if t.service == "certificates"]
    for event in said(DAY, "queue", "certificates"):
        assert isinstance(event.reading, Queue)
        called = [t for t in tickets if t.called_at and t.called_at <= event.at]
        assert event.reading.waiting == sum(t.issued_at <= event.at for t in tickets) - len(called)
        assert event.reading.called == (called[-1].number if called else None)
    opened = {
        e.at: e.reading.open
        for e in said(DAY, "queue", "certificates")
        if isinstance(e.reading, Queue)
    }
    assert [opened[local(*t)] for t in ((8, 29), (10, 0), (12, 0), (13, 0), (15, 0))] == [
        0,
        2,
        1,
        1,
        2,
    ]


def test_a_clerk_presses_next_at_each_call_of_that_counter() -> None:
    presses = said(DAY, "press", "next-c6")
    assert [e.at for e in presses] == sorted(
        t.called_at for t in DAY.tickets if t.counter == "c6" and t.called_at
    )
    assert {e.reading.gesture for e in presses if isinstance(e.reading, Press)} == {"short"}


def test_the_level_button_follows_the_queue_about_every_ten_minutes() -> None:
    gestures = {1: "long", 2: "short", 3: "double"}
    pressed = set()
    for seed in range(10):
        day = live(EXAMPLE, TUESDAY, seed)
        tickets = [t for t in day.tickets if t.service == "tax-return"]
        presses = said(day, "press", "busy-hall")
        for event in presses:
            assert isinstance(event.reading, Press)
            waiting = sum(t.issued_at <= event.at for t in tickets)
            waiting -= sum(t.called_at is not None and t.called_at <= event.at for t in tickets)
            level = 1 if waiting < 1 else 2 if waiting < 3 else 3  # there is one counter
            assert event.reading.gesture == gestures[level]
            pressed.add(level)
        assert {round((b.at - a.at).total_seconds() / 600) for a, b in pairwise(presses)} == {1}
        assert local(9) < presses[0].at < local(9, 12)
        assert local(15, 48) < presses[-1].at
    assert pressed == set(gestures)


@given(seed=SEEDS, capacity=st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_the_pulses_of_the_gates_add_up_to_the_cars_in_the_lot(seed: int, capacity: int) -> None:
    day = live(with_lot(capacity), TUESDAY, seed)
    steps = day.cars["front"]
    assert 0 <= min(steps.number) <= max(steps.number) <= capacity
    assert steps.number[-1] == 0
    inside = 0
    pulses = [e for e in day.events if isinstance(e.reading, Pulse)]
    for event, following in zip(pulses, [*pulses[1:], None], strict=True):
        assert isinstance(event.reading, Pulse)
        inside += 1 if event.reading.direction == "in" else -1
        if following is None or following.at > event.at:
            assert inside == steps.on(event.at)


def test_the_car_camera_sees_what_is_there_every_30_s() -> None:
    events = said(DAY, "cars", "front")
    assert all(e.reading == Cars(occupied=DAY.cars["front"].on(e.at), seen=40) for e in events)
    assert {b.at - a.at for a, b in pairwise(events)} == {timedelta(seconds=30)}
    assert (events[0].at, events[-1].at) == (local(7, 45), local(18, 15))


@pytest.mark.parametrize("capacity", [10, 40, 300])
def test_a_lot_of_any_size_is_nearly_full_at_the_peak(capacity: int) -> None:
    tops = [max(live(with_lot(capacity), TUESDAY, s).cars["front"].number) for s in range(10)]
    assert np.mean(tops) > 0.8 * capacity


def mean_stay_s(day: Day) -> float:
    """By Little's law."""
    came = [e for e in day.events if e.reading == Pulse(direction="in")]
    return area_s(day.cars["front"]) / len(came)


def test_a_car_stays_about_38_minutes() -> None:
    minutes = [mean_stay_s(live(EXAMPLE, TUESDAY, seed)) / 60 for seed in range(20)]
    assert np.mean(minutes) == pytest.approx(39, abs=3)


def test_missed_cars_are_missing_from_the_pulses_but_not_from_the_truth() -> None:
    worn = live(EXAMPLE, TUESDAY, 3, Params(missed=0.2))
    assert worn.cars == DAY.cars
    seen, all_of_them = (
        sum(isinstance(e.reading, Pulse) for e in day.events) for day in (worn, DAY)
    )
    assert seen / all_of_them == pytest.approx(0.8, abs=0.05)


def gate(name: str, direction: str | None = None, loops: int = 1) -> dict[str, object]:
    sensor: dict[str, object] = {"kind": "gate", "gate": name, "pins": list(range(loops))}
    return sensor if direction is None else sensor | {"direction": direction}


@pytest.mark.parametrize(
    ("sensors", "wanted"),
    [
        (
            (gate("front-in", "in"), gate("front-out", "out")),
            {"in": {"front-in"}, "out": {"front-out"}},
        ),
        (
            (gate("front-in", loops=2), gate("front-out", "out")),
            {"in": {"front-in"}, "out": {"front-in", "front-out"}},
        ),
        (
            (gate("front-in", "in"), gate("front-in", "out"), gate("front-out", "out")),
            {"in": {"front-in"}, "out": {"front-in", "front-out"}},
        ),
        ((), {"in": {"front-in", "front-out"}, "out": {"front-in", "front-out"}}),
    ],
    ids=["a lane each", "two loops", "two sensors at one gate", "not wired"],
)
def test_cars_take_the_gates_that_lead_their_way(
    sensors: tuple[dict[str, object], ...], wanted: dict[str, set[str]]
) -> None:
    used: dict[str, set[str]] = {"in": set(), "out": set()}
    for event in live(wired(EXAMPLE, *sensors), TUESDAY, 3).events:
        if isinstance(event.reading, Pulse):
            used[event.reading.direction].add(event.name)
    assert used == wanted


def kinds(reading: type[Reading]) -> list[Event]:
    return [e for e in DAY.events if isinstance(e.reading, reading)]


def test_the_desk_tells_of_a_ticket_in_the_order_of_its_life() -> None:
    lives: dict[tuple[str, str], list[str]] = {}
    for event in kinds(Ticket):
        assert isinstance(event.reading, Ticket)
        lives.setdefault((event.name, event.reading.number), []).append(event.reading.event)
    assert {tuple(life) for life in lives.values()} == {
        ("issued", "called", "served"),
        ("issued", "called", "absent"),
    }


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["23 h", "25 h"])
def test_the_office_opens_at_its_hour_when_the_clocks_change(day: date) -> None:
    hours = (Hours(days="mon-sun", open="08:30", close="17:15"),)
    zoned = msgspec.structs.replace(
        EXAMPLE.site, timezone="Europe/Berlin", hours=hours, holidays="none"
    )
    site = msgspec.structs.replace(EXAMPLE, site=zoned, counters=EXAMPLE.counters[2:5])
    issued = [t.issued_at.astimezone(site.zone_info) for t in live(site, day, 3).tickets]
    assert {t.date() for t in issued} == {day}
    assert (8, 30) <= (issued[0].hour, issued[0].minute) < (9, 0)
    assert (16, 30) <= (issued[-1].hour, issued[-1].minute) < (17, 15)
