"""A real VictoriaMetrics on a free port of the loopback, which can be killed and started again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from broker.embedded import free_port

HOST = "127.0.0.1"
PROGRAM = "victoria-metrics"

Sample = tuple[str, frozenset[tuple[str, str]], int, float]
"""Name, labels, milliseconds since 1970, value."""


class Victoria:
    """Started as docs/influx.md says: one value a millisecond, whatever is sent again."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which(PROGRAM)
        if found is None:
            pytest.skip(f"{PROGRAM} is not installed: apt-get install victoria-metrics")
        self._program, self._folder = found, folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Run it on what it has on disk, and wait until it answers."""
        with (self._folder / "victoria.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"-storageDataPath={self._folder / 'victoria'}",
                    f"-httpListenAddr={HOST}:{self.port}",
                    "-dedup.minScrapeInterval=1ms",
                    "-retentionPeriod=5y",
                    "-search.latencyOffset=0s",
                    "-memory.allowedBytes=128MiB",
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "GOMAXPROCS": "1"},
            )
        for _ in range(500):
            with contextlib.suppress(OSError):
                self.ask("/health")
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                break
        said = (self._folder / "victoria.log").read_text("utf-8", "replace")[-2000:]
        self.kill()
        raise RuntimeError(f"want {PROGRAM} to answer within 10 s, it said: {said}")

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """End it as a power cut would, or as `signum` does."""
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(timeout=20)
            self._process = None

    def ask(self, path: str, **fields: str) -> bytes:
        """What it answers to a GET."""
        where = f"{self.url}{path}?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(where, timeout=20) as answer:
            body: bytes = answer.read()
        return body

    def samples(self) -> Counter[Sample]:
        """All that it has of ours, and how many of each."""
        self.ask("/internal/force_flush")
        found: Counter[Sample] = Counter()
        match = {"match[]": '{__name__=~"machiai_.+"}', "start": "0", "end": "4000000000"}
        for line in self.ask("/api/v1/export", **match).splitlines():
            series = json.loads(line)
            labels = {k: v for k, v in series["metric"].items() if k != "db"}
            name = labels.pop("__name__")
            for at_ms, value in zip(series["timestamps"], series["values"], strict=True):
                found[name, frozenset(labels.items()), at_ms, float(value)] += 1
        return found

    def query(self, expression: str, at_s: float) -> list[dict[str, Any]]:
        """What Grafana would get for an instant."""
        said = json.loads(self.ask("/api/v1/query", query=expression, time=f"{at_s:.0f}"))
        assert said["status"] == "success", said
        result: list[dict[str, Any]] = said["data"]["result"]
        return result

    def graph(self, expression: str, since_s: float, until_s: float) -> list[dict[str, Any]]:
        """What Grafana would draw."""
        asked = {"query": expression, "start": f"{since_s:.0f}", "end": f"{until_s:.0f}"}
        said = json.loads(self.ask("/api/v1/query_range", step="300", **asked))
        assert said["status"] == "success", said
        result: list[dict[str, Any]] = said["data"]["result"]
        return result


def samples_of(lines: Iterable[str]) -> Counter[Sample]:
    """What a server of one value a field has of points, once each."""
    made: Counter[Sample] = Counter()
    for line in lines:
        series, fields, at_ms = line.split(" ")
        measurement, *tags = series.split(",")
        labels = frozenset((k, v) for k, _, v in (tag.partition("=") for tag in tags))
        for field in fields.split(","):
            name, _, value = field.partition("=")
            made[f"{measurement}_{name}", labels, int(at_ms), float(value)] += 1
    return made
