import asyncio
import os
import tty
from datetime import UTC, datetime, timedelta

import pytest

from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Reading, Ticket
from models.errors import BadSite, SensorFailed
from tests.edge.recording import Emitted, Recording, example, made, office, running, sensors

DESK = next(sensor["pattern"] for d in example().devices if d.id == "desk" for sensor in d.sensors)
MACHINE = {
    "kind": "ticket",
    "pattern": DESK,
    "services": {"A": "certificates", "B": "moving"},
    "events": {"ISSUE": "issued", "CALL": "called"},
    "counters": {"1": "c1"},
    "number": "{service}{number:>03}",
}
LISTENER = made(source="listen://127.0.0.1:0", **MACHINE)
LISTENER6 = made(source="listen://[::1]:0", **MACHINE)
START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def line(i: int) -> bytes:
    at = START + timedelta(seconds=i, hours=9)  # the machine prints the time of Tokyo
    event, counter = ("CALL", "1") if i % 2 else ("ISSUE", "-")
    return f"{at:%Y-%m-%d %H:%M:%S} {event} {'AB'[i % 3 == 0]} {i % 1000} {counter}\n".encode()


def seen(i: int) -> Emitted:
    ticket = Ticket(
        number=f"{'AB'[i % 3 == 0]}{i % 1000:03}",
        event="called" if i % 2 else "issued",
        counter="c1" if i % 2 else None,
    )
    service = "moving" if i % 3 == 0 else "certificates"
    return Emitted(service, ticket, START + timedelta(seconds=i))


def port_of(basis: str) -> int:
    return int(basis.rsplit(maxsplit=1)[-1])


@pytest.mark.parametrize(("host", "sensor"), [("127.0.0.1", LISTENER), ("::1", LISTENER6)])
async def test_lines_of_a_machine_that_connects_to_us_come_out_in_order(
    host: str, sensor: Sensor
) -> None:
    port = Recording()
    assert sensor.outputs() == [Output("ticket", "certificates"), Output("ticket", "moving")]
    async with running(sensor, port) as basis:
        for first in (0, 300):  # it may come again
            _, writer = await asyncio.open_connection(host, port_of(basis))
            writer.write(b"".join(line(i) for i in range(first, first + 300)))
            writer.close()
            assert await port.take(300) == [seen(i) for i in range(first, first + 300)]
    assert not port.refused


async def test_broken_lines_are_counted_by_reason_and_never_stop_the_next() -> None:
    port = Recording()
    broken = [b"\xff\xfe\n", b"x" * 70_000 + b"\n", b"Yamada Taro\n", b"\r\n"]
    async with running(LISTENER, port) as basis:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(basis))
        for i, junk in enumerate(broken):
            writer.write(junk + line(i))
        writer.write(b"2026-11-24 10:00:00 CALL A 1")  # cut in the middle
        writer.close()
        assert await port.take(4) == [seen(i) for i in range(4)]
        for _ in range(4):
            await port.refusal()
    assert port.refused == {
        "want utf-8, got other bytes": 1,
        "want a line of at most 1000 bytes, got a longer one": 1,
        "want a line that fits the pattern, got another": 1,
        "want a line to its end, got the end of the connection": 1,
    }


class Slow(Recording):
    """A port whose disk takes a turn of the loop for each line."""

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        await asyncio.sleep(0)
        self.emitted.put_nowait(Emitted(name, reading, at))


async def test_a_machine_that_floods_loses_nothing() -> None:
    count = 20_000
    port = Slow()
    async with running(LISTENER, port) as basis:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(basis))

        async def flood() -> None:
            for i in range(count):
                writer.write(line(i))
                if i % 100 == 0:
                    await writer.drain()
            writer.close()

        flooding = asyncio.create_task(flood())
        assert await port.take(count) == [seen(i) for i in range(count)]
        await flooding


async def test_a_machine_that_we_connect_to_is_read_and_its_end_is_a_failure() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line(1) + line(2))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    sensor = await asyncio.to_thread(made, source=f"tcp://127.0.0.1:{number}", **MACHINE)
    port = Recording()
    async with server:
        with pytest.raises(SensorFailed) as failed:
            await sensor.run(port)
    assert str(failed.value) == (
        f"want lines from tcp://127.0.0.1:{number}, got the end of the connection"
    )
    assert await port.take(2) == [seen(1), seen(2)]
    with pytest.raises(SensorFailed, match=rf"^want lines from tcp://127.0.0.1:{number}, got: "):
        await sensor.run(port)


async def test_lines_come_over_a_serial_port_until_it_is_unplugged() -> None:
    machine, pi = os.openpty()
    tty.setraw(pi)
    name = os.ttyname(pi)
    port = Recording()
    settings = {**MACHINE, "source": f"serial://{name}?baud=19200"}
    sensor = await asyncio.to_thread(lambda: made(**settings))
    task = asyncio.create_task(sensor.run(port))
    async with asyncio.timeout(20):
        assert await port.described.get() == f"lines from serial://{name}?baud=19200"
    os.write(machine, b"noise" + line(7) + line(8))
    assert await port.refusal() == "want a line that fits the pattern, got another"
    assert await port.take(1) == [seen(8)]
    os.close(machine)
    with pytest.raises(SensorFailed, match=r"got the end of the connection$"):
        await task
    os.close(pi)


async def test_a_serial_port_that_is_not_there_is_one_clear_line() -> None:
    settings = {**MACHINE, "source": "serial:///dev/no-such-port"}
    sensor = await asyncio.to_thread(lambda: made(**settings))
    with pytest.raises(SensorFailed, match=r"^want lines from serial:///dev/no-such-port, got: .+"):
        await sensor.run(Recording())


async def test_an_address_that_is_taken_is_one_clear_line() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    sensor = await asyncio.to_thread(made, source=f"listen://127.0.0.1:{number}", **MACHINE)
    async with server:
        with pytest.raises(SensorFailed, match=r"^want to listen at listen://127\.0\.0\.1"):
            await sensor.run(Recording())


async def test_only_so_many_machines_are_served() -> None:
    port = Recording()
    async with running(LISTENER, port) as basis:
        writers = []
        for i in range(8):
            writers.append((await asyncio.open_connection("127.0.0.1", port_of(basis)))[1])
            writers[-1].write(line(i))
        await port.take(8)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(basis))
        assert await reader.read() == b""
        assert await port.refusal() == "want at most 8 connections, got another"
        for other in (writer, *writers[1:]):
            other.close()
        writers[0].write(line(8))
        assert await port.take(1) == [seen(8)]
        writers[0].close()


class Broken(Recording):
    """A port whose disk is gone."""

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        raise SensorFailed(f"want a disk for {name}, got none, with {reading} of {at}")


async def test_what_a_port_raises_reaches_the_agent_as_it_is() -> None:
    port = Broken()
    task = asyncio.create_task(LISTENER.run(port))
    basis = await port.described.get()
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(basis))
    writer.write(line(1))
    with pytest.raises(SensorFailed, match="want a disk for certificates"):
        await task
    writer.close()


def test_the_example_office_reads_its_machine_from_a_serial_port() -> None:
    (desk,) = sensors("desk")
    assert [output.name for output in desk.outputs()] == [
        "certificates",
        "moving",
        "insurance",
        "mynumber",
    ]


SOURCE = "serial:///dev/..., tcp://host:port or listen://address:port"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "("}, "want a regular expression, got missing ), unterminated subpattern at"),
        ({"services": {"A": "x"}}, "want one of `services`, got 'x' - at `{}.services.A`"),
        ({"service": "x"}, "want one of `services`, got 'x' - at `{}.service`"),
        ({"counters": {"1": "x"}}, "want one of `counters`, got 'x' - at `{}.counters.1`"),
        ({"events": {"X": "lost"}}, "Invalid enum value 'lost' - at `{}.events[...]`"),
        ({"encoding": "klingon"}, "Invalid enum value 'klingon' - at `{}.encoding`"),
        ({"source": "tcp://h"}, f"want {SOURCE}, got 'tcp://h' - at `{{}}.source`"),
        ({"source": "http://h:1"}, f"want {SOURCE}, got 'http://h:1' - at `{{}}.source`"),
        (
            {"source": "tcp://h:70000"},
            "want a source, got 'tcp://h:70000': Port out of range 0-65535 - at `{}.source`",
        ),
        (
            {"source": "serial:///dev/x?baud=fast"},
            "want a source, got 'serial:///dev/x?baud=fast': Expected `int`, got `str` as `baud`",
        ),
    ],
)
def test_a_machine_that_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str
) -> None:
    site = office({"source": "tcp://h:1", **MACHINE, **settings})
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    path = f"$.devices[{len(site.devices) - 1}].sensors[0]"
    assert str(refused.value).startswith(message.format(path))
    assert f" - at `{path}.{next(iter(settings))}" in str(refused.value)
