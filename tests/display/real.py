"""An office that runs: a real mosquitto, a hub and a display, and devices that observe."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from broker.clock import Clock
from broker.device import Alerts, Owner, Presence
from broker.session import ENVIRONMENT, Address, Session
from models.contract.observations import Reading
from models.site import Site, parse
from tests.conftest import ROOT, Mosquitto

T = TypeVar("T")
PATIENCE_S = 60.0
DISPLAY = "l-1"
TEXT = """
[site]
id = "truth"
name = { ja = "みなみ区役所", en = "Minami ward office" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[services]]
id = "tax"
name = { ja = "税の相談", en = "Tax" }
counters = ["c1"]
[[services]]
id = "moving"
name = { ja = "引っ越し", en = "Moving" }
counters = ["c2"]
[[counters]]
id = "c1"
name = { ja = "1番", en = "1" }
[[counters]]
id = "c2"
name = { ja = "2番", en = "2" }
[[zones]]
id = "lobby"
capacity = 60
[[lots]]
id = "front"
capacity = 100
[[gates]]
id = "front-in"
lot = "front"
[[devices]]
id = "pi"
sensors = [{ kind = "cap" }]
[[displays]]
id = "l-1"
lots = ["front"]
zones = ["lobby"]
[freshness]
camera_s = 86400
ticket_s = 86400
gate_s = 86400
button_s = 86400
"""
SITE: Site = parse(TEXT)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class Process:
    """`machiai …` as an office runs it."""

    def __init__(self, words: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", "machiai", *words]
        self._environment, self.log = environment, log
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )

    def end(self, signum: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(timeout=20)
            self._process = None


class Broadcast:
    """Everything that is retained on the broker, and a device that tells the hub."""

    def __init__(self, address: Address, clock: Clock, folder: Path, site: Site) -> None:
        self.retained: dict[str, Any] = {}
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broadcast")
        self._thread.start()
        self._base = f"machiai/v1/{site.id}/"
        self._presence = self.run(self._made(address, clock, folder, site))
        self._session = Session(
            address, "listener", subscriptions=[f"{self._base}#"], on_message=self._message
        )
        self._tasks = self.run(self._started())

    async def _made(self, address: Address, clock: Clock, folder: Path, site: Site) -> Presence:
        return Presence(
            Owner(),
            site=site.id,
            device="pi",
            clock=clock,
            address=address,
            folder=folder,
            alerts=Alerts("pi"),
        )

    async def _started(self) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(run()) for run in (self._presence.run, self._session.run)]

    async def _ended(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Do it in the loop of this office."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(PATIENCE_S)

    def observe(self, name: str, reading: Reading) -> None:
        """The device sees something."""
        self.run(self._presence.keep(name, reading))

    def publish(self, leaf: str, payload: bytes, *, retain: bool = False) -> None:
        """Say something as anybody."""

        async def say() -> None:
            assert self._session.publish(self._base + leaf, payload, retain=retain)
            await self._session.flush()

        self.run(say())

    def until(self, true: Callable[[dict[str, Any]], Any], patience_s: float = PATIENCE_S) -> Any:  # noqa: ANN401
        """Wait for messages until something holds of what is retained, and give that."""
        with self._news:
            assert self._news.wait_for(lambda: true(self.retained), patience_s), self.retained
            return true(self.retained)

    def close(self) -> None:
        self.run(self._ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        _ = retain
        with self._news:
            key = topic.removeprefix(self._base)
            if payload:
                self.retained[key] = msgspec.json.decode(payload)
            else:
                self.retained.pop(key, None)
            self._news.notify_all()


class Office:
    """A hub and a display of `SITE`, each a process; `told` is what they and all others say."""

    def __init__(
        self,
        broker: Mosquitto,
        folder: Path,
        clock: Clock,
        site_file: Path | None = None,
        display: str = DISPLAY,
    ) -> None:
        path = site_file or folder / "site.toml"
        if site_file is None:
            path.write_text(TEXT, "utf-8")
        self.site = parse(path.read_text("utf-8"), path.name, str(path.parent))
        self.address = Address(host=broker.host, port=broker.port)
        self._environment = {
            **os.environ,
            **clock.environment(),
            ENVIRONMENT: f"mqtt://{broker.host}:{broker.port}",
        }
        self._folder = folder
        self.told = Broadcast(self.address, clock, folder / "pi", self.site)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.processes = {
            "hub": self.process("hub", str(path), "--state", str(folder / "hub")),
            "display": self.process(
                *("display", str(path), "--display", display, "--port", str(port)),
                *("--state", str(folder / "display")),
            ),
        }
        self.told.until(lambda retained: retained.get("hub/state", {}).get("state") == "ready")
        self.told.until(lambda retained: f"{display}/state" in retained)  # and it serves by then

    def process(self, *words: str) -> Process:
        """Start one more of this office."""
        return Process(list(words), self._environment, self._folder / f"{words[0]}.log")

    def close(self) -> None:
        for process in reversed(self.processes.values()):
            process.end()
        self.told.close()


@contextmanager
def open_office(broker: Mosquitto, folder: Path, clock: Clock, **more: Any) -> Iterator[Office]:  # noqa: ANN401
    """Until the end of the block."""
    office = Office(broker, folder, clock, **more)
    try:
        yield office
    finally:
        office.close()
