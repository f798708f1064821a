"""What a facility's Home Assistant is told over a real broker, and for how long it holds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.contract.results import Health, LotResult, ServiceResult, Spread, State
from models.site import HomeAssistantBroker, Site
from signage.homeassistant.adapter import lasts_s
from tests.conftest import Mosquitto
from tests.homeassistant.office import EXAMPLE, TEXT, Facility, listening, office, telling
from tests.journey.conftest import Office
from tests.signage.office import HandClock

HOLDS_S = 30
"""As the example office's freshness has it."""


@pytest.fixture
def site() -> Site:
    return office()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def facility(mosquitto: Mosquitto, site: Site, clock: HandClock) -> AsyncIterator[Facility]:
    """A hub that is ready, and what tells of it."""
    async with listening(mosquitto, site) as made, telling(mosquitto, site, clock):
        made.say("state", State(state="ready", at=clock.now()))
        await made.until(lambda: made.last("hub") == "offline")
        clock.move(2)  # the adapter waits for what stands at the broker
        await made.until(lambda: made.last("hub") == "online")
        yield made


def moving(clock: HandClock, holds_s: float = 90, waiting: int = 8) -> ServiceResult:
    return ServiceResult(
        at=clock.now(),
        observed_at=clock.now(),
        valid_until=clock.now() + timedelta(seconds=holds_s),
        state="open",
        level=2,
        waiting=waiting,
        counters_open=2,
        wait=Spread(p10_s=840, p50_s=1140, p90_s=1620),
        basis="tickets",
    )


def waiting(told: Any) -> int | None:  # noqa: ANN401  an object, or nothing yet
    return None if told is None else told["waiting"]


async def a_turn(facility: Facility) -> None:
    """Wait until all things were looked at once more: the last of them is told of again."""
    said = len(facility.told.get("display/guide-1", []))
    await facility.until(lambda: len(facility.told["display/guide-1"]) > said)


async def test_a_result_is_told_with_all_that_it_says(facility: Facility, clock: HandClock) -> None:
    facility.say("service/moving", moving(clock))
    await facility.until(lambda: waiting(facility.last("service/moving")) == 8)
    assert facility.last("service/moving") == {
        "state": "受付中",
        "level": "やや混雑",
        "waiting": 8,
        "wait": 19.0,
        "wait_p10": 14.0,
        "wait_p90": 27.0,
        "counters_open": 2,
    }


async def test_what_is_told_is_over_by_home_assistants_own_timer_in_time(
    facility: Facility, clock: HandClock
) -> None:
    told = facility.told.setdefault("service/moving", [])
    facility.say("service/moving", moving(clock))
    await facility.until(lambda: waiting(facility.last("service/moving")) == 8)
    clock.move(55)
    await facility.until(lambda: [waiting(one) for one in told].count(8) == 2)
    clock.move(10)  # 25 s are left, and Home Assistant would show it for 30
    await a_turn(facility)
    assert [waiting(one) for one in told].count(8) == 2, "that would be shown past its end"
    clock.move(25)
    await facility.until(lambda: waiting(told[-1]) is None)
    assert told[-1]["state"] == "現在表示できません"


async def test_what_comes_too_late_to_be_shown_takes_away_what_was(
    facility: Facility, clock: HandClock
) -> None:
    facility.say("service/moving", moving(clock))
    await facility.until(lambda: waiting(facility.last("service/moving")) == 8)
    facility.say("service/moving", moving(clock, holds_s=HOLDS_S - 5, waiting=9))
    await facility.until(lambda: waiting(facility.last("service/moving")) is None)
    assert 9 not in [waiting(one) for one in facility.told["service/moving"]]
    assert set(facility.last("service/moving").values()) == {None}


async def test_no_value_is_retained(facility: Facility, site: Site, mosquitto: Mosquitto) -> None:
    await facility.until(lambda: "display/guide-1" in facility.told)
    async with listening(mosquitto, site) as later:
        await later.until(lambda: len(later.configs) == len(facility.configs))
        await later.until(lambda: {"here", "hub"} <= set(later.told))
        assert {topic.rpartition("/")[2] for topic in later.retained} == {"config", "here", "hub"}


async def test_a_dead_hub_is_told_at_once(facility: Facility, clock: HandClock) -> None:
    facility.say("service/moving", moving(clock))
    await facility.until(lambda: waiting(facility.last("service/moving")) == 8)
    facility.say("state", State(state="lost"))
    await facility.until(lambda: facility.last("hub") == "offline")
    await facility.until(lambda: facility.last("office")["hub"] is False)
    assert facility.last("here") == "online", "devices can still be heard"


async def test_a_machine_is_told_while_it_is_there(facility: Facility, clock: HandClock) -> None:
    facility.device("desk", "state", State(state="ready", at=clock.now()))
    feels = Health(
        at=clock.now(),
        temperature_c=51.24,
        under_voltage=False,
        disk_free_share=0.618,
        outbox=3,
        clock_synchronised=True,
        certificate_days=211,
    )
    facility.device("desk", "health", feels)
    await facility.until(lambda: (facility.last("device/desk") or {}).get("outbox") == 3)
    assert facility.last("device/desk") == {
        "connected": True,
        "trouble": False,
        "temperature": 51.2,
        "under_voltage": False,
        "disk_free": 62,
        "outbox": 3,
        "clock_unset": False,
        "certificate": 211,
    }
    facility.device("desk", "state", State(state="lost"))
    await facility.until(lambda: facility.last("device/desk")["connected"] is False)
    assert facility.last("device/desk")["trouble"] is True
    assert facility.last("device/desk")["temperature"] is None, "nobody knows how it feels"


async def test_a_full_car_park_is_told(facility: Facility, clock: HandClock) -> None:
    facility.say(
        "lot/front",
        LotResult(
            at=clock.now(),
            observed_at=clock.now(),
            valid_until=clock.now() + timedelta(seconds=300),
            state="open",
            vacancy="full",
            capacity=40,
        ),
    )
    await facility.until(lambda: (facility.last("lot/front") or {}).get("full") is True)
    assert facility.last("lot/front") == {
        "vacancy": "満車",
        "free": None,
        "full": True,
        "capacity": 40,
        "accessible_free": None,
    }


async def test_all_is_told_again_when_home_assistant_starts(facility: Facility) -> None:
    await facility.until(lambda: "display/guide-1" in facility.told)
    facility.publish("homeassistant/status", b"online")
    await a_turn(facility)  # no time has passed on our clock: else nothing would be said again


async def test_what_the_site_file_has_no_more_is_taken_away(
    mosquitto: Mosquitto, site: Site, clock: HandClock
) -> None:
    fewer = msgspec.structs.replace(site, services=site.services[:-1])
    others = "homeassistant/sensor/other/service_tax-return/config"
    gone = "homeassistant/sensor/machiai-minami/service_tax-return_waiting/config"
    async with listening(mosquitto, site) as facility:
        async with telling(mosquitto, site, clock):
            await facility.until(lambda: gone in facility.configs)
        facility.publish(others, b"{}", retain=True)
        await facility.until(lambda: others in facility.configs)
        before = len(facility.configs)
        async with telling(mosquitto, fewer, clock):
            await facility.until(lambda: gone not in facility.configs)
            await facility.until(lambda: len(facility.configs) == before - 7)
    assert others in facility.configs


@pytest.fixture
def processes(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    made = Office(mosquitto, tmp_path)
    yield made
    made.end()


async def test_a_dead_adapter_is_told_by_the_broker_and_a_removed_one_leaves_nothing(
    mosquitto: Mosquitto, site: Site, processes: Office, tmp_path: Path
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(TEXT.replace('guide = "example-guide.toml"\n', ""), "utf-8")
    async with listening(mosquitto, site) as facility:
        process = processes.process("homeassistant", str(file))
        await facility.until(lambda: facility.last("here") == "online", 60)
        process.kill()
        await facility.until(lambda: facility.last("here") == "offline")
        assert facility.configs
        removing = processes.process("homeassistant", str(file), "--remove")
        await facility.until(lambda: not facility.configs, 60)
        assert await asyncio.to_thread(removing.kill, 0) == 0, "it ends by itself"
    async with listening(mosquitto, site) as later:
        later.publish("homeassistant/status", b"sentinel")
        await later.until(lambda: "homeassistant/status" in later.told)
        assert not later.retained


def test_without_the_table_it_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    import machiai  # noqa: PLC0415  it sets the environment of a process

    assert machiai.main(["homeassistant", str(EXAMPLE)]) == 78
    said = "machiai: want a table [homeassistant], got none - at `$.homeassistant`\n"
    assert capfd.readouterr().err == said


async def test_a_broker_of_its_own_gets_all_and_gives_nothing(
    mosquitto: Mosquitto, site: Site, clock: HandClock, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "password").write_text("secret\n", "utf-8")
    theirs = Mosquitto(mosquitto._program, tmp_path / "theirs")
    try:
        theirs.start()
        broker = HomeAssistantBroker(
            host=theirs.host,
            port=theirs.port,
            user="machiai",
            password_file=str(tmp_path / "password"),
        )
        assert site.homeassistant is not None
        table = msgspec.structs.replace(site.homeassistant, broker=broker)
        apart = msgspec.structs.replace(site, homeassistant=table)
        async with (
            listening(mosquitto, site) as ours,
            listening(theirs, site) as facility,
            telling(mosquitto, apart, clock),
        ):
            ours.say("state", State(state="ready", at=clock.now()))
            ours.say("service/moving", moving(clock))
            await facility.until(lambda: facility.last("here") == "offline")
            clock.move(2)
            await facility.until(lambda: waiting(facility.last("service/moving")) == 8)
            assert facility.last("hub") == "online"
            mosquitto.kill()
            await facility.until(lambda: facility.last("here") == "offline")
            assert not ours.configs
    finally:
        theirs.kill()


@pytest.mark.parametrize(
    ("freshness", "speed", "holds_s"),
    [("", 1, 30), ("[freshness]\ncamera_s = 20\n", 1, 6), ("", 10, 3), ("", 60, 1)],
    ids=["as it comes", "a site that is fast to forget", "ten times as fast", "faster than that"],
)
def test_a_message_holds_for_a_third_of_the_shortest_freshness(
    freshness: str, speed: float, holds_s: int
) -> None:
    assert lasts_s(office(freshness), speed) == holds_s
