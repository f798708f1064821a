"""From the hub's publish to the readers of the stream: one, a thousand, ten thousand."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
from tqdm import tqdm

from bench.web.office import Office, cpu_s

_PACE_S = 0.12  # between two publishes; the process gathers changes for 50 ms
_READY_S = 90.0


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from publish to reader, over all readers and events.

    `last` is the median over events of the last reader's; `cpu_us` the CPU of the web process, a
    reader and event; `broker` is what mosquitto_sub, a peer in C, needed for the same events.
    """

    readers: int
    p50: float
    p99: float
    last: float
    cpu_us: float
    broker_p50: float
    broker_p99: float


class Crowd:
    """Readers in several processes, because they have to be quicker than what they measure."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def watch(self, people: int) -> None:
        """Wait for the snapshot with so many people."""
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101  it was asked for
            process.stdin.write(f"{people}\n")
            process.stdin.flush()

    def times(self) -> list[float]:
        """When each reader got it, by `perf_counter`."""
        return [at for process in self._processes for at in json.loads(_line(process))]


@contextlib.contextmanager
def crowd(port: int, readers: int, processes: int) -> Iterator[Crowd]:
    """So many readers, connected."""
    share = str(readers // processes)
    command = [sys.executable, "-m", "bench.web.readers", str(port), share]
    made = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    try:
        for process in made:
            if _line(process) != "ready\n":
                raise ConnectionError(f"want {share} readers of the stream, they could not connect")
        yield Crowd(made)
    finally:
        for process in made:
            process.terminate()
            process.wait(20)


def measure(office: Office, readers: int, events: int) -> Latency:
    """Publish, and wait until all have it, again and again."""
    waits: list[float] = []
    lasts: list[float] = []
    peers: list[float] = []
    used_s = 0.0
    processes = 1 if readers < 5000 else 4
    with crowd(office.port, readers, processes) as listening, office.peer() as peer:
        for n in tqdm(range(events), f"{readers} readers", unit=" events", mininterval=1):
            people = 1000 + office.next()
            listening.watch(people)
            time.sleep(_PACE_S)
            before_s, start_s = cpu_s(office.web.pid), time.perf_counter()
            office.hub.people(people)
            peer.readline()
            peers.append(1e3 * (time.perf_counter() - start_s))
            times = listening.times()
            used_s += cpu_s(office.web.pid) - before_s
            if len(times) != readers:
                raise ConnectionError(f"want {readers} readers of event {n}, got {len(times)}")
            came = [1e3 * (at - start_s) for at in times]
            waits += came
            lasts.append(max(came))
    cuts = statistics.quantiles(waits, n=100)
    broker = statistics.quantiles(peers, n=100)
    return Latency(
        readers,
        cuts[49],
        cuts[98],
        statistics.median(lasts),
        1e6 * used_s / (readers * events),
        broker[49],
        broker[98],
    )


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # noqa: S101  it was asked for
    return process.stdout.readline()
