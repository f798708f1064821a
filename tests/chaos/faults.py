"""The faults themselves, upon one office."""

import asyncio
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.chaos.audit import journalled, rows
from tests.chaos.files import copied, move, swapped
from tests.chaos.office import Office, Part
from tests.chaos.schedule import KINDS, Fault
from tests.chaos.watcher import Watcher

_RECOVERED_S = 60  # what takes longer is not waited for
_OPENS_S = 3  # in which a hub has opened its journal or said that it cannot


class Campaign:
    """Faults upon one office. `say` is told how far it is."""

    def __init__(self, office: Office, watcher: Watcher | None, say: Callable[[str], None]) -> None:
        self._office, self._watcher, self._say = office, watcher, say
        self._locks: dict[tuple[str, bool], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._recovering: set[asyncio.Task[None]] = set()
        self._hit: Counter[str] = Counter()
        self._active: Counter[str] = Counter()
        self._wrong_clocks = 0
        self.faults: dict[str, int] = defaultdict(int)
        self.recovery_s: dict[str, list[float]] = defaultdict(list)
        self.rollbacks: dict[str, set[int]] = defaultdict(set)
        self.refused = 0
        self.wrong: list[str] = []

    async def suffer(self, faults: list[Fault]) -> None:
        """Let all of it happen, each in its time; several at once where the victims differ."""
        start_s = _now_s()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._supervise())
            running = []
            for fault in faults:
                await asyncio.sleep(max(0.0, start_s + fault.at_s - _now_s()))
                running.append(group.create_task(self._one(fault)))
                self._say(f"{_now_s() - start_s:4.0f} s  {fault.title}")
            await asyncio.gather(*running)
            watch.cancel()
        if self._recovering:
            await asyncio.wait(self._recovering)

    async def _supervise(self) -> None:
        """Be their systemd."""
        while True:
            await asyncio.sleep(1)
            for part in self._office.parts.values():
                if not self._locks[part.name, False].locked():
                    part.supervise()

    async def _one(self, fault: Fault) -> None:
        async with self._locks[fault.victim, KINDS[fault.kind].is_net]:
            rng = random.Random(f"{self._office.seed} {fault.number}")
            self._hit[fault.victim] += 1
            self._active[fault.victim] += 1
            if fault.victim == "broker":
                await self._broker(fault)
            elif fault.victim == "wire":
                if self._watcher is not None:
                    self._watcher.replay(rng)
            else:
                part = self._office.parts[fault.victim]
                await getattr(self, f"_{fault.kind.replace('-', '_')}")(part, fault, rng)
            self._active[fault.victim] -= 1
        self.faults[fault.title] += 1
        if fault.victim == "wire" or self._watcher is None:
            return
        recovering = asyncio.create_task(self._recovery(fault, self._watcher))
        self._recovering.add(recovering)
        recovering.add_done_callback(self._recovering.discard)

    async def _recovery(self, fault: Fault, watcher: Watcher) -> None:
        """From the end of the fault until the hub acknowledges something new of whom it hit.

        It is measured where nothing else hit the same way from agent to hub meanwhile.
        """
        ended_s = _now_s()
        agents = [a.name for a in self._office.agents if fault.victim in (a.name, "hub", "broker")]
        way = {*agents, "hub", "broker"}
        hits = {name: self._hit[name] for name in way}
        if any(self._active[name] for name in way):
            return
        try:
            async with asyncio.timeout(_RECOVERED_S):
                await asyncio.gather(
                    *(watcher.moves_on(name, watcher.seen(name)) for name in agents)
                )
        except TimeoutError:
            pass
        if all(self._hit[name] == hits[name] for name in way):
            self.recovery_s[fault.title].append(_now_s() - ended_s)

    # ── the machines ──────────────────────────────────────────────────────────────────────────

    async def _broker(self, fault: Fault) -> None:
        broker = self._office.broker
        if fault.kind == "kill":
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(fault.lasts_s)
            await asyncio.to_thread(broker.start)
        else:
            os.kill(broker.pid, signal.SIGSTOP)
            await asyncio.sleep(fault.lasts_s)
            os.kill(broker.pid, signal.SIGCONT)

    async def _kill(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        await asyncio.to_thread(part.end)
        await asyncio.sleep(fault.lasts_s)
        await asyncio.to_thread(part.start)

    async def _stop(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        part.tell(signal.SIGSTOP)
        await asyncio.sleep(fault.lasts_s)
        part.tell(signal.SIGCONT)

    async def _clock(self, part: Part, fault: Fault, rng: random.Random) -> None:
        """An hour ahead or back while it runs, and then right again."""
        there, back = rng.sample([signal.SIGUSR1, signal.SIGUSR2], 2)
        self._clock_is_wrong(+1)
        part.tell(there)
        await asyncio.sleep(fault.lasts_s)
        part.tell(back)
        self._clock_is_wrong(-1)

    def _clock_is_wrong(self, more: int) -> None:
        self._wrong_clocks += more
        if self._watcher is not None:
            self._watcher.clock_is_wrong = self._wrong_clocks > 0

    # ── the lines ─────────────────────────────────────────────────────────────────────────────

    async def _cut(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        part.line.cut()
        await asyncio.sleep(fault.lasts_s)
        part.line.heal()

    async def _delay(self, part: Part, fault: Fault, rng: random.Random) -> None:
        part.line.delay_s = rng.uniform(0.02, 0.4)
        await asyncio.sleep(fault.lasts_s)
        part.line.heal()

    async def _stall(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        part.line.stall()
        await asyncio.sleep(fault.lasts_s)
        part.line.heal()

    async def _half_open(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        part.line.half_open()
        await asyncio.sleep(fault.lasts_s)
        part.line.heal()

    # ── the disks ─────────────────────────────────────────────────────────────────────────────

    async def _full(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        await asyncio.to_thread(part.disk.fill)
        await asyncio.sleep(fault.lasts_s)
        await asyncio.to_thread(part.disk.clear)

    async def _power(self, part: Part, fault: Fault, _rng: random.Random) -> None:
        await asyncio.to_thread(part.disk.cut_power)
        await asyncio.to_thread(part.end)
        await asyncio.sleep(fault.lasts_s)
        await asyncio.to_thread(part.disk.power_up)
        await asyncio.to_thread(part.start)

    async def _torn(self, part: Part, fault: Fault, rng: random.Random) -> None:
        """An older copy of its file, taken while it was written, comes back in its place."""
        is_hub = part is self._office.hub
        path = self._office.journal() if is_hub else self._office.outbox(part.name)
        copy = self._office.folder / f"{part.name}.copy"
        with_wal = rng.random() < 0.5
        await asyncio.to_thread(copied, path, copy, with_wal=with_wal)
        await asyncio.sleep(fault.lasts_s)
        await asyncio.to_thread(part.end)
        if is_hub:
            await self._put_back_journal(part, path, copy)
        else:
            before, after = await asyncio.to_thread(swapped, path, copy, self._aside(part), rows)
            self.rollbacks[part.name] |= before - after
            await asyncio.to_thread(part.start)

    def _aside(self, part: Part) -> Path:
        return self._office.folder / f"{part.name}.aside"

    async def _put_back_journal(self, hub: Part, path: Path, copy: Path) -> None:
        """A hub may refuse a damaged copy; its keeper then puts back what was there."""
        before, after = await asyncio.to_thread(swapped, path, copy, self._aside(hub), journalled)
        if before is None:
            self.wrong.append(f"the hub's journal was damaged before: see {self._aside(hub)}")
        await asyncio.to_thread(hub.start)
        if after is None:
            await asyncio.sleep(_OPENS_S)
            if not hub.is_running:
                self.refused += 1
                await asyncio.to_thread(hub.end)
                await asyncio.to_thread(move, self._aside(hub), path)
                await asyncio.to_thread(hub.start)
                return
        for device, numbers in (before or {}).items():
            self.rollbacks[device] |= numbers - (after or {}).get(device, set())
        if self._watcher is not None:
            self._watcher.acks.clear()  # what was acknowledged was true of the disk that is gone


def _now_s() -> float:
    return asyncio.get_running_loop().time()
