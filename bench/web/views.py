"""A crowd that opens the page for the first time, behind nginx, and whether the hub feels it."""

import contextlib
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from tqdm import tqdm

from bench.hub import ACK, SITE, TOPIC
from bench.web.feed import nginx
from bench.web.office import Office, cpu_s, running
from broker.clock import Clock
from broker.session import ENVIRONMENT
from models.contract import topics
from models.contract.codec import stamp

WANTED_PER_MINUTE = 100_000
_SPARE = 1.05  # asked for beyond what is wanted: who paces by the millisecond falls a little short
_CONNECTIONS = 64
_PER_S = 50  # observations, as an office's
_READY_S = 30.0
_STATE = topics.result("bench", "state")
_SCRIPT = Path(__file__).with_name("views.lua")
_FILE = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_IMPORT = re.compile(r'\bfrom ?"\./([^"]+)"')


class Hub(msgspec.Struct, frozen=True):
    """What a hub did in a while: CPU a message, and milliseconds until it had it for good."""

    cpu_us: float
    p50: float
    p99: float
    lost: int


class Views(msgspec.Struct, frozen=True):
    """What came of a crowd; `files` are asked for a view, the page included."""

    per_minute: float
    files: int
    bytes_each: float
    web_us: float
    nginx_us: float
    before: Hub
    meanwhile: Hub


def files_of(url: str) -> list[str]:
    """The page and all that a browser fetches to show it for the first time."""
    with urllib.request.urlopen(url + "/?lang=en") as answer:  # noqa: S310  our own
        page = answer.read().decode()
    found = dict.fromkeys(_FILE.findall(page))
    waiting = [path for path in found if ".js" in path]
    while waiting:
        with urllib.request.urlopen(url + waiting.pop()) as answer:  # noqa: S310  our own
            for name in _IMPORT.findall(answer.read().decode()):
                path = f"/static/{name}"
                if path not in found:
                    found[path] = None
                    waiting.append(path)
    return ["/", *found]


def measure(office: Office, folder: Path, seconds: int) -> Views:
    """A quiet while and one with the crowd, each with an office's observations for a real hub.

    Raises:
        ValueError: an answer was none.
    """
    asked = files_of(office.url)
    rate = _SPARE * WANTED_PER_MINUTE / 60 * len(asked)
    with (
        nginx(folder, office.port, b"") as (port, _, servers),
        _hub(office.hub.port, folder) as process,
        contextlib.closing(_Voice(office.hub.port)) as voice,
    ):
        before = voice.speak(process.pid, seconds, "quiet")
        web_s, nginx_s = cpu_s(office.web.pid), cpu_s(*servers)
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}", "-s", str(_SCRIPT)]
        command += [f"http://127.0.0.1:{port}", "--", f"{rate:.0f}", *asked]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
            meanwhile = voice.speak(process.pid, seconds, "crowd")
            said = crowd.communicate()[0]
        web_s, nginx_s = cpu_s(office.web.pid) - web_s, cpu_s(*servers) - nginx_s
    counted = re.search(r"(\d+) requests in ([\d.]+)s, ([\d.]+)([KMG]B)", said)
    if counted is None or "Non-2xx" in said or "Socket errors" in said:
        raise ValueError(f"want answers of {asked}, wrk said: {said}")
    views = int(counted[1]) / len(asked)
    size = float(counted[3]) * 1024 ** ("KMG".index(counted[4][0]) + 1)
    return Views(
        per_minute=60 * views / float(counted[2]),
        files=len(asked),
        bytes_each=size / views,
        web_us=1e6 * web_s / views,
        nginx_us=1e6 * nginx_s / views,
        before=before,
        meanwhile=meanwhile,
    )


@contextlib.contextmanager
def _hub(broker: int, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A real hub of another office at the same broker."""
    site = folder / "bench.toml"
    site.write_text(SITE, encoding="utf-8")
    command = [sys.executable, "-m", "machiai", "hub", str(site), "--state", str(folder / "hub")]
    with running(command, {**os.environ, ENVIRONMENT: f"mqtt://127.0.0.1:{broker}"}) as process:
        yield process


class _Voice:
    """A device that speaks once its hub is ready, and hears what that has for good."""

    def __init__(self, broker: int) -> None:
        self._clock = Clock()
        self._numbers = itertools.count(1)
        self._sent: dict[int, float] = {}
        self._took: list[float] = []
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="cam-1")
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", broker)
        self._client.subscribe([(ACK, 1), (_STATE, 1)])
        self._client.loop_start()
        if not self._ready.wait(_READY_S):
            raise TimeoutError(f"want a hub that is ready within {_READY_S:.0f} s, got none")

    def speak(self, hub: int, seconds: int, what: str) -> Hub:
        """Observe at an office's pace for a while."""
        with self._lock:
            self._took.clear()
        used_s, count = cpu_s(hub), seconds * _PER_S
        start_s = time.perf_counter()
        for i in tqdm(range(count), what, unit=" observations", mininterval=1):
            time.sleep(max(0.0, start_s + i / _PER_S - time.perf_counter()))
            self._observe(next(self._numbers))
        time.sleep(1.0)
        used_s = cpu_s(hub) - used_s
        with self._lock:
            took, lost = list(self._took), len(self._sent)
            self._sent.clear()
        cuts = statistics.quantiles(took, n=100)
        return Hub(1e6 * used_s / count, cuts[49], cuts[98], lost)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _observe(self, seq: int) -> None:
        said = {"stream": "views", "seq": seq, "boot": "b", "up_ms": 20 * seq, "count": seq % 50}
        with self._lock:
            self._sent[seq] = time.perf_counter()
        at = stamp(self._clock.now())
        self._client.publish(TOPIC, json.dumps(said | {"at": at}), 1)

    def _heard(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        _ = client
        if message.topic == _STATE:
            if b'"ready"' in message.payload:
                self._ready.set()
            return
        upto, now_s = json.loads(message.payload)["seq"], time.perf_counter()
        with self._lock:
            for seq in [seq for seq in self._sent if seq <= upto]:
                self._took.append(1e3 * (now_s - self._sent.pop(seq)))
