"""What is measured: a mosquitto, `machiai web` of the example office, and a voice for its hub."""

import contextlib
import itertools
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from broker.clock import Clock
from broker.embedded import free_port, program
from broker.session import ENVIRONMENT
from models.contract import codec, topics
from models.contract.results import (
    Free,
    LotResult,
    Message,
    ServiceResult,
    Spread,
    State,
    ZoneResult,
)
from models.errors import Missing
from models.site import parse

EXAMPLE = Path(__file__).resolve().parents[2] / "ansible" / "sites" / "example.toml"
FEED = "/api/v1/sites/minami"
STREAM = "/stream"
_TICKS = os.sysconf("SC_CLK_TCK")
_READY_S = 30.0


@contextlib.contextmanager
def running(
    command: Sequence[str], environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def cpu_s(*pids: int) -> float:
    """CPU seconds of processes up to now, user and system."""
    used = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / _TICKS


class Hub:
    """Publishes results as the hub would."""

    def __init__(self, port: int) -> None:
        self._site = parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
        self._clock = Clock()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="voice"
        )  # beside a real hub of another office
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.port = port
        self.zone_topic = topics.result(self._site.id, "zone/lobby")

    def busy(self) -> None:
        """A busy morning."""
        now = self._clock.now()
        life: dict[str, Any] = {
            "at": now,
            "observed_at": now,
            "valid_until": now + timedelta(hours=2),
        }
        self._say("state", State(state="ready", at=now))
        for service in self._site.services:
            wait = Spread(p10_s=600, p50_s=1140, p90_s=1620)
            result = ServiceResult(
                **life, state="open", level=3, waiting=12, called="A102", wait=wait, basis="tickets"
            )
            self._say(f"service/{service.id}", result)
        free = Free(p10=10, p50=12, p90=14)
        lot = LotResult(**life, state="open", vacancy="vacant", free=free, capacity=40)
        self._say("lot/front", lot)
        self.people(1)

    def people(self, count: int) -> None:
        """The lobby's newest count."""
        self._client.publish(self.zone_topic, self.zone(count), 1, retain=True)

    def zone(self, count: int) -> bytes:
        """What is published of it."""
        now = self._clock.now()
        until = now + timedelta(hours=2)
        return codec.encode(
            ZoneResult(
                at=now, observed_at=now, valid_until=until, state="open", people=count, capacity=60
            )
        )

    def end(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _say(self, kind: str, message: Message) -> None:
        topic = topics.result(self._site.id, kind)
        self._client.publish(topic, codec.encode(message), 1, retain=True).wait_for_publish(10)


class Office:
    """What runs: `web` is the process that is measured, `url` where it serves."""

    def __init__(self, web: subprocess.Popen[bytes], port: int, hub: Hub) -> None:
        self.web, self.port, self.hub = web, port, hub
        self.url = f"http://127.0.0.1:{port}"
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def peer(self) -> Iterator[IO[bytes]]:
        """What Mosquitto's own client hears of the lobby, line by line."""
        command = ["mosquitto_sub", "-p", str(self.hub.port), "-t", self.hub.zone_topic, "-R"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  it was asked for
            time.sleep(0.3)
            yield process.stdout
            process.terminate()

    def next(self) -> int:
        """A number that was not given before."""
        return next(self._numbers)


@contextlib.contextmanager
def office(folder: Path) -> Iterator[Office]:
    """A broker, a web process and a busy morning.

    Raises:
        Missing: mosquitto is not installed.
    """
    mosquitto = program("mosquitto")
    if mosquitto is None:
        raise Missing("want mosquitto, got none: apt-get install mosquitto")
    broker_port, port = free_port(), free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"listener {broker_port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n",
        encoding="utf-8",
    )
    environment = {**os.environ, ENVIRONMENT: f"mqtt://127.0.0.1:{broker_port}"}
    web = [sys.executable, "-m", "machiai", "web", str(EXAMPLE), "--port", str(port)]
    with running([mosquitto, "-c", str(conf)]):
        time.sleep(0.5)
        with running(web, environment) as process:
            hub = Hub(broker_port)
            hub.busy()
            until_served(f"http://127.0.0.1:{port}{FEED}")
            try:
                yield Office(process, port, hub)
            finally:
                hub.end()


def until_served(url: str) -> None:
    """Wait for a server.

    Raises:
        TimeoutError: it does not come.
    """
    end_s = time.perf_counter() + _READY_S
    while time.perf_counter() < end_s:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  our own
            return
        time.sleep(0.05)
    raise TimeoutError(f"want {url} within {_READY_S:.0f} s")
