"""Modules with contacts on the network: discrete inputs, coils and counters by Modbus TCP."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec

from edge.bridge.aims import COUNTED, PASSED, AimedSettings, aimed
from edge.sensors import Output, Port, Settings
from models.contract.observations import Reading
from models.errors import BadSite, Missing, SensorFailed
from models.sensing.foreign import Foreign, Refused, Rule, Value
from models.site import Port as Number
from models.site import Site

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient

_PATIENCE = 3
_TIMEOUT_S = 3.0
_WORD_BITS = 16

Address = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Kind = Literal["input", "coil", "counter", "holding"]


class InputSettings(AimedSettings, frozen=True, kw_only=True):
    """One contact, or one counter of what has passed a contact."""

    kind: Kind
    address: Address
    registers: Literal[1, 2] = 2  # of a counter, the high one first


class ModbusSettings(Settings, frozen=True, kw_only=True):
    """One module in the site file."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    port: Number = 502
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    every_s: Annotated[float, msgspec.Meta(ge=0.02, le=60)] = 0.1
    inputs: Annotated[tuple[InputSettings, ...], msgspec.Meta(min_length=1, max_length=32)]


class Modbus:
    """One module."""

    Settings: ClassVar = ModbusSettings

    def __init__(self, settings: ModbusSettings, site: Site) -> None:
        self._settings = settings
        self._inputs = [
            _Input(given, site, f"inputs[{i}].") for i, given in enumerate(settings.inputs)
        ]

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return list(dict.fromkeys(one.output for one in self._inputs))

    async def run(self, port: Port) -> None:
        """Read until cancelled.

        Raises:
            SensorFailed: the module does not answer.
            Missing: pymodbus is not installed.
        """
        try:
            from pymodbus.client import AsyncModbusTcpClient  # noqa: PLC0415  who has none needs none
        except ImportError as error:
            raise Missing(f"want machiai[modbus] installed, {error}") from None

        given = self._settings
        title = f"{given.host} port {given.port}"
        client = AsyncModbusTcpClient(
            given.host, port=given.port, timeout=_TIMEOUT_S, retries=0, reconnect_delay=0
        )
        for one in self._inputs:
            one.forget()
        try:
            if not await client.connect():
                raise SensorFailed(f"want a Modbus module at {title}, got no answer")
            failures = 0
            while True:
                failures = 0 if await self._poll(client, port, title) else failures + 1
                _heed_cancellation()
                if failures == _PATIENCE or not client.connected:
                    raise SensorFailed(f"want the inputs of {title}, got none {failures} times")
                await port.clock.sleep(given.every_s)
        finally:
            client.close()

    async def _poll(self, client: "AsyncModbusTcpClient", port: Port, title: str) -> bool:
        """Emit what has changed; whether every input could be read."""
        now_s = port.clock.monotonic()
        for one in self._inputs:
            raw = await one.read(client, self._settings.unit)
            if isinstance(raw, str):
                port.refuse(raw)
                return False
            for made in one.take(raw, now_s):
                if isinstance(made, Refused):
                    port.refuse(made.why)
                else:
                    await port.emit(one.output.name, made)
        await port.describe(f"Modbus at {title}")
        return True


def _heed_cancellation() -> None:
    """Until Python 3.12 `wait_for`, by which pymodbus waits, may swallow a cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Input:
    """One input of a module, and its level at the last look."""

    def __init__(self, settings: InputSettings, site: Site, path: str) -> None:
        self._settings = settings
        self._aimed, self.output = aimed(settings, site, path)
        aim, self._is_number = self._aimed.aim, settings.kind in {"counter", "holding"}
        if aim in COUNTED or (self._is_number and aim not in PASSED):
            fits = "gate or line" if self._is_number else "button, counter, gate or line"
            raise BadSite(f"want a {fits} for {settings.kind} - at `$.{path}{aim}`")
        self._rule = Rule(means="total" if self._is_number else "word")
        self.forget()

    def forget(self) -> None:
        """Nobody has looked for a while: what is seen first is no change."""
        self._foreign = Foreign(self._aimed)
        self._level: int | None = None

    async def read(self, client: "AsyncModbusTcpClient", unit: int) -> int | str:
        """The level or the number, or why there is none."""
        from pymodbus.exceptions import ModbusException  # noqa: PLC0415

        where, count = self._settings.address, self._settings.registers
        try:
            match self._settings.kind:
                case "input":
                    got = await client.read_discrete_inputs(where, count=1, device_id=unit)
                case "coil":
                    got = await client.read_coils(where, count=1, device_id=unit)
                case "counter":
                    got = await client.read_input_registers(where, count=count, device_id=unit)
                case "holding":
                    got = await client.read_holding_registers(where, count=count, device_id=unit)
        except (ModbusException, TimeoutError, OSError) as error:
            return f"want the input at {where}, got {type(error).__name__}"
        if got.isError():
            return f"want the input at {where}, got an exception of the module"
        if not self._is_number:
            return int(bool(got.bits[0]))
        number = 0
        for register in got.registers[:count]:
            number = number << _WORD_BITS | register
        return number

    def take(self, raw: int, now_s: float) -> list[Reading | Refused]:
        """What a level or a number says that is news."""
        before, self._level = self._level, raw
        if self._is_number:
            return self._foreign.read(self._rule, Value(str(raw), None), now_s)
        if raw == before or (before is None and self._aimed.aim != "counter"):
            return []  # at the first look: it stood so before
        return self._foreign.read(self._rule, Value("on" if raw else "off", None), now_s)
