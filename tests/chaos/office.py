"""An office of real processes, each with its own disk and its own line to the broker."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from broker.session import ENVIRONMENT
from tests.chaos import peers
from tests.chaos.disk import Disk
from tests.chaos.proxy import Proxy
from tests.conftest import ROOT, Mosquitto

SITE_ID = "chaos"
FRESH_S = 5
"""A value holds so long here (of a gate in an office 300 s), so that a screen may well go blank."""

_DEAF = [f"--ignore-signal={name}" for name in ("HUP", "USR1", "USR2")]
"""What the campaign says to a process that has just started must not end it."""

_HEAD = """\
[site]
id = "chaos"
name = { ja = "試験", en = "Test" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[freshness]
gate_s = %(fresh_s)d
button_s = %(fresh_s)d
"""

_AGENT = """\
[[lots]]
id = "lot-%(n)d"
capacity = 1000
[[gates]]
id = "gate-%(n)d"
lot = "lot-%(n)d"
[[devices]]
id = "agent-%(n)d"
[[devices.sensors]]
kind = "gate"
gate = "gate-%(n)d"
pins = [17, 27]
"""


def site_text(agents: int) -> str:
    """The site file: a lot, its gate and its agent for each `n`."""
    return _HEAD % {"fresh_s": FRESH_S} + "".join(_AGENT % {"n": n} for n in range(agents))


def mosquitto_program() -> str | None:
    """Where mosquitto is, if it is."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


class Part:
    """One process that is killed and started again, its disk and its line."""

    def __init__(self, name: str, command: list[str], disk: Disk, line: Proxy, log: Path) -> None:
        self.name, self.disk, self.line, self.log = name, disk, line, log
        self.crashes = 0
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it."""
        environment = {
            **os.environ,
            ENVIRONMENT: f"mqtt://127.0.0.1:{self.line.port}",
            peers.LINE: str(self.line.port),
            "PYTHONUNBUFFERED": "1",
        }
        command = ["env", *_DEAF, *self._command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=log, stderr=log
            )

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def tell(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, number: int = signal.SIGKILL, timeout_s: float = 30) -> None:
        """End it and wait; as a power cut would unless told otherwise."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def supervise(self) -> None:
        """Start it again if it ended by itself, as systemd does."""
        if self._process is not None and self._process.poll() is not None:
            self.crashes += 1
            self.start()

    def said(self) -> str:
        """What it has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


class Office:
    """A broker, a hub and agents. Used as an asynchronous context, it leaves nothing behind.

    With `peer` a counter of others stands in for the hub, and plain publishers for the agents.
    """

    def __init__(
        self,
        folder: Path,
        *,
        agents: int,
        rate_per_s: float,
        real_disks: bool,
        seed: int,
        peer: str | None = None,
    ) -> None:
        self.folder = folder
        self._peer = peer
        self.seed = seed
        folder.mkdir(parents=True)
        self.site_path = folder / "site.toml"
        self.site_path.write_text(site_text(agents), encoding="utf-8")
        broker_folder = folder / "broker"
        broker_folder.mkdir()
        self.broker = Mosquitto(mosquitto_program() or "mosquitto", broker_folder)
        self.hub = self._part("hub", "hub", real_disks=real_disks)
        self.agents = [
            self._part(
                f"agent-{n}",
                "agent",
                f"agent-{n}",
                str(rate_per_s / agents),
                str(self.ledger(f"agent-{n}")),
                real_disks=real_disks,
            )
            for n in range(agents)
        ]
        self.parts = {part.name: part for part in (self.hub, *self.agents)}

    def ledger(self, agent: str) -> Path:
        """Where an agent's sensor writes down what was promised to it."""
        return self.folder / f"{agent}.ledger"

    def journal(self) -> Path:
        """The hub's file."""
        return self.hub.disk.folder / "journal.sqlite"

    def outbox(self, agent: str) -> Path:
        """An agent's file."""
        return self.parts[agent].disk.folder / agent / "outbox.sqlite"

    def _part(self, name: str, role: str, *rest: str, real_disks: bool) -> Part:
        disk = Disk(self.folder / f"{name}.disk", is_real=real_disks)
        command = [sys.executable, "-m", "tests.chaos.process", role]
        command += [str(self.site_path), str(disk.folder), *rest]
        if self._peer is not None:
            command = peers.command(self._peer, role, name, disk.folder, rest)
        return Part(
            name,
            command,
            disk,
            Proxy(self.broker.port),
            self.folder / f"{name}.log",
        )

    async def __aenter__(self) -> Self:
        try:
            for part in self.parts.values():
                await asyncio.to_thread(part.disk.make)
                await part.line.start()
            await asyncio.to_thread(self.broker.start)
            for part in self.parts.values():
                await asyncio.to_thread(part.start)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for part in self.parts.values():
            await asyncio.to_thread(part.end)
            part.line.end()
        await asyncio.to_thread(self.broker.kill)
        for part in self.parts.values():
            await asyncio.to_thread(part.disk.end)
