"""The processes of the campaign: the real hub, and the real agent with a fast sensor.

`python -m tests.chaos.process hub SITE FOLDER`
`python -m tests.chaos.process agent SITE FOLDER DEVICE RATE_PER_S LEDGER`

SIGUSR1 puts the clock an hour ahead, SIGUSR2 an hour back, SIGHUP lets the sensor see no more.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from broker import service
from broker.clock import Clock
from broker.hub.hub import serve
from broker.outbox import Entry, Outbox
from broker.session import address_of
from edge.agent import run_all
from edge.sensors import Output, Port, Settings
from models.contract.observations import Direction, Pulse, SetCount
from models.site import Site, parse

JUMP = timedelta(hours=1)
STEP_S = 0.04
CARS = 500
COUNT_S = 2.0
_MS = timedelta(milliseconds=1)


def number(at: datetime) -> int:
    """An event's own millisecond since 1970."""
    return round(at.timestamp() * 1000)


class JumpingClock(Clock):
    """The machine's clock, until somebody sets it wrong."""

    def __init__(self) -> None:
        super().__init__()
        self._off = timedelta(0)
        signal.signal(signal.SIGUSR1, lambda *_: self._jump(JUMP))
        signal.signal(signal.SIGUSR2, lambda *_: self._jump(-JUMP))

    def now(self) -> datetime:
        return super().now() + self._off

    def _jump(self, far: timedelta) -> None:
        self._off += far


class Ledger:
    """The numbers of the pulses that an outbox has kept, written down when `append` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.waiting: set[int] = set()

    def keep(self, entries: Sequence[Entry]) -> None:
        """These are on the disk."""
        numbers = [number(e.at) for e in entries if e.at and isinstance(e.reading, Pulse)]
        os.write(self._file, "".join(f"{n}\n" for n in numbers).encode())
        self.waiting.difference_update(numbers)

    def end(self) -> None:
        """All that the agent took was kept."""
        os.write(self._file, b"end\n")

    def watch(self) -> None:
        """Stand behind the outbox's shoulder, in this process only."""
        append = Outbox.append

        def watched(outbox: Outbox, entries: Sequence[Entry]) -> int:
            seq = append(outbox, entries)
            self.keep(entries)
            return seq

        setattr(Outbox, "append", watched)  # noqa: B010  mypy refuses the plain form


class Fast:
    """A gate with more cars than any. Each has a millisecond of its own, which is its number."""

    Settings: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Any, site: Site) -> None:  # noqa: ANN401  as of every sensor
        self._gate, self._lot, self._rate_per_s, self._ledger = settings
        _ = site
        self._last: datetime | None = None
        self._is_quiet = False
        signal.signal(signal.SIGHUP, lambda *_: self._hush())

    def outputs(self) -> Sequence[Output]:
        return [Output("pulse", self._gate), Output("set", self._lot)]

    async def run(self, port: Port) -> None:
        await port.describe("bench")
        loop = asyncio.get_running_loop()
        seen_s, owed, counted_s = loop.time(), 0.0, 0.0
        while not self._is_quiet:
            await asyncio.sleep(STEP_S)
            now_s = loop.time()
            owed = min(owed + (now_s - seen_s) * self._rate_per_s, self._rate_per_s * STEP_S * 2)
            seen_s = now_s
            if now_s - counted_s >= COUNT_S:  # else a lot is not known any more after a gap
                counted_s = now_s
                await port.emit(self._lot, SetCount(count=CARS, by="bench"))
            batch = [self._moment(port.clock.now()) for _ in range(int(owed))]
            owed -= len(batch)
            self._ledger.waiting.update(map(number, batch))
            await asyncio.gather(*(self._pass(port, at) for at in batch))
        while self._ledger.waiting:
            await asyncio.sleep(STEP_S)
        await asyncio.to_thread(self._ledger.end)

    async def _pass(self, port: Port, at: datetime) -> None:
        direction: Direction = "in" if number(at) % 2 else "out"
        await port.emit(self._gate, Pulse(direction=direction), at)

    def _moment(self, now: datetime) -> datetime:
        """Now, a millisecond after the last; far from it only where the clock was set."""
        last = self._last
        self._last = now if last is None or abs(now - last) > JUMP / 2 else max(now, last + _MS)
        return self._last

    def _hush(self) -> None:
        self._is_quiet = True


def main() -> int:
    role, site_path, folder, *rest = sys.argv[1:]
    site = parse(Path(site_path).read_text(encoding="utf-8"))
    clock, address = JumpingClock(), address_of(site.broker)
    if role == "hub":
        return service.run(lambda: serve(site, clock, address, Path(folder)))
    name, rate_per_s, ledger_path = rest
    device = site.device(name)
    gate = next(gate for gate in site.gates if gate.id == device.sensors[0]["gate"])
    ledger = Ledger(Path(ledger_path))
    ledger.watch()
    sensor = Fast((gate.id, gate.lot, float(rate_per_s), ledger), site)
    return service.run(
        lambda: run_all(
            site, [(device, [sensor])], clock=clock, address=address, folder=Path(folder)
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
