"""The sensor that hears devices of other makes, over a real broker."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from broker.clock import Clock, starting_at
from broker.hub.history.sqlite import from_milliseconds
from broker.session import Address, Session
from edge.agent import Agent
from edge.sensors import Output, Sensor, sensors_of
from models.contract.codec import decode_reading
from models.contract.observations import Gap, People, Press
from models.contract.results import Health
from models.errors import BadSite, Missing, SensorFailed, Unavailable
from models.site import Device
from tests.broker.rig import SITE, hub_at, journalled, until
from tests.conftest import Mosquitto
from tests.edge.recording import PATIENCE_S, Recording, example, made, office, running

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
PRESSED = b'{"action":"single"}'
THERE, SAYS = "zigbee2mqtt/bridge/state", "zigbee2mqtt/desk"


def port_at(speed: float = 20.0) -> Recording:
    """A port whose clock asks no disk whether it is right."""
    return Recording(starting_at(TEN, speed))


async def device(mosquitto: Mosquitto, **settings: object) -> Sensor:
    url = f"mqtt://{mosquitto.host}:{mosquitto.port}"
    return await asyncio.to_thread(lambda: made(kind="mqtt", broker=url, **settings))


@asynccontextmanager
async def speaking(mosquitto: Mosquitto) -> AsyncIterator[Session]:
    """What speaks as devices of other makes do."""
    up = asyncio.Event()
    session = Session(
        Address(host=mosquitto.host, port=mosquitto.port),
        "other",
        on_message=lambda *_: None,
        on_connection=lambda _: up.set(),
    )
    task = asyncio.create_task(session.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await up.wait()
        yield session
        await session.flush()
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def at_work(sensor: Sensor, port: Recording) -> AsyncIterator[asyncio.Task[None]]:
    """The sensor at work, though it may have nothing to say yet."""
    task = asyncio.create_task(sensor.run(port))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def say(session: Session, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Say it, and wait until the broker has it."""
    assert session.publish(topic, payload, retain=retain)
    await session.flush(PATIENCE_S)


@pytest.mark.broker
async def test_a_press_is_told_and_one_that_the_broker_kept_is_not(mosquitto: Mosquitto) -> None:
    button = await device(mosquitto, profile="zigbee2mqtt", source="desk", button="next-c6")
    assert button.outputs() == [Output("press", "next-c6")]
    port = port_at()
    async with speaking(mosquitto) as other:
        await say(other, SAYS, PRESSED, retain=True)
        await say(other, THERE, b"online", retain=True)
        for _ in range(2):  # and not again when it is started again
            async with running(button, port) as basis:
                assert basis == "Zigbee2MQTT desk"
                assert await port.refusal() == "want what is said now, got a retained message"
                await say(other, SAYS, PRESSED)
                assert (await port.take(1))[0].reading == Press(gesture="short")
    assert port.emitted.empty()


@pytest.mark.broker
async def test_a_count_holds_while_its_device_is_there_and_no_longer(mosquitto: Mosquitto) -> None:
    camera = await device(mosquitto, profile="frigate", source="hall", zone="lobby")
    port = port_at(200)
    async with speaking(mosquitto) as frigate:
        await say(frigate, "frigate/hall/person", b"7", retain=True)  # of unknown age
        await say(frigate, "frigate/available", b"online", retain=True)
        async with at_work(camera, port) as task:
            await port.described.get()
            await say(frigate, "frigate/hall/person", b"3")
            assert {one.reading for one in await port.take(4)} == {People(count=3)}
            await say(frigate, "frigate/available", b"offline", retain=True)
            with pytest.raises(SensorFailed) as failed:
                await asyncio.wait_for(task, PATIENCE_S)
        assert str(failed.value) == "want hall online, got offline - on frigate/available"


@pytest.mark.broker
async def test_a_device_that_is_gone_is_waited_for_and_what_it_said_holds_no_more(
    mosquitto: Mosquitto,
) -> None:
    camera = await device(mosquitto, profile="frigate", source="hall", zone="lobby")
    port = port_at(200)
    async with speaking(mosquitto) as frigate:
        await say(frigate, "frigate/available", b"offline", retain=True)
        with pytest.raises(SensorFailed):
            await camera.run(port)
        async with at_work(camera, port):
            await say(frigate, "frigate/available", b"online", retain=True)
            async with asyncio.timeout(PATIENCE_S):
                assert await port.described.get() == "Frigate hall"
            await say(frigate, "frigate/hall/person", b"5")
            assert {one.reading for one in await port.take(3)} == {People(count=5)}
            await say(frigate, "frigate/available", b"online", retain=True)  # it has begun anew
            await say(frigate, "frigate/hall/person", b"2")
            while (await port.take(1))[0].reading == People(count=5):
                pass
            assert {one.reading for one in await port.take(3)} == {People(count=2)}


@pytest.mark.broker
async def test_one_that_is_gone_for_long_says_so_again_for_its_gap_grows(
    mosquitto: Mosquitto,
) -> None:
    button = await device(mosquitto, profile="zigbee2mqtt", source="desk", button="next-c6")
    port = port_at(1000)
    async with speaking(mosquitto) as other:
        await say(other, THERE, b'{"state":"offline"}', retain=True)
        lasted_s = []
        for _ in range(3):
            begun = port.clock.now()
            with pytest.raises(SensorFailed):
                async with asyncio.timeout(PATIENCE_S):
                    await button.run(port)
            lasted_s.append((port.clock.now() - begun).total_seconds())
    assert lasted_s[1] >= 150
    assert lasted_s[2] >= 300, "each time after twice as long"


@pytest.mark.broker
async def test_a_battery_button_that_is_said_to_be_gone_wakes_up_and_is_heard(
    mosquitto: Mosquitto,
) -> None:
    button = await device(mosquitto, profile="zigbee2mqtt", source="desk", button="next-c6")
    port = port_at()
    async with speaking(mosquitto) as other:
        await say(other, "zigbee2mqtt/desk/availability", b"offline", retain=True)
        with pytest.raises(SensorFailed):
            await button.run(port)
        async with at_work(button, port):
            async with asyncio.timeout(PATIENCE_S):
                while port.emitted.empty():  # until it hears
                    await say(other, SAYS, PRESSED)
            assert (await port.take(1))[0].reading == Press(gesture="short")


@pytest.mark.broker
async def test_a_count_goes_with_the_life_of_its_device_where_that_is_told(
    mosquitto: Mosquitto,
) -> None:
    camera = await device(mosquitto, profile="frigate", source="hall", zone="lobby")
    port = port_at(200)
    async with speaking(mosquitto) as frigate, running(camera, port):
        await say(frigate, "frigate/stats", b'{"detection_fps":5.1}')
        await say(frigate, "frigate/available", b"online", retain=True)
        await say(frigate, "frigate/hall/person", b"3")
        await port.take(1)
        begun = port.clock.now()
        while port.clock.now() - begun < timedelta(seconds=120):  # it hangs: nothing is told
            await port.clock.sleep(10)
        assert port.emitted.empty()
        await say(frigate, "frigate/stats", b'{"detection_fps":5.1}')
        assert (await port.take(1))[0].reading == People(count=3)


@pytest.mark.broker
async def test_a_count_of_a_device_of_which_nobody_says_that_it_is_there_is_told_once(
    mosquitto: Mosquitto,
) -> None:
    counter = await device(mosquitto, topic="hall/people", value="/people/now", zone="lobby")
    port = port_at(200)
    async with speaking(mosquitto) as other, running(counter, port) as basis:
        assert basis == "MQTT hall/people"
        await say(other, "hall/people", b'{"people":{"now":4}}')
        assert (await port.take(1))[0].reading == People(count=4)
        begun = port.clock.now()
        while port.clock.now() - begun < timedelta(seconds=120):
            await port.clock.sleep(10)
        assert port.emitted.empty()


@pytest.mark.broker
async def test_hostile_messages_are_counted_and_what_follows_is_heard(mosquitto: Mosquitto) -> None:
    button = await device(
        mosquitto, profile="zigbee2mqtt", source="desk", button="next-c6", bounce_ms=0
    )
    port = port_at()
    hostile = [b"\xff", b"[" * 50_000, b"x" * 70_000, b'{"action":NaN}', b'{"action":[1]}']
    async with speaking(mosquitto) as other, running(button, port):
        for payload in hostile:
            await say(other, SAYS, payload)
        await say(other, THERE, b"perhaps")
        await say(other, "zigbee2mqtt/desk/set", PRESSED)
        await say(other, "zigbee2mqtt/other", PRESSED)
        await say(other, SAYS, PRESSED)
        assert (await port.take(1))[0].reading == Press(gesture="short")
    assert sum(port.refused.values()) == len(hostile) + 1
    assert port.emitted.empty()


@pytest.mark.broker
async def test_a_broker_that_is_lost_is_a_failure_of_the_sensor(mosquitto: Mosquitto) -> None:
    button = await device(mosquitto, profile="zigbee2mqtt", source="desk", button="next-c6")
    port = port_at()
    async with at_work(button, port) as task:
        await port.described.get()
        await asyncio.to_thread(mosquitto.kill)
        with pytest.raises(Unavailable, match="lost the broker"):
            await asyncio.wait_for(task, PATIENCE_S)
    with pytest.raises(Unavailable, match="want a broker at "):
        await button.run(port_at())


def _locked(mosquitto: Mosquitto, folder: Path, password: str) -> None:
    """Let nobody in without this password."""
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed: apt-get install mosquitto")
    passwords = folder / "passwords"
    subprocess.run([program, "-b", "-c", str(passwords), "machiai", password], check=True)
    mosquitto.kill()
    told = mosquitto.config.read_text(encoding="utf-8")
    locked = f"allow_anonymous false\npassword_file {passwords}"
    mosquitto.config.write_text(told.replace("allow_anonymous true", locked), encoding="utf-8")
    mosquitto.start()


@pytest.mark.broker
async def test_it_logs_in_with_the_password_in_a_file(mosquitto: Mosquitto, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    await asyncio.to_thread(_locked, mosquitto, tmp_path, "right")
    settings = {"topic": "a", "button": "next-c6", "user": "machiai", "password_file": str(secret)}
    button = await device(mosquitto, **settings)
    with pytest.raises(Missing, match="want a secret, got"):
        await button.run(port_at())
    await asyncio.to_thread(secret.write_text, "wrong\n", encoding="utf-8")
    with pytest.raises(Unavailable, match="refuses machiai-"):
        await button.run(port_at())
    await asyncio.to_thread(secret.write_text, "right\n", encoding="utf-8")
    async with running(button, port_at()) as basis:
        assert basis == "MQTT a"


@pytest.mark.broker
async def test_events_of_a_device_that_was_gone_are_a_gap_and_an_alert(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address = Address(host=mosquitto.host, port=mosquitto.port)
    there, says = "tele/barrier/LWT", "stat/barrier/POWER"
    table = {
        "kind": "mqtt",
        "profile": "tasmota",
        "source": "barrier",
        "gate": "gate",
        "direction": "in",
        "broker": f"mqtt://{address}",
    }
    pi = Device(id="pi", sensors=(table,))
    site = msgspec.structs.replace(SITE, devices=(pi,))
    agent = await asyncio.to_thread(
        lambda: Agent(
            site,
            pi,
            sensors_of(site, pi),
            clock=starting_at(Clock().now(), 1),
            address=address,
            folder=tmp_path / "pi",
        )
    )
    async with hub_at(address, tmp_path / "hub"), speaking(mosquitto) as barrier:
        await say(barrier, there, b"Online", retain=True)
        task = asyncio.create_task(agent.run())
        try:
            await until(lambda: _is(agent, "the sensor is there", basis=True))
            await say(barrier, says, b"\xff")
            await say(barrier, says, b"ON")
            await say(barrier, there, b"Offline", retain=True)
            await until(
                lambda: _is(agent, "want barrier online, got offline - on tele/barrier/LWT")
            )
            await say(barrier, there, b"Online", retain=True)
            await until(lambda: _is(agent, ""))
            await say(barrier, says, b"ON")
            await until(lambda: _drained(agent, pulses=2))
            assert agent.health(Health(at=None)).refused == {"want UTF-8, got other bytes": 1}
        finally:
            task.cancel()
            await asyncio.wait([task])
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    kinds = [record.kind for record in records if record.kind != "beat"]
    assert kinds == ["pulse", "gap", "gap", "pulse"]
    record = [record for record in records if record.kind == "gap"][-1]
    gap = decode_reading("gap", record.payload)
    assert isinstance(gap, Gap)
    assert record.name == "gate"
    assert gap.since is not None
    assert gap.since < from_milliseconds(record.at_ms)


async def _is(agent: Agent, why: str, *, basis: bool = False) -> bool:
    if basis:
        return any(port._basis for port in agent._ports)
    return agent.alert.why == why


async def _drained(agent: Agent, pulses: int) -> bool:
    depth = await asyncio.to_thread(agent._presence.outbox.depth)
    return depth == 0 and agent._presence.outbox.last >= pulses


# ── the site file ─────────────────────────────────────────────────────────────────────────────────

BUTTON = {"kind": "mqtt", "broker": "mqtt://h", "button": "next-c6"}
DESK = BUTTON | {"profile": "zigbee2mqtt", "source": "desk"}
MINE = {"kind": "mqtt", "topic": "a/b", "button": "next-c6"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (BUTTON, "want a `profile` or a `topic`, got neither - at `{}.topic`"),
        (
            BUTTON | {"profile": "hue"},
            (
                "want a profile of zigbee2mqtt, tasmota, shelly, esphome, frigate, got 'hue'"
                " - at `{}.profile`"
            ),
        ),
        (
            BUTTON | {"profile": "tasmota"},
            "want the name that it has in its topics, got none - at `{}.source`",
        ),
        (
            BUTTON | {"profile": "esphome", "source": "a"},
            "want which part of a, got none - at `{}.part`",
        ),
        (
            BUTTON | {"profile": "frigate", "source": "a"},
            "want zone, lot of Frigate - at `{}.button`",
        ),
        (DESK | {"topic": "a"}, "want it without a profile only - at `{}.topic`"),
        (DESK | {"total": True}, "want it without a profile only - at `{}.total`"),
        (BUTTON | {"topic": "a", "source": "b"}, "want it with a profile only - at `{}.source`"),
        (
            DESK | {"counter": "c1"},
            "want one of button, counter, gate, line, zone, lot, got button and counter - at `{}`",
        ),
        (DESK | {"button": "nobody"}, "want one of `buttons`, got 'nobody' - at `{}.button`"),
        (
            DESK | {"direction": "in"},
            "want a direction of a gate or a line only - at `{}.direction`",
        ),
        (DESK | {"seen": 4}, "want places of a lot only - at `{}.seen`"),
        (
            {"kind": "mqtt", "broker": "mqtt://h", "gate": "front-in", "topic": "a"},
            "want `in` or `out`, got none - at `{}.direction`",
        ),
        (DESK | {"words": {"a": "b"}}, "Invalid enum value 'b' - at `{}.words[...]`"),
        (BUTTON | {"topic": "a", "value": "("}, None),
        (
            BUTTON | {"topic": "zigbee2mqtt/+"},
            "want one topic, without + and #, got 'zigbee2mqtt/+' - at `{}.topic`",
        ),
        (BUTTON | {"topic": "zigbee2mqtt/#"}, None),
        (BUTTON | {"topic": "$SYS/broker"}, None),
        (DESK | {"source": "a/#"}, None),
        (DESK | {"part": "a/b"}, None),
        (
            DESK | {"available": ["a", "+"]},
            "want one topic, without + and #, got '+' - at `{}.available[1]`",
        ),
        (DESK | {"bounce_ms": -1}, "Expected `int` >= 0 - at `{}.bounce_ms`"),
        (
            DESK | {"broker": "http://h"},
            (
                "want mqtt://host or mqtts://host, with a port or without, got 'http://h'"
                " - at `{}.broker`"
            ),
        ),
        (DESK | {"broker": "mqtt://a:b@h"}, None),
        (
            DESK | {"broker": "mqtts://h"},
            "want whom to trust with mqtts://, and only there - at `{}.ca`",
        ),
        (DESK | {"password_file": "/p"}, "want the `user` whose password it is - at `{}.user`"),
        (DESK | {"cert": "/c"}, "want both of cert, key, with mqtts:// - at `{}.cert`"),
        (
            MINE,
            (
                "want a name of its own at the office's broker: two under one name throw each other"
                " out - at `{}.client`"
            ),
        ),
        (
            MINE | {"client": "b", "user": "b"},
            "want it with a `broker` of its own only - at `{}.user`",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str | None
) -> None:
    site = office(settings)
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    path = f"$.devices[{len(example().devices)}].sensors[0]"
    assert path in str(refused.value)
    if message is not None:
        assert str(refused.value) == message.format(path)
