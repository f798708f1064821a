"""Whole processes, as an office runs them, over a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker.clock import Clock
from broker.session import ENVIRONMENT, Address, Session
from tests.conftest import ROOT, Mosquitto

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"


class Process:
    """One `machiai …` process; it can be killed and started again, and never outlives its test."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                bufsize=0,
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self, signum: int = signal.SIGKILL) -> int:
        """End it and give its exit code."""
        assert self._process is not None
        if self.is_running:
            self._process.send_signal(signum)
        code = self._process.wait(timeout=20)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code

    def tell(self, line: str) -> None:
        """Write a line to its standard input; nobody reads it if it has just died."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            return

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


class Office:
    """A broker and the processes that a test starts around it."""

    def __init__(self, mosquitto: Mosquitto, folder: Path) -> None:
        self.mosquitto, self.folder = mosquitto, folder
        self.address = Address(host=mosquitto.host, port=mosquitto.port)
        self._processes: list[Process] = []

    def process(
        self, *words: str, clock: Clock | None = None, program: tuple[str, ...] = ("-m", "machiai")
    ) -> Process:
        """Start `machiai WORDS`, or another Python program, with this broker in its environment."""
        environment = {
            **os.environ,
            **(clock.environment() if clock else {}),
            ENVIRONMENT: f"mqtt://{self.mosquitto.host}:{self.mosquitto.port}",
            "PYTHONUNBUFFERED": "1",
            "GPIOZERO_PIN_FACTORY": "mock",
        }
        log = self.folder / f"{len(self._processes)}.log"
        made = Process([sys.executable, *program, *words], environment, log)
        self._processes.append(made)
        made.start()
        return made

    def end(self) -> None:
        for process in self._processes:
            process.kill()


class Listener:
    """Everything on the broker, as it comes."""

    def __init__(self) -> None:
        self.retained: dict[str, Any] = {}
        self.log: dict[str, list[Any]] = defaultdict(list)
        self.raw: list[tuple[str, bytes]] = []
        self._news = asyncio.Event()

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        self.raw.append((topic, payload))
        try:
            message = msgspec.json.decode(payload) if payload else None
        except (msgspec.DecodeError, RecursionError):
            return  # a test sends what no device would
        self.retained[topic] = message
        if not retain:
            self.log[topic].append(message)
        self._news.set()

    async def until(self, true: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait for messages until something holds."""
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def office(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    made = Office(mosquitto, tmp_path)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
async def listener(mosquitto: Mosquitto) -> AsyncIterator[Listener]:
    heard = Listener()
    up = asyncio.Event()
    session = Session(
        Address(host=mosquitto.host, port=mosquitto.port),
        "listener",
        on_message=heard.message,
        on_connection=lambda _: up.set(),
        subscriptions=["#"],
    )
    task = asyncio.create_task(session.run())
    await up.wait()
    yield heard
    task.cancel()
    await asyncio.wait([task])
