"""What each thing tells, with a clock moved by hand: no value outlives its end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.codec import encode
from models.contract.results import Health, ServiceResult, State, ZoneResult
from models.site import parse
from signage.homeassistant.entities import things, words_of
from signage.homeassistant.telling import Telling
from signage.staff.watching import Watching
from tests.homeassistant.office import TEXT, office
from tests.signage.office import NOON, HandClock, Hub

SITE = office()
TELLING = Telling(SITE, words_of(SITE))


class Rig:
    """A hub that speaks, and what is told of it."""

    def __init__(self, telling: Telling = TELLING) -> None:
        self.telling = telling
        self.clock = HandClock()
        self.hub = Hub(SITE, self.clock)
        self.watching = Watching(self.hub.mirror)
        self.hub.busy()

    def told(self) -> dict[str, tuple[dict[str, Any], datetime | None]]:
        found = self.telling.told(self.watching.heard(), self.clock.now())
        return {thing.key: (dict(said.fields), said.ends) for thing, said in found}

    def service(self, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  of a result
        times = {"at": NOON, "observed_at": NOON, "valid_until": NOON + timedelta(seconds=90)}
        self.hub.say("service/moving", ServiceResult(**(times | fields)))
        return self.told()["service/moving"][0]


def test_each_field_that_is_shown_is_told_and_no_other() -> None:
    told = Rig().told()
    assert {thing.key for thing in things(SITE)} == set(told)
    for thing in things(SITE):
        assert list(told[thing.key][0]) == [shown.field for shown in thing.shown]


@given(after_s=st.integers(0, 600))
def test_no_value_is_told_after_its_end(after_s: int) -> None:
    rig = Rig()
    rig.clock.move(after_s)
    for key, (fields, ends) in rig.told().items():
        kind = key.partition("/")[0]
        known = {name: value for name, value in fields.items() if value is not None}
        if kind in ("service", "zone") and after_s >= 90:
            assert known == ({"state": "現在表示できません"} if kind == "service" else {})
        if kind in ("service", "zone", "lot") and known.keys() - {"state", "capacity"}:
            assert ends is not None
            assert rig.clock.now() < ends


def test_closed_holds_until_it_opens() -> None:
    opens_at = NOON + timedelta(hours=14)
    rig = Rig()
    fields = rig.service(state="closed", opens_at=opens_at, waiting=3)
    assert fields == dict.fromkeys(fields) | {"state": "受付時間外"}
    assert rig.told()["service/moving"][1] == opens_at
    rig.clock.move(14 * 3600)
    assert rig.told()["service/moving"][0]["state"] == "現在表示できません"


def test_paused_tells_no_wait() -> None:
    fields = Rig().service(state="paused", waiting=3, level=2)
    assert fields == dict.fromkeys(fields) | {"state": "休止中"}


def test_a_service_that_is_not_held_today_is_closed() -> None:
    later = parse(TEXT.replace("2026-11-24/2026-12-25", "2026-11-25/2026-12-25"))
    rig = Rig(Telling(later, words_of(later)))
    rig.hub.say("service/tax-return", None)
    rig.hub.say("service/moving", None)
    told = rig.told()
    assert told["service/tax-return"][0]["state"] == "受付時間外"
    assert told["service/moving"][0]["state"] == "現在表示できません"


@pytest.mark.parametrize("over", [True, False, None])
def test_too_many_people_are_a_problem(over: bool | None) -> None:  # noqa: FBT001
    rig = Rig()
    said = ZoneResult(
        at=NOON,
        observed_at=NOON,
        valid_until=NOON + timedelta(seconds=90),
        state="open",
        people=61,
        over=over,
    )
    rig.hub.say("zone/lobby", said)
    assert rig.told()["zone/lobby"][0] == {"people": 61, "over": over}


@pytest.mark.parametrize(
    ("age_s", "outbox"), [(0, 4), (179, 4), (181, None)], ids=["new", "in its minute", "old"]
)
def test_how_a_machine_felt_long_ago_is_not_told(age_s: int, outbox: int | None) -> None:
    rig = Rig()
    said = NOON - timedelta(seconds=age_s)
    base = "machiai/v1/minami/desk"
    state, health = State(state="ready", at=NOON), Health(at=said, outbox=4)
    rig.hub.mirror.apply(f"{base}/state", encode(state), retain=True)
    rig.hub.mirror.apply(f"{base}/health", encode(health), retain=True)
    fields = rig.told()["device/desk"][0]
    assert fields["connected"] is True
    assert fields["outbox"] == outbox
