"""What the hub feels of shipping to a time series server: from a publish to its acknowledgement.

    .venv/bin/python -m bench.ship [--rows 500000] [--seconds 30]

A hub and a mosquitto; one device publishes 50 observations a second. Measured is how long each
takes to be acknowledged as durable, three times: nothing is shipped; all of it is, as it comes, to
a VictoriaMetrics; and the same while a backlog of --rows catches up. Then how quickly the backlog
went, what CPU the hub used for it, and its memory.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import paho.mqtt.client as mqtt

from bench.hub import SITE, Bench, running
from broker.clock import Clock
from broker.embedded import free_port
from broker.hub.history.sqlite import milliseconds
from broker.session import ENVIRONMENT
from models.site import parse
from models.state.office import Office
from tests.broker.shipped import Filled

PER_S = 50
TOPIC = "machiai/v1/bench/probe/obs/people/lobby"
ACK = "machiai/v1/bench/probe/ack"
STATE = "machiai/v1/bench/hub/state"
TICKS = os.sysconf("SC_CLK_TCK")


class Probe:
    """A device that publishes at a steady rate and hears its acks."""

    def __init__(self, port: int) -> None:
        self._sent_s: dict[int, float] = {}
        self._came_s: dict[int, float] = {}
        self._seq = 0
        self._lock = threading.Lock()
        self._stream = f"p{time.time_ns()}"
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(ACK, 1), (STATE, 1)])
        self._is_ready = threading.Event()
        self._client.loop_start()
        if not self._is_ready.wait(60):
            raise TimeoutError("want a hub that is ready within a minute, got none")

    def _heard(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        text = message.payload.decode()
        if message.topic == STATE:
            self._is_ready.set() if '"ready"' in text else self._is_ready.clear()
        elif self._stream in text:
            now_s = time.perf_counter()
            upto = int(text.rpartition(":")[2].rstrip("}"))
            with self._lock:
                for seq in [s for s in self._sent_s if s <= upto and s not in self._came_s]:
                    self._came_s[seq] = now_s

    def measure(self, seconds: float) -> list[float]:
        """Milliseconds from publish to ack."""
        first, start_s = self._seq, time.perf_counter()
        while time.perf_counter() - start_s < seconds:
            self._seq += 1
            payload = (
                f'{{"stream":"{self._stream}","seq":{self._seq},"boot":"b","up_ms":{self._seq},'
                f'"at":null,"count":{self._seq % 50}}}'
            )
            with self._lock:
                self._sent_s[self._seq] = time.perf_counter()
            self._client.publish(TOPIC, payload, 1)
            due_s = start_s + (self._seq - first) / PER_S
            time.sleep(max(0.0, due_s - time.perf_counter()))
        late_s = time.perf_counter() + 60
        while len(self._came_s) < self._seq:
            if time.perf_counter() > late_s:
                raise TimeoutError(f"want {self._seq} acks, got {len(self._came_s)}")
            time.sleep(0.05)
        return [
            1000 * (self._came_s[seq] - self._sent_s[seq])
            for seq in range(first + 1, self._seq + 1)
        ]

    def end(self) -> None:
        """Leave."""
        self._client.loop_stop()
        self._client.disconnect()


def _used_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _said(what: str, times_ms: list[float]) -> None:
    cuts = statistics.quantiles(times_ms, n=100)
    print(f"{what:24} p50 {cuts[49]:6.1f} ms  p99 {cuts[98]:6.1f} ms  most {max(times_ms):6.1f} ms")


def _samples(port: int) -> int:
    said = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    line = next(
        x for x in said.splitlines() if x.startswith('vm_rows_inserted_total{type="influx"}')
    )
    return int(line.rpartition(" ")[2])


def main() -> int:
    """Measure, and print a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        folder, port = Path(name), free_port()
        bench = Bench(folder, 1)
        victoria = [
            "victoria-metrics", f"-storageDataPath={folder / 'victoria'}",
            f"-httpListenAddr=127.0.0.1:{port}", "-dedup.minScrapeInterval=1ms",
            "-retentionPeriod=5y", "-loggerLevel=ERROR",
        ]  # fmt: skip
        ships = f'[influx]\nurl = "http://127.0.0.1:{port}"\n'
        with bench.broker(), running(victoria):
            for what, table, rows in (
                ("nothing is shipped", "", 0),
                ("all of it, as it comes", ships, 0),
                (f"a backlog of {arguments.rows:,}", ships, arguments.rows),
            ):
                site, state = folder / "site.toml", folder / f"hub-{rows}-{bool(table)}"
                site.write_text(SITE + table, encoding="utf-8")
                filled = Filled(
                    state / "journal.sqlite", start_ms=milliseconds(Clock().now()) - 86_400_000
                )
                for _ in range(rows // 5000):
                    filled.write(5000, state=Office(parse(SITE)).dump())
                filled.journal.close()
                command = [sys.executable, "-m", "machiai", "hub", str(site), "--state", str(state)]
                environment = {**os.environ, ENVIRONMENT: f"mqtt://127.0.0.1:{bench.port}"}
                with running(command, env=environment) as hub:
                    probe = Probe(bench.port)
                    probe.measure(2)
                    before, start_s, used_s = _samples(port), time.perf_counter(), _used_s(hub.pid)
                    _said(what, probe.measure(arguments.seconds))
                    took_s, cpu_s = time.perf_counter() - start_s, _used_s(hub.pid) - used_s
                    print(
                        f"{'':24} {(_samples(port) - before) / took_s:,.0f} samples a second,"
                        f" {100 * cpu_s / took_s:.0f} % of a core, {_resident_mb(hub.pid):.0f} MB"
                    )
                    probe.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
