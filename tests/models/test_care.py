"""What is wrong with a device, how soon somebody must come, and what residents miss."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from models.calendar import Calendar
from models.care.heard import Heard, Told
from models.care.office import estimate, units
from models.care.rules import BLIND, Case, wrong
from models.care.trouble import KINDS, Kind, Severity, Trouble
from models.care.values import Value, sensor_names, standing, values_of
from models.contract.results import (
    About,
    AccuracyResult,
    AlertResult,
    Health,
    HubAbout,
    LotResult,
    MeasuredDay,
    Result,
    ServiceResult,
    Spread,
    State,
    ZoneResult,
)
from models.site import parse
from tests.edge.test_eyes import WORN
from tests.models.offices import TEN, after

SITE = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"
[[services]]
id = "tax"
name = { en = "Tax" }
counters = ["c1", "c2"]
[[services]]
id = "moving"
name = { en = "Moving" }
counters = ["c2"]
[[services]]
id = "hall"
name = { en = "Hall" }
dates = ["2026-11-26"]
[[counters]]
id = "c1"
[[counters]]
id = "c2"
[[zones]]
id = "lobby"
capacity = 60
services = ["tax"]
[[zones]]
id = "annexe"
capacity = 9
[[lines]]
id = "door"
zone = "annexe"
[[lines]]
id = "gone"
[[lots]]
id = "front"
capacity = 40
accessible = 2
[[lots]]
id = "bays"
capacity = 2
accessible_of = "front"
[[gates]]
id = "front-in"
lot = "front"
[[buttons]]
id = "busy"
short = { level = 3, services = ["moving"] }
[[buttons]]
id = "next"
short = { next = "c1" }
long = { toggle = "c2" }
[[devices]]
id = "desk"
sensors = [{ kind = "ticket", services = { A = "tax", B = "hall" }, source = "x", pattern = "y" }]
[[devices]]
id = "any"
sensors = [{ kind = "ticket", source = "x", pattern = "y" }]
[[devices]]
id = "one"
sensors = [{ kind = "ticket", service = "moving", source = "x", pattern = "y" }]
[[devices]]
id = "polled"
sensors = [{ kind = "queue", every_s = 60, services = [{ service = "moving", waiting = "x" }] }]
[[devices]]
id = "cam"
sensors = [{ kind = "camera", source = "0", zones = [{ zone = "lobby", polygon = [] }] }]
[[devices]]
id = "slow"
[[devices.sensors]]
kind = "camera"
every_s = 60
lots = [{ lot = "bays" }]
lines = [{ line = "gone" }]
[[devices]]
id = "cam-door"
sensors = [{ kind = "camera", lines = [{ line = "door" }] }]
[[devices]]
id = "gates"
sensors = [{ kind = "gate", gate = "front-in", pins = [17, 27] }]
[[devices]]
id = "buttons"
[[devices.sensors]]
kind = "button"
button = "busy"
[[devices.sensors]]
kind = "button"
button = "next"
[[devices]]
id = "alerts"
sensors = [{ kind = "jma", weather = ["1310100"] }]
[[devices]]
id = "odd"
sensors = [{ kind = "camera", zones = 3 }]
[[displays]]
id = "screen"
switch = { pin = 4 }
[[displays]]
id = "guide"
touch = true
""")
CALENDAR = Calendar(SITE)
TAX, MOVING, HALL = (Value("service", name) for name in ("tax", "moving", "hall"))
LOBBY, ANNEXE, FRONT = Value("zone", "lobby"), Value("zone", "annexe"), Value("lot", "front")
NIGHT = after(12 * 3600)
SUNDAY = TEN - timedelta(days=2)


def life(state: Any = "open", *, until_s: float = 60) -> dict[str, Any]:  # noqa: ANN401
    """The common fields of a result that was seen at ten."""
    return {"at": TEN, "observed_at": TEN, "valid_until": after(until_s), "state": state}


SHOWN: dict[str, Result] = {
    "service/tax": ServiceResult(**life(), level=2, wait=Spread(p10_s=1, p50_s=2, p90_s=3)),
    "service/moving": ServiceResult(**life(), level=2),
    "zone/lobby": ZoneResult(**life(), people=3),
    "zone/annexe": ZoneResult(**life(), people=3),
    "lot/front": LotResult(**life(), capacity=40),
}


def told(**more: Any) -> Told:  # noqa: ANN401
    """A device that is well, at ten."""
    health: dict[str, Any] = {
        "at": TEN,
        "clock_synchronised": True,
        "outbox": 2,
        "temperature_c": 51.0,
    }
    health |= {"disk_free_share": 0.6, "under_voltage": False, "certificate_days": 300}
    health |= more.pop("health", {})
    well: dict[str, Any] = {
        "state": State(state="ready", at=TEN - timedelta(days=3)),
        "about": About(version="1.0", site_hash="aa"),
        "health": Health(**health),
        "heard_at": TEN,
        "depths": (2, 1, 2, 2),
        "ahead_s": -0.1,
    }
    return Told(**(well | more))


def heard(**more: Any) -> Heard:  # noqa: ANN401
    """An office whose hub is well."""
    well: dict[str, Any] = {
        "listening_s": 9000.0,
        "hub_state": State(state="ready"),
        "hub_about": HubAbout(version="1.0", site_hash="aa"),
        "results": SHOWN,
    }
    return Heard(**(well | more))


def troubles(
    who: str, said: Told, office: Heard | None = None, now: datetime = TEN
) -> list[Trouble]:
    return wrong(
        Case(
            site=SITE,
            calendar=CALENDAR,
            who=who,
            told=said,
            heard=office or heard(),
            now=now,
        )
    )


@pytest.mark.parametrize(
    ("who", "values"),
    [
        ("desk", {TAX, HALL}),
        ("any", {TAX, MOVING, HALL}),
        ("one", {MOVING}),
        ("polled", {MOVING}),
        ("cam", {LOBBY, TAX}),
        ("slow", {FRONT}),
        ("cam-door", {ANNEXE}),
        ("gates", {FRONT}),
        ("buttons", {TAX, MOVING}),
        ("alerts", {Value("warnings")}),
        ("odd", set()),
        ("screen", {Value("screen", "screen"), Value("switch", "screen")}),
        ("guide", {Value("guide", "guide")}),
        ("web", set()),
        ("hub", {TAX, MOVING, HALL, LOBBY, ANNEXE, FRONT}),
    ],
)
def test_what_residents_are_told_rests_on_which_device(who: str, values: set[Value]) -> None:
    assert values_of(SITE, who) == values


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("desk", {"tax", "hall"}),
        ("slow", {"bays", "gone"}),
        ("gates", {"front-in"}),
        ("polled", {"moving"}),
        ("odd", set()),
    ],
)
def test_a_sensor_is_known_by_what_it_observes(who: str, names: set[str]) -> None:
    assert sensor_names(SITE, SITE.device(who).sensors[0]) == names


@pytest.mark.parametrize(
    ("value", "results", "now", "stands"),
    [
        (TAX, SHOWN, TEN, "shown"),
        (TAX, {}, TEN, "gone"),
        (TAX, SHOWN, after(60), "gone"),
        (TAX, SHOWN, NIGHT, "closed"),
        (TAX, {}, SUNDAY, "closed"),
        (HALL, {}, TEN, "closed"),
        (TAX, {"service/tax": ServiceResult(**life())}, TEN, "gone"),
        (TAX, {"service/tax": ServiceResult(**life("no_data"))}, TEN, "gone"),
        (TAX, {"service/tax": ServiceResult(**life("paused"))}, TEN, "shown"),
        (FRONT, {"lot/front": LotResult(**life("closed"), capacity=4)}, TEN, "closed"),
        (LOBBY, {"zone/lobby": ZoneResult(**life("no_data"))}, TEN, "gone"),
    ],
    ids=[
        "told", "never told", "too old", "after closing", "on a Sunday", "not held today",
        "open, but no wait", "no data", "paused by staff", "a lot that is closed", "no people",
    ],
)  # fmt: skip
def test_whether_residents_miss_it(
    value: Value, results: dict[str, Result], now: datetime, stands: str
) -> None:
    assert standing(CALENDAR, value, results, now) == stands


def alerting(why: str) -> Told:
    return told(state=State(state="alert", at=TEN, why=why))


def blind(fault: str) -> Told:
    return alerting(f"want a picture to count in, got {fault} - at `$.source`")


NO_TAX = {key: result for key, result in SHOWN.items() if key != "service/tax"}
SCREEN_ALERT = AlertResult(
    at=TEN,
    valid_until=after(60),
    what="screen",
    since=TEN,
    why="clock: want 10:00 - on display screen",
)
Row = tuple[str, str, Told, dict[str, Any], Kind | None, Severity | None]

TABLE: list[Row] = [
    ("all is well", "cam", told(), {}, None, None),
    ("lost, its value still told", "cam", told(state=State(state="lost")), {}, "lost", "soon"),
    (
        "lost, and residents miss it",
        "cam",
        told(state=State(state="lost")),
        {"results": NO_TAX},
        "lost",
        "urgent",
    ),
    ("lost at night", "cam", told(state=State(state="lost")), {"now": NIGHT}, "lost", "soon"),
    ("a screen is lost", "screen", told(state=State(state="lost")), {}, "lost", "urgent"),
    (
        "somebody stopped it",
        "cam",
        told(state=State(state="disconnected", at=TEN)),
        {},
        "stopped",
        "soon",
    ),
    ("never seen", "cam", Told(), {}, "never", "soon"),
    ("never seen, and missed", "desk", Told(), {"results": {}}, "never", "soon"),
    ("we hear nobody ourselves", "cam", Told(), {"listening_s": None}, None, None),
    ("silent for three minutes", "cam", told(), {"now": after(181)}, "silent", "urgent"),
    ("silent, not yet", "cam", told(), {"now": after(59)}, None, None),
    ("we have only just come", "cam", told(), {"now": after(59), "listening_s": 9.0}, None, None),
    ("silent, by the clock of nobody", "cam", told(health={"at": None}, state=State(state="ready"),
     heard_at=None), {}, "silent", "soon"),
    ("a camera in the dark", "cam", blind("darkness"), {}, "dark", "soon"),
    ("at night it may be dark", "cam", msgspec.structs.replace(blind("darkness"), heard_at=NIGHT),
     {"now": NIGHT}, None, None),
    ("covered", "cam", blind("a covered lens"), {"results": NO_TAX}, "covered", "urgent"),
    ("noise", "cam", blind("noise"), {}, "noise", "soon"),
    ("frozen", "cam", blind("a picture that stands still"), {}, "still", "soon"),
    ("moved", "cam", blind("another view than before"), {}, "moved", "soon"),
    ("another alert", "gates", alerting("want pin 17, got busy"), {}, "alert", "soon"),
    ("a camera gives nothing", "cam", told(health={"sensor_age_s": {"camera lobby": 91.0}}), {},
     "quiet", "soon"),
    ("and is missed", "cam", told(health={"sensor_age_s": {"camera lobby": 91.0}}),
     {"results": NO_TAX}, "quiet", "urgent"),
    ("a camera that never gave anything", "cam",
     told(health={"sensor_age_s": {"camera lobby": None}}), {}, "quiet", "soon"),
    ("one that has just begun", "cam", told(health={"sensor_age_s": {"camera lobby": None}},
     state=State(state="ready", at=TEN)), {}, None, None),
    ("a slow camera", "slow", told(health={"sensor_age_s": {"camera gone": 170.0}}), {}, None,
     None),
    ("a slow camera is too slow", "slow", told(health={"sensor_age_s": {"camera gone": 181.0}}),
     {}, "quiet", "soon"),
    ("a polled page", "polled", told(health={"sensor_age_s": {"queue moving": 179.0}}), {}, None,
     None),
    ("a polled page is silent", "polled", told(health={"sensor_age_s": {"queue moving": 181.0}}),
     {}, "quiet", "soon"),
    ("no ticket in the first two hours", "desk",
     told(health={"sensor_age_s": {"ticket tax": 60000.0}}), {}, None, None),
    ("no ticket for longer", "desk", told(health={"sensor_age_s": {"ticket tax": 60000.0},
     "at": after(3600)}, heard_at=after(3600)),
     {"now": after(3600), "results": {k: msgspec.structs.replace(r, valid_until=after(9999))
                                      for k, r in SHOWN.items()}}, "quiet", "later"),
    ("a button may rest for ever", "buttons", told(health={"sensor_age_s": {"button busy": None}}),
     {}, None, None),
    ("a sensor that the file has no more", "cam",
     told(health={"sensor_age_s": {"camera x": 999.0}}), {}, None, None),
    ("an outbox is deep", "cam", told(health={"outbox": 1000}), {}, "outbox", "soon"),
    ("it grows", "cam", told(health={"outbox": 60}, depths=(5, 20, 40, 60)), {}, "outbox", "soon"),
    ("it grew, a little", "cam", told(health={"outbox": 9}, depths=(1, 2, 3, 9)), {}, None, None),
    ("it falls", "cam", told(health={"outbox": 500}, depths=(900, 800, 700, 500)), {}, None, None),
    ("no hub takes it", "cam", told(health={"outbox": 5000}), {"hub_gone": True}, None, None),
    ("no time", "cam", told(health={"clock_synchronised": False}), {}, "clock_unset", "soon"),
    ("ahead", "cam", told(ahead_s=5.1), {}, "clock_off", "soon"),
    ("behind", "cam", told(ahead_s=-91.0), {}, "clock_off", "soon"),
    ("what it said a minute ago", "cam", told(ahead_s=-59.0), {}, None, None),
    ("warm", "cam", told(health={"temperature_c": 74.9}), {}, None, None),
    ("hot", "cam", told(health={"temperature_c": 75.0}), {}, "hot", "later"),
    ("too hot", "cam", told(health={"temperature_c": 80.0}), {}, "hot", "soon"),
    ("a weak supply", "cam", told(health={"under_voltage": True}), {}, "voltage", "soon"),
    ("a disk fills", "cam", told(health={"disk_free_share": 0.14}), {}, "disk", "later"),
    ("a disk is full", "cam", told(health={"disk_free_share": 0.04}), {}, "disk", "soon"),
    ("a certificate ends", "cam", told(health={"certificate_days": 44}), {}, "certificate",
     "later"),
    ("it ends soon", "cam", told(health={"certificate_days": 13}), {}, "certificate", "soon"),
    ("nothing is known of it", "cam", told(health={"certificate_days": None, "temperature_c": None,
     "under_voltage": None, "disk_free_share": None}), {}, None, None),
    ("another version", "cam", told(about=About(version="0.9", site_hash="aa")), {}, "version",
     "later"),
    ("another site file", "cam", told(about=About(version="1.0", site_hash="bb")), {}, "site_file",
     "later"),
    ("it does not say which", "cam", told(about=About(version="1.0")), {}, None, None),
    ("a screen that is wrong", "screen", told(),
     {"results": {**SHOWN, "alert/screen": SCREEN_ALERT}}, "screen", "urgent"),
    ("another screen", "guide", told(), {"results": {**SHOWN, "alert/screen": SCREEN_ALERT}}, None,
     None),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_what_is_wrong_by_table(row: Row) -> None:
    _, who, said, more, kind, severity = row
    now = more.get("now", TEN)
    found = troubles(who, said, heard(**{k: v for k, v in more.items() if k != "now"}), now)
    if kind is None:
        assert found == []
    else:
        assert [(trouble.kind, trouble.severity) for trouble in found] == [(kind, severity)]
        assert found[0].who == who


def test_each_trouble_stands_in_a_table() -> None:
    of_hub = {"hub_gone", "hub_alert", "over", "estimate", "shipping"}
    assert {row[4] for row in TABLE if row[4]} | of_hub == set(KINDS)


def test_of_several_the_most_pressing_is_first() -> None:
    said = told(state=State(state="lost"), health={"disk_free_share": 0.1, "certificate_days": 3})
    assert [t.kind for t in troubles("cam", said)] == ["lost", "certificate", "disk"]


def test_two_alerts_of_one_device_are_two_troubles() -> None:
    said = alerting("want pin 17, got busy; want a picture to count in, got noise - at `$.source`")
    assert [t.kind for t in troubles("cam", said)] == ["noise", "alert"]


def test_a_trouble_says_what_residents_miss_and_since_when() -> None:
    said = told(
        state=State(state="lost"), health={"at": after(-720)}, heard_at=after(-700), ahead_s=None
    )
    (found,) = troubles("cam", said, heard(results=NO_TAX))
    assert found.missed == {TAX: "gone", LOBBY: "shown"}
    assert found.since == after(-700)


def of_hub(now: datetime = TEN, **more: Any) -> list[Trouble]:  # noqa: ANN401
    (hub,) = [unit for unit in units(SITE, CALENDAR, heard(**more), now) if unit.kind == "hub"]
    return list(hub.troubles)


def test_what_is_wrong_with_the_hub_by_table() -> None:
    over = AlertResult(at=TEN, valid_until=after(60), what="over", since=TEN, why="61 of 60")
    assert of_hub() == []
    (gone,) = of_hub(hub_gone=True, now=after(120))
    assert (gone.kind, gone.severity, gone.since) == ("hub_gone", "urgent", TEN)
    assert set(gone.missed.values()) == {"gone", "closed"}
    (full,) = of_hub(hub_state=State(state="alert", why="the disk is full"))
    assert (full.kind, full.severity, full.why) == ("hub_alert", "urgent", "the disk is full")
    (crowd,) = of_hub(results={**SHOWN, "alert/lobby": over})
    assert (crowd.kind, crowd.severity, crowd.what) == ("over", "urgent", "lobby")


def test_the_web_process_is_a_machine_once_it_has_spoken() -> None:
    said = {"web": told(health={"disk_free_share": 0.01})}
    (web,) = [one for one in units(SITE, CALENDAR, heard(told=said), TEN) if one.id == "web"]
    assert [(t.kind, t.severity, dict(t.missed)) for t in web.troubles] == [("disk", "soon", {})]


def measured(*days: tuple[int, float, float]) -> AccuracyResult:
    """Days with their tickets, mean error and coverage, the newest last."""
    made = [
        MeasuredDay(
            day=date(2026, 11, n + 1), count=c, told_s=0, came_s=0, error_s=e, coverage=share
        )
        for n, (c, e, share) in enumerate(days)
    ]
    return AccuracyResult(at=TEN, valid_until=after(60), days=tuple(made))


USUAL = [(50, 200.0, 0.8), (50, 300.0, 0.8), (50, 250.0, 0.8), (50, 250.0, 0.8), (50, 240.0, 0.8)]


@pytest.mark.parametrize(
    ("days", "off"),
    [
        ([*USUAL, (40, 250, 0.8)], None),
        ([*USUAL, (40, 360, 0.8)], None),
        ([*USUAL, (40, 400, 0.8)], (400, 250)),
        ([*USUAL, (20, 400, 0.8), (20, 500, 0.8)], (450, 250)),
        ([*USUAL, (29, 900, 0.8)], None),
        ([*USUAL, (40, 250, 0.5)], (250, 250)),
        ([*USUAL[1:], (40, 900, 0.8)], None),
        ([*USUAL, (50, 900, 0.8), (40, 900, 0.8)], None),
        ([], None),
    ],
    ids=[
        "as usual", "a bad day", "out of band", "two days together", "too few tickets",
        "outside of what was told", "nothing is usual yet", "it is so every week", "nothing",
    ],
)  # fmt: skip
def test_an_estimate_is_held_against_its_own_usual(
    days: list[tuple[int, float, float]], off: tuple[float, float] | None
) -> None:
    assert estimate(measured(*days)) == off


def test_an_estimate_that_is_off_is_a_trouble_of_the_hub() -> None:
    results = {**SHOWN, "accuracy/tax": measured(*USUAL, (40, 400, 0.8))}
    (off,) = of_hub(results=results)
    assert (off.kind, off.what, off.amount, off.usual) == ("estimate", "tax", 400, 250)


def test_machines_stand_by_how_pressing_they_are() -> None:
    said = {who: told() for who in [d.id for d in SITE.devices] + [d.id for d in SITE.displays]}
    said |= {
        "gates": told(health={"disk_free_share": 0.1}),
        "cam": told(state=State(state="lost")),
        "desk": told(health={"under_voltage": True}),
    }
    found = units(SITE, CALENDAR, heard(told=said, results=NO_TAX), TEN)
    assert [unit.id for unit in found][:4] == ["cam", "desk", "gates", "hub"]
    assert len(found) == 1 + len(SITE.devices) + len(SITE.displays)


@pytest.mark.parametrize("wear", WORN)
def test_what_a_worn_camera_says_is_understood(wear: str) -> None:
    """tests/edge/test_eyes.py proves on each of these scenes that a camera says these words."""
    why, _ = WORN[wear]
    (found,) = troubles("cam", blind(why))
    assert found.kind == BLIND[why]
    assert set(found.missed) == {TAX, LOBBY}
    assert set(BLIND) == {why for why, _ in WORN.values()}
