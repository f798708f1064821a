"""How fast the hub takes what a broker delivers, beside Mosquitto's own client and Node-RED.

    .venv/bin/python -m bench.hub [--messages 40000] [--rounds 3] [--node-red]

One mosquitto, one `mosquitto_pub` that sends observations of QoS 1 from a file; the taker is in
turn `mosquitto_sub` (counts, keeps nothing), the hub (dedupe, fold, durable commit, ack) and, with
`--node-red` and npm, a Node-RED flow that parses and dedupes in memory. CPU is what the taker's
process used, of all its threads. Ratios of one round are worth more than figures of two days.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

from broker.embedded import free_port, program
from broker.session import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
TOPIC = "machiai/v1/bench/cam-1/obs/people/lobby"
ACK = "machiai/v1/bench/cam-1/ack"
NODE_RED = ROOT / "var" / "node-red"
SITE = """
[site]
id = "bench"
name = { en = "Bench" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[zones]]
id = "lobby"
capacity = 60
"""
SETTLE_S = 1.0
READY_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    """A broker, and a file of observations for each round."""

    def __init__(self, folder: Path, messages: int) -> None:
        self.folder, self.messages = folder, messages
        self.port = free_port()

    @contextlib.contextmanager
    def broker(self) -> Iterator[None]:
        """A mosquitto that drops nothing."""
        conf = self.folder / "mosquitto.conf"
        conf.write_text(
            "max_queued_messages 1000000\nmax_inflight_messages 1000\nset_tcp_nodelay true\n"
            f"log_type none\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n",
            encoding="utf-8",
        )
        with running([program("mosquitto") or "mosquitto", "-c", str(conf)]):
            time.sleep(SETTLE_S)
            yield

    def publish(self, stream: str) -> "subprocess.Popen[bytes]":
        """Send all observations of a stream of this name, as quickly as the broker takes them."""
        path = self.folder / f"{stream}.jsonl"
        if not path.exists():
            with path.open("w", encoding="ascii") as file:
                for seq in range(1, self.messages + 1):
                    second, ms = divmod(seq, 1000)
                    at = f"2026-11-24T01:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}Z"
                    file.write(
                        f'{{"stream":"{stream}","seq":{seq},"boot":"b","up_ms":{seq},'
                        f'"at":"{at}","count":{seq % 50}}}\n'
                    )
        with path.open("rb") as lines:
            return subprocess.Popen(
                ["mosquitto_pub", "-p", str(self.port), "-t", TOPIC, "-q", "1", "-l"], stdin=lines
            )

    def measured(
        self, taker: "subprocess.Popen[bytes]", stream: str, wait: Callable[[], None]
    ) -> tuple[float, float]:
        """Messages a second until all were taken, and CPU µs a message."""
        before_s, start_s = _cpu_s(taker.pid), time.perf_counter()
        publisher = self.publish(stream)
        wait()
        took_s = time.perf_counter() - start_s
        time.sleep(0.2)  # what is still being written counts as well
        used_s = _cpu_s(taker.pid) - before_s
        publisher.wait()
        return self.messages / took_s, used_s / self.messages * 1e6

    def until_acked(self, acks: "subprocess.Popen[bytes]", stream: str) -> None:
        """Wait until somebody has acknowledged all of a stream."""
        last = f'"{stream}","seq":{self.messages}}}'.encode()
        assert acks.stdout is not None  # noqa: S101  it was asked for
        while last not in acks.stdout.readline():
            pass

    def c_client(self, stream: str) -> tuple[float, float]:
        """Mosquitto's own subscriber, which ends by itself when it has them all."""
        command = ["mosquitto_sub", "-p", str(self.port), "-t", TOPIC, "-q", "1"]
        command += ["-C", str(self.messages)]
        with running(command, stdout=subprocess.DEVNULL) as taker:
            time.sleep(SETTLE_S)
            start_s = time.perf_counter()
            publisher = self.publish(stream)
            _, status, used = os.wait4(taker.pid, 0)
            took_s = time.perf_counter() - start_s
            taker.returncode = os.waitstatus_to_exitcode(status)
            publisher.wait()
        return self.messages / took_s, (used.ru_utime + used.ru_stime) / self.messages * 1e6

    def hub(self, stream: str) -> tuple[float, float]:
        """Our hub; it has taken what it has acknowledged."""
        site, state = self.folder / "site.toml", self.folder / f"hub-{stream}"
        site.write_text(SITE, encoding="utf-8")
        command = [sys.executable, "-m", "machiai", "hub", str(site), "--state", str(state)]
        environment = {**os.environ, ENVIRONMENT: f"mqtt://127.0.0.1:{self.port}"}
        sub = ["mosquitto_sub", "-p", str(self.port), "-t", ACK, "-q", "1"]
        with (
            running(sub, stdout=subprocess.PIPE) as acks,
            running(command, env=environment, stderr=subprocess.DEVNULL) as taker,
        ):
            time.sleep(2 * SETTLE_S)
            return self.measured(taker, stream, lambda: self.until_acked(acks, stream))

    def node_red(self, stream: str) -> tuple[float, float]:
        """A flow with the hub's work but nothing durable; it says when it has all.

        Parse, drop duplicates, keep the newest and a five-minute roll-up in memory, publish the
        retained result ten times a second and the ack fifty times.
        """
        user = self.folder / f"node-red-{stream}"
        user.mkdir()
        (user / "flows.json").write_text(json.dumps(_flow(self.port)), encoding="utf-8")
        red = NODE_RED / "node_modules" / "node-red" / "red.js"
        command = [
            "node",
            str(red),
            "--userDir",
            str(user),
            "--port",
            str(free_port()),
            "flows.json",
        ]
        sub = ["mosquitto_sub", "-p", str(self.port), "-t", ACK, "-q", "1"]
        with (
            running(sub, stdout=subprocess.PIPE) as acks,
            running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as taker,
        ):
            time.sleep(10 * SETTLE_S)
            return self.measured(taker, stream, lambda: self.until_acked(acks, stream))


_FOLD = """
const m = msg.payload, name = msg.topic.split('/')[6];
if (!Number.isInteger(m.seq) || !Number.isInteger(m.count) || m.count < 0) return null;
const seen = context.get('seen') || {}, office = flow.get('office') || {rollup: {}};
if (m.seq !== (seen[m.stream] || 0) + 1) return null;
seen[m.stream] = m.seq; context.set('seen', seen);
const at = Date.parse(m.at), slot = Math.floor(at / 300000) + name;
const cell = office.rollup[slot] = office.rollup[slot] ||
    {count: 0, sum: 0, min: m.count, max: m.count};
cell.count++; cell.sum += m.count; cell.last = m.count;
cell.min = Math.min(cell.min, m.count); cell.max = Math.max(cell.max, m.count);
office[name] = {people: m.count, observed_at: m.at, valid_until: new Date(at + 90000)};
flow.set('office', office);
return [{topic: 'machiai/v1/bench/hub/zone/' + name, retain: true, qos: 1, payload: office[name]},
        {topic: 'machiai/v1/bench/cam-1/ack', qos: 1, payload: {stream: m.stream, seq: m.seq}}];
"""


def _flow(port: int) -> list[dict[str, object]]:
    """Node-RED's nodes, as its editor would save them."""

    def newest(number: str, per_s: str) -> dict[str, object]:
        """Let through the newest message so many times a second, and drop the others."""
        return {
            "id": number,
            "type": "delay",
            "z": "t",
            "pauseType": "timed",
            "rate": per_s,
            "nbRateUnits": "1",
            "rateUnits": "second",
            "drop": False,
            "allowrate": False,
            "outputs": 1,
            "wires": [["o"]],
        }

    mqtt = {"broker": "127.0.0.1", "port": str(port), "cleansession": True}
    listen = {"topic": TOPIC, "qos": "1", "broker": "b", "datatype": "utf8"}
    fold = {"func": _FOLD, "outputs": 2, "wires": [["r"], ["a"]]}
    return [
        {"id": "t", "type": "tab", "label": "bench"},
        {"id": "b", "type": "mqtt-broker", "clientid": "node-red", **mqtt},
        {"id": "i", "type": "mqtt in", "z": "t", **listen, "wires": [["j"]]},
        {"id": "j", "type": "json", "z": "t", "property": "payload", "wires": [["f"]]},
        {"id": "f", "type": "function", "z": "t", **fold},
        newest("r", "10"),
        newest("a", "50"),
        {"id": "o", "type": "mqtt out", "z": "t", "qos": "1", "broker": "b", "wires": []},
    ]


@contextlib.contextmanager
def running(command: list[str], **options: object) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that ends with the block."""
    process: subprocess.Popen[bytes] = subprocess.Popen(command, cwd=ROOT, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _cpu_s(pid: int) -> float:
    """User and system seconds of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _install_node_red() -> bool:
    """Have Node-RED in var/node-red; False where npm or node is missing."""
    if not shutil.which("npm") or not shutil.which("node"):
        print("Node-RED is left out: npm and node are not installed")
        return False
    if not (NODE_RED / "node_modules" / "node-red" / "red.js").exists():
        print("npm installs Node-RED into var/node-red, some minutes", flush=True)
        NODE_RED.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--prefix", str(NODE_RED)]
        subprocess.run([*command, "node-red@4.1"], check=True)
    return True


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--node-red", action="store_true", help="also Node-RED, by npm")
    arguments = parser.parse_args()
    if not program("mosquitto") or not shutil.which("mosquitto_pub"):
        print("want mosquitto and mosquitto-clients: apt-get install them", file=sys.stderr)
        return 69
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        bench = Bench(Path(name), arguments.messages)
        takers = {"mosquitto_sub": bench.c_client, "machiai hub": bench.hub}
        if arguments.node_red and _install_node_red():
            takers["Node-RED"] = bench.node_red
        found: dict[str, list[tuple[float, float]]] = {taker: [] for taker in takers}
        progress = tqdm(total=arguments.rounds * len(takers), unit="run")
        with bench.broker():
            for turn in range(arguments.rounds):
                for i, (taker, run) in enumerate(takers.items()):
                    progress.set_description(taker)
                    found[taker].append(run(f"s{turn}x{i}"))
                    progress.update()
        progress.close()
    _print(found)
    return 0


def _print(found: dict[str, list[tuple[float, float]]]) -> None:
    ours = found["machiai hub"]
    print(f"{'':16}{'msg/s':>9}{'CPU µs':>9}{'hub: rate':>12}{'hub: CPU':>11}")
    for taker, rounds in found.items():
        rates, cpu = ([one[i] for one in rounds] for i in (0, 1))
        rate_of = statistics.median(o[0] / r for o, r in zip(ours, rates, strict=True))
        cpu_of = statistics.median(o[1] / c for o, c in zip(ours, cpu, strict=True))
        print(
            f"{taker:16}{statistics.median(rates):9,.0f}{statistics.median(cpu):9.1f}"
            f"{rate_of:11.2f}x{cpu_of:10.2f}x"
        )


if __name__ == "__main__":
    raise SystemExit(main())
