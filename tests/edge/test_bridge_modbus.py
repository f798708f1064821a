"""The sensor that reads contacts of a module on the network, against pymodbus' own server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.clock import starting_at
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Counter, Crossing, Press, Pulse
from models.errors import BadSite, SensorFailed
from tests.edge.recording import Recording, example, made, office, running

pytest.importorskip("pymodbus", reason="pymodbus is not installed: pip install 'machiai[modbus]'")

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
IN = Pulse(direction="in")
GATE = {"kind": "input", "address": 0, "gate": "front-in", "direction": "in"}
DOOR = {"kind": "coil", "address": 0, "counter": "c1"}
BELL = {"kind": "input", "address": 1, "button": "next-c6"}
PEOPLE = {"kind": "counter", "address": 0, "line": "entrance", "direction": "out"}


class Module:
    """A module with two contacts, a coil and a counter of two registers. `looks` counts polls."""

    def __init__(self) -> None:
        self.contacts = [False, False]
        self.coils = [False]
        self.total = 0
        self.is_broken = False
        self.looks = 0
        self._news = asyncio.Event()

    async def answer(
        self,
        code: int,
        _start: int,
        _address: int,
        _count: int,
        registers: list[int],
        _values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if self.is_broken:
            return ExcCodes.DEVICE_FAILURE
        at = {1: self.coils, 2: self.contacts}.get(code)
        if at is None:
            registers[:2] = [self.total >> 16, self.total & 0xFFFF]
        else:
            registers[0] = sum(on << i for i, on in enumerate(at))
        self.looks += 1
        self._news.set()
        return None

    async def looked(self, times: int = 2) -> None:
        """Wait until it has been polled with what it says now."""
        until = self.looks + times
        async with asyncio.timeout(20):
            while self.looks < until:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def served(module: Module) -> AsyncIterator[tuple[ModbusTcpServer, int]]:
    bits = [SimData(0, count=2, values=False, datatype=DataType.BITS)]
    words = [SimData(0, count=2, values=0, datatype=DataType.REGISTERS)]
    device = SimDevice(1, (bits, bits, words, words), action=module.answer)
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        listening: Any = server.transport
        yield server, listening.sockets[0].getsockname()[1]
    finally:
        await shut(server)


async def shut(server: Any) -> None:  # noqa: ANN401  pymodbus does not type it
    await server.shutdown()


async def sensor(port: int, *inputs: dict[str, object]) -> Sensor:
    return await asyncio.to_thread(
        lambda: made(kind="modbus", host="127.0.0.1", port=port, every_s=0.02, inputs=list(inputs))
    )


def port_at() -> Recording:
    return Recording(starting_at(TEN, 1))


async def test_contacts_and_counters_are_told_as_they_change() -> None:
    module, port = Module(), port_at()
    module.contacts[0], module.total = True, 70_000  # so before we looked
    async with served(module) as (_, number):
        reader = await sensor(number, GATE, DOOR, BELL, PEOPLE)
        assert reader.outputs() == [
            Output("pulse", "front-in"),
            Output("counter", "c1"),
            Output("press", "next-c6"),
            Output("crossing", "entrance"),
        ]
        async with running(reader, port) as basis:
            assert basis == f"Modbus at 127.0.0.1 port {number}"
            assert (await port.take(1))[0].reading == Counter(open=False), "known at the first look"
            for change in (False, True, False):
                module.contacts[0] = change
                await module.looked(8)
            assert (await port.take(1))[0].reading == IN
            module.contacts[1] = True
            assert (await port.take(1))[0].reading == Press(gesture="short")
            module.coils[0] = True
            assert (await port.take(1))[0].reading == Counter(open=True)
            module.total += 3
            out = Crossing(direction="out")
            assert [one.reading for one in await port.take(3)] == [out] * 3
    assert port.emitted.empty()
    assert not port.refused


async def test_a_module_that_says_no_or_nothing_is_a_failure() -> None:
    module, port = Module(), port_at()
    async with served(module) as (_, number):
        reader = await sensor(number, GATE)
        module.is_broken = True
        with pytest.raises(SensorFailed, match="want the inputs of 127"):
            await reader.run(port)
        assert port.refused == {"want the input at 0, got an exception of the module": 3}
    with pytest.raises(SensorFailed, match="got no answer"):
        await reader.run(port)


async def test_a_module_that_is_switched_off_is_a_failure_and_what_it_says_later_is_no_change() -> (
    None
):
    module, port = Module(), port_at()
    async with served(module) as (server, number):
        reader = await sensor(number, GATE)
        task = asyncio.create_task(reader.run(port))
        await module.looked()
        await shut(server)
        with pytest.raises(SensorFailed):
            await asyncio.wait_for(task, 20)
    module.contacts[0] = True
    async with served(module) as (_, number), running(await sensor(number, GATE), port):
        await module.looked(4)
    assert port.emitted.empty()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": []}, "Expected `array` of length >= 1 - at `{}.inputs`"),
        ({"every_s": 0.001}, None),
        ({"inputs": [GATE | {"kind": "x"}]}, "Invalid enum value 'x' - at `{}.inputs[0].kind`"),
        ({"inputs": [GATE | {"address": 65536}]}, None),
        (
            {"inputs": [GATE, {"kind": "input", "address": 1, "zone": "lobby"}]},
            "want a button, counter, gate or line for input - at `{}.inputs[1].zone`",
        ),
        (
            {"inputs": [DOOR | {"kind": "counter"}]},
            "want a gate or line for counter - at `{}.inputs[0].counter`",
        ),
        (
            {"inputs": [GATE | {"gate": "x"}]},
            "want one of `gates`, got 'x' - at `{}.inputs[0].gate`",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str | None
) -> None:
    site = office({"kind": "modbus", "host": "192.0.2.7", "inputs": [GATE]} | settings)
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    path = f"$.devices[{len(example().devices)}].sensors[0]"
    assert path in str(refused.value)
    if message is not None:
        assert str(refused.value) == message.format(path)
