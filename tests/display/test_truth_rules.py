"""The rules of screen truth: a true screen is never doubted, a false one always."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.contract import topics
from models.contract.codec import decode, encode
from models.contract.results import (
    AccessibleResult,
    Call,
    CallsResult,
    Free,
    LotResult,
    LotStatus,
    NoticeResult,
    Result,
    Screen,
    ScreenNotice,
    ScreenRow,
    ServiceResult,
    ServiceStatus,
    Spread,
    ZoneResult,
)
from models.screens.truth import Patience, Said, clock_error_s, differences
from models.screens.watch import Watch
from models.site import Site, parse
from signage.mirror import Mirror
from signage.painter import Painter
from signage.view import Board, LotView, ServiceView, ZoneView
from signage.wording import LANGUAGES, SHAPES, Words
from tests.display.real import TEXT
from tests.signage.office import EXAMPLE, HandClock

SITE = parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
SMALL = parse(TEXT)
NOW = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)
PATIENCE = Patience()
LEVELS = {shape: level for level, shape in SHAPES.items()}
PAINTERS = {code: Painter(SITE, Words(code, SITE.zone_info)) for code in LANGUAGES}
PLACES = ("people", "wait", "free", "accessible")
SERVICES = {service.id for service in SITE.services}
SHUT: tuple[LotStatus, ...] = ("open", "open", "closed", "no_data")
COUNTS = st.none() | st.integers(0, 999)


def times(state: str) -> st.SearchStrategy[dict[str, Any]]:
    """When it was worked out, seen, and until when it holds: not just about now."""
    ages, lasts = st.integers(31, 900), st.integers(60, 9000)
    return st.builds(
        lambda age, last, opens: {
            "at": NOW - timedelta(seconds=30),
            "observed_at": NOW - timedelta(seconds=age) if state != "no_data" else None,
            "valid_until": NOW + timedelta(seconds=last),
            **({"opens_at": NOW + timedelta(seconds=last + opens)} if state == "closed" else {}),
        },
        ages,
        lasts,
        lasts,
    )


@st.composite
def services(draw: st.DrawFn) -> ServiceResult:
    states: tuple[ServiceStatus, ...] = ("open", "open", "open", "paused", "closed", "no_data")
    state = draw(st.sampled_from(states))
    waits = sorted(draw(st.lists(st.floats(0, 20_000), min_size=3, max_size=3)))
    wait = None if draw(st.booleans()) else Spread(p10_s=waits[0], p50_s=waits[1], p90_s=waits[2])
    shared = draw(times(state))
    if state != "open":
        return ServiceResult(**shared, state=state)
    level = draw(st.none() | st.integers(1, 4))
    return ServiceResult(**shared, state=state, level=level, waiting=draw(COUNTS), wait=wait)


@st.composite
def lots(draw: st.DrawFn) -> LotResult:
    state = draw(st.sampled_from(SHUT))
    shared = draw(times(state)) | {"capacity": 900, "state": state}
    if state != "open":
        return LotResult(**shared)

    def free() -> dict[str, Any]:
        low, middle, high = sorted(draw(st.lists(st.integers(0, 900), min_size=3, max_size=3)))
        known = draw(st.none() | st.just(Free(p10=low, p50=middle, p90=high)))
        return {"free": known, "vacancy": draw(st.sampled_from(["vacant", "few", "full"]))}

    bays = AccessibleResult(**free(), capacity=900)
    return LotResult(**shared, **free(), accessible=draw(st.none() | st.just(bays)))


@st.composite
def zones(draw: st.DrawFn) -> ZoneResult:
    state = draw(st.sampled_from(SHUT))
    shared = draw(times(state))
    shared.pop("opens_at", None)
    if state != "open":
        return ZoneResult(**shared, state=state)
    level, over = draw(st.integers(1, 4)), draw(st.booleans())
    return ZoneResult(**shared, state=state, people=draw(COUNTS), level=level, over=over)


@st.composite
def calls(draw: st.DrawFn) -> CallsResult:
    numbers = draw(st.lists(st.integers(1, 999), max_size=10, unique=True))
    some = st.sampled_from(sorted(SERVICES))
    at = NOW - timedelta(minutes=2)
    listed = tuple(Call(number=f"A{n}", service=draw(some), counter="c1", at=at) for n in numbers)
    return CallsResult(**draw(times("open")), calls=listed)


@st.composite
def offices(draw: st.DrawFn) -> dict[str, Result]:
    """What a hub tells of the example office; of some things nothing."""
    told: dict[str, Result] = {}
    kinds: list[tuple[str, st.SearchStrategy[Any], Any]] = [
        ("service", services(), SITE.services),
        ("lot", lots(), SITE.car_parks),
        ("zone", zones(), SITE.zones),
    ]
    for kind, strategy, things in kinds:
        for thing in things:
            result = draw(st.none() | strategy)
            if result is not None:
                told[f"{kind}/{thing.id}"] = result
    told["calls"] = draw(calls())
    return told


def board_of(told: dict[str, Result], language: str) -> Board:
    """What the painter makes of it in a language."""
    mirror = Mirror(SITE, HandClock(NOW))
    for key, result in told.items():
        mirror.apply(topics.result(SITE.id, key), encode(result), retain=False)
    return PAINTERS[language].board(mirror, NOW)


def screen_of(board: Board) -> Screen:
    """What can be read of a board by its signs, as static/truth.js does."""

    def row(view: ServiceView | LotView | ZoneView, **said: str) -> ScreenRow:
        numbers = {
            place: tuple(int(digits) for digits in re.findall(r"[0-9]+", str(text)))
            for place, text in said.items()
            if view.has_values
        }
        level = LEVELS[view.shape]
        return ScreenRow(id=view.id, phase=view.phase, level=level, numbers=numbers)

    return Screen(
        layer="board",
        places=PLACES,
        services=tuple(row(one, people=one.people, wait=one.wait) for one in board.services),
        lots=tuple(row(one, free=one.said, accessible=one.accessible) for one in board.lots),
        zones=tuple(row(one, people=one.people) for one in board.zones),
        called=tuple(call.number for call in board.calls.calls[:4]),
    )


def told_of(results: dict[str, Result]) -> Said:
    said = Said(PATIENCE)
    said.note(results, NOW - timedelta(seconds=40))
    return said


def wrong(screen: Screen, results: dict[str, Result]) -> list[str]:
    return list(differences(screen, told_of(results), NOW, SERVICES))


@given(results=offices(), language=st.sampled_from(LANGUAGES))
def test_a_true_screen_is_never_doubted(results: dict[str, Result], language: str) -> None:
    screen = decode(Screen, encode(screen_of(board_of(results, language))))
    assert wrong(screen, results) == []


@given(results=offices(), data=st.data())
def test_whatever_is_tampered_with_is_found(
    results: dict[str, Result], data: st.DataObject
) -> None:
    screen = screen_of(board_of(results, "ja"))
    kind = data.draw(st.sampled_from(["services", "lots", "zones"]))
    rows: list[ScreenRow] = list(getattr(screen, kind))
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    filled = sorted(place for place, numbers in row.numbers.items() if numbers)
    how = data.draw(st.sampled_from(["level", "phase", "more", "less", "other"]))
    if how == "level":
        other = data.draw(st.sampled_from([None, 1, 2, 3, 4]).filter(lambda n: n != row.level))
        rows[at] = msgspec.structs.replace(row, level=other)
    elif how == "phase":
        swapped = {"fresh": "stale", "ageing": "closed", "closed": "paused", "paused": "stale"}
        rows[at] = msgspec.structs.replace(row, phase=swapped.get(row.phase, "fresh"))
    elif how == "more":
        empty = sorted({"services": {"people", "wait"}, "zones": {"people"}}.get(kind, {"free"}))
        empty = [place for place in empty if place not in filled]
        assume(empty)
        numbers = {**row.numbers, empty[0]: (7,)}
        rows[at] = msgspec.structs.replace(row, numbers=numbers)
    else:
        assume(filled)
        place = data.draw(st.sampled_from(filled))
        found = row.numbers[place]
        changed = () if how == "less" else (found[0] + data.draw(st.integers(1, 9)), *found[1:])
        rows[at] = msgspec.structs.replace(row, numbers={**row.numbers, place: changed})
    tampered = msgspec.structs.replace(screen, **{kind: tuple(rows)})
    (line,) = wrong(tampered, results)
    assert line.startswith(f"{kind[:-1]} {row.id}: want ")


@given(results=offices(), data=st.data())
def test_a_wrong_number_in_the_call_panel_is_found(
    results: dict[str, Result], data: st.DataObject
) -> None:
    screen = screen_of(board_of(results, "en"))
    assert screen.called is not None
    called, is_emptied = list(screen.called), data.draw(st.booleans())
    if called and is_emptied:
        called = []
    else:
        at = data.draw(st.integers(0, max(0, len(called) - 1)))
        called[at : at + 1] = ["B1"]
    (line,) = wrong(msgspec.structs.replace(screen, called=tuple(called)), results)
    assert line.startswith("calls: want ")


def people(count: int, at: datetime, lasts_s: float = 3600) -> ZoneResult:
    until = at + timedelta(seconds=lasts_s)
    return ZoneResult(
        at=at, observed_at=at, valid_until=until, state="open", people=count, level=1, over=False
    )


def lobby(count: int) -> Screen:
    row = ScreenRow(id="lobby", phase="fresh", level=1, numbers={"people": (count,)})
    return Screen(layer="board", places=PLACES, zones=(row,))


def test_a_screen_may_lag_for_a_little_while() -> None:
    said = Said(PATIENCE)
    said.note({"zone/lobby": people(12, NOW)}, NOW)
    later = NOW + timedelta(seconds=100)
    said.note({"zone/lobby": people(13, later)}, later)
    soon, late = later + timedelta(seconds=14), later + timedelta(seconds=16)
    assert list(differences(lobby(12), said, soon, SERVICES)) == []
    assert list(differences(lobby(13), said, soon, SERVICES)) == []
    assert list(differences(lobby(12), said, late, SERVICES)) == [
        "zone lobby: want level 1, people 13, got level 1, people 12"
    ]


def test_a_value_past_its_end_is_found_though_nothing_new_was_told() -> None:
    said = Said(PATIENCE)
    said.note({"zone/lobby": people(12, NOW, lasts_s=90)}, NOW)
    ends = NOW + timedelta(seconds=90)
    assert list(differences(lobby(12), said, ends + timedelta(seconds=14), SERVICES)) == []
    assert list(differences(lobby(12), said, ends + timedelta(seconds=16), SERVICES)) == [
        "zone lobby: want unknown, got level 1, people 12"
    ]


@pytest.mark.parametrize(
    ("shown", "error_s"),
    [
        ("10:32", 0),
        ("10:31", 30),
        ("10:30", 90),
        ("10:33", 30),
        ("10:34", 90),
        ("22:32", 43170),
        ("noon", math.inf),
    ],
)
def test_how_far_a_clock_is_off_at_least(shown: str, error_s: float) -> None:
    assert clock_error_s(shown, datetime(2026, 11, 24, 10, 32, 30)) == error_s  # noqa: DTZ001


def watch(site: Site = SMALL) -> tuple[Watch, Said]:
    """A display of the small office that said that it is there, and what was told to it."""
    said = Said(PATIENCE)
    watched = Watch(site, site.displays[0], PATIENCE)
    watched.state("ready", NOW)
    return watched, said


def whole(count: int = 12, clock: str | None = None) -> Screen:
    """A true screen of the small office, of which nothing is known but one zone."""
    unknown = [ScreenRow(id=name, phase="no_data") for name in ("tax", "moving", "front")]
    return msgspec.structs.replace(
        lobby(count), services=tuple(unknown[:2]), lots=(unknown[2],), clock=clock
    )


def reports(watched: Watch, said: Said, screen: Screen, seconds: range) -> tuple[str, ...]:
    """What is wrong after it has reported the same for so long."""
    for second in seconds:
        watched.report(screen, said, NOW + timedelta(seconds=second))
    return watched.wrong(NOW + timedelta(seconds=seconds[-1]))


def test_what_stands_on_no_page_is_missed_after_all_have_had_their_turn() -> None:
    watched, said = watch()
    said.note({"zone/lobby": people(12, NOW)}, NOW)
    screen = msgspec.structs.replace(whole(), services=(ScreenRow(id="tax", phase="no_data"),))
    assert reports(watched, said, screen, range(0, 91, 30)) == ()
    assert reports(watched, said, screen, range(91, 152, 30)) == (
        "service moving is not on the screen",
    )
    assert reports(watched, said, whole(), range(152, 153)) == ()


def test_calls_may_take_the_screen_over_for_a_while_but_not_for_ever() -> None:
    watched, said = watch()
    screen = Screen(layer="takeover")
    assert reports(watched, said, screen, range(0, 661, 60)) == ()
    assert "zone lobby is not on the screen" in reports(watched, said, screen, range(720, 721))


def test_behind_an_emergency_nothing_is_missed() -> None:
    watched, said = watch()
    screen = Screen(layer="emergency")
    assert reports(watched, said, screen, range(0, 601, 60)) == ()


def test_a_display_that_is_silent_is_told_unless_it_was_stopped_in_order() -> None:
    watched, said = watch()
    said.note({"zone/lobby": people(12, NOW)}, NOW)
    watched.report(whole(), said, NOW)
    assert watched.wrong(NOW + timedelta(seconds=180)) == ()
    late = NOW + timedelta(seconds=181)
    assert watched.wrong(late) == (
        "nobody knows what it shows: its page has said nothing since 10:32",
    )
    watched.state("lost", late)
    assert watched.wrong(late) == ("it cannot be reached since 10:32",)
    watched.state("disconnected", late)
    assert watched.wrong(late) == ()


def test_a_display_that_was_never_there_is_not_missed() -> None:
    watched = Watch(SMALL, SMALL.displays[0], PATIENCE)
    assert watched.wrong(NOW + timedelta(days=1)) == ()


def test_a_clock_that_is_off_and_a_dark_screen_are_told() -> None:
    watched, said = watch()
    said.note({"zone/lobby": people(12, NOW)}, NOW)
    watched.report(whole(clock="10:30"), said, NOW + timedelta(seconds=30))
    assert watched.wrong(NOW + timedelta(seconds=30)) == ("clock: want 10:32, got 10:30",)
    watched.report(Screen(layer="dark"), said, NOW + timedelta(seconds=60))
    assert watched.wrong(NOW + timedelta(seconds=60)) == (
        "the screen is dark while the office is open",
    )


def emergency(name: str, *, drill: bool = False) -> dict[str, Result]:
    until = NOW + timedelta(hours=1)
    texts = {"ja": "火事です。"}
    notice = NoticeResult(at=NOW, valid_until=until, severity="emergency", drill=drill, texts=texts)
    return {f"notice/{name}": notice}


def test_an_emergency_must_be_seen_and_must_go() -> None:
    watched, said = watch()
    both = emergency("fire") | emergency("drill", drill=True)
    said.note(both, NOW)
    late = NOW + timedelta(seconds=40)
    seen = Screen(layer="emergency", emergencies=(ScreenNotice(id="fire"),))
    watched.report(seen, said, late)
    assert watched.wrong(late) == ()
    watched.report(Screen(layer="board"), said, late)
    assert "emergency fire is not on the screen" in watched.wrong(late)
    assert "emergency drill is not on the screen" not in watched.wrong(late)
    said.note({}, late)
    gone = late + timedelta(seconds=16)
    watched.report(seen, said, gone)
    assert watched.wrong(gone) == ("emergency fire is over, but on the screen",)


def test_where_time_runs_faster_a_computer_is_given_its_own() -> None:
    fast = PATIENCE.at_speed(600)
    assert PATIENCE.at_speed(1) == PATIENCE
    assert all(
        a > b
        for a, b in zip(
            msgspec.structs.astuple(fast), msgspec.structs.astuple(PATIENCE), strict=True
        )
    )
