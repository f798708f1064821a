"""How much memory the hub keeps after as many messages as a city sends in an hour.

    .venv/bin/python -m bench.memory [--messages 2520000] [--rate 700]

2,520,000 is an hour at 700 a second, the load of 14 offices. They are sent in blocks, each as soon
as the one before is acknowledged, so that it takes minutes; with a rate as slowly as that, for a
true hour. Printed is the hub's resident memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from bench.hub import ACK, SETTLE_S, SITE, TOPIC, Bench, running
from broker.session import ENVIRONMENT

BLOCK = 30_000


def main() -> int:
    """Send, and print a line for every tenth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=2_520_000)
    parser.add_argument("--rate", type=int, help="messages a second; else as quickly as it goes")
    arguments = parser.parse_args()
    blocks = max(1, arguments.messages // BLOCK)
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        folder = Path(name)
        bench = Bench(folder, BLOCK)
        site = folder / "site.toml"
        site.write_text(SITE, encoding="utf-8")
        command = [sys.executable, "-m", "machiai", "hub", str(site), "--state", str(folder / "h")]
        environment = {**os.environ, ENVIRONMENT: f"mqtt://127.0.0.1:{bench.port}"}
        sub = ["mosquitto_sub", "-p", str(bench.port), "-t", ACK, "-q", "1"]
        with (
            bench.broker(),
            running(sub, stdout=subprocess.PIPE) as acks,
            running(command, env=environment, stderr=subprocess.DEVNULL) as hub,
        ):
            time.sleep(2 * SETTLE_S)
            start_s = time.perf_counter()
            sizes = [_rss_mb(hub.pid)]
            for block in tqdm(range(blocks), unit="block"):
                _send(bench, block * BLOCK, arguments.rate)
                last = f'"seq":{(block + 1) * BLOCK}}}'.encode()
                assert acks.stdout is not None  # noqa: S101  it was asked for
                while last not in acks.stdout.readline():
                    pass
                sizes.append(_rss_mb(hub.pid))
            took_s = time.perf_counter() - start_s
    tenths = [sizes[i * (len(sizes) - 1) // 10] for i in range(11)]
    print(f"{blocks * BLOCK:,} messages in {took_s:.0f} s; resident MB at each tenth:")
    print("  ".join(f"{size:.0f}" for size in tenths), f"  most {max(sizes):.0f}")
    return 0


def _send(bench: Bench, before: int, per_s: int | None) -> None:
    """A block, a second's worth at a time if there is a rate."""
    lines = [
        f'{{"stream":"s","seq":{seq},"boot":"b","up_ms":{seq},"at":null,"count":{seq % 50}}}\n'
        for seq in range(before + 1, before + BLOCK + 1)
    ]
    command = ["mosquitto_pub", "-p", str(bench.port), "-t", TOPIC, "-q", "1", "-l"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as publisher:
        assert publisher.stdin is not None  # noqa: S101  it was asked for
        step = per_s or BLOCK
        start_s = time.perf_counter()
        for number, at in enumerate(range(0, BLOCK, step)):
            if per_s:
                time.sleep(max(0.0, start_s + number - time.perf_counter()))
            publisher.stdin.write("".join(lines[at : at + step]).encode())
            publisher.stdin.flush()


def _rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    raise SystemExit(main())
