"""`python -m tests.chaos`: kill, cut, stall, fill and tear an office, then count its events."""

# ruff: noqa: T201  the command line prints

import argparse
import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.chaos.campaign import Plan, run, run_peer
from tests.chaos.disk import is_possible
from tests.chaos.office import mosquitto_program
from tests.chaos.peers import PEERS, node_red_program
from tests.chaos.schedule import KINDS, PEER_KINDS
from tests.chaos.table import table
from tests.conftest import ROOT

NODE_RED = "node-red@4.1"

EXAMPLE = "example: python -m tests.chaos --seeds 1-4 --seconds 230 --faults 265 --rate 2000"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--seeds", type=_numbers, default="1", help="such as 7 or 1-5 (default 1)")
    parser.add_argument("--seconds", type=float, default=60, help="of faults a seed (default 60)")
    parser.add_argument("--faults", type=int, default=60, help="a seed (default 60)")
    parser.add_argument("--rate", type=float, default=600, help="events/s of all agents (600)")
    parser.add_argument("--agents", type=int, default=3, help="default 3")
    parser.add_argument(
        "--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="only these"
    )
    parser.add_argument("--folder", type=Path, default=Path("var") / "chaos", help="var/chaos")
    parser.add_argument("--keep", action="store_true", help="keep the files of a clean seed too")
    parser.add_argument(
        "--peer", action="append", choices=[*PEERS, "none"], default=[], help="also upon these"
    )
    asked = parser.parse_args()
    if mosquitto_program() is None:
        print("want mosquitto, got none: apt-get install mosquitto", file=sys.stderr)
        return 69
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave nothing behind
    asked.folder.mkdir(parents=True, exist_ok=True)
    why_not = is_possible(asked.folder)
    if why_not:
        print(why_not)
    chosen = [peer for peer in asked.peer if peer != "none"]
    if "node-red" in chosen:
        _install_node_red()
    plan = Plan(
        seconds=asked.seconds,
        faults=asked.faults,
        rate_per_s=asked.rate,
        agents=asked.agents,
        kinds=PEER_KINDS if chosen else tuple(asked.kinds),
        real_disks=why_not is None,
    )
    outcomes = []
    for seed in asked.seeds:
        folder = asked.folder / f"seed-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        outcome = asyncio.run(run(seed, plan, folder, _saying(seed)))
        print(file=sys.stderr)
        outcomes.append(outcome)
        if outcome.audit.is_clean and not asked.keep:
            shutil.rmtree(folder)
        print("\n".join(table(outcomes)), flush=True)
        for peer in chosen:
            folder = asked.folder / f"seed-{seed}-{peer}"
            shutil.rmtree(folder, ignore_errors=True)
            passed, counted = asyncio.run(run_peer(peer, seed, plan, folder, _saying(seed)))
            print(
                f"seed {seed}, {PEERS[peer]}: {passed} passed, {counted} counted, "
                f"{1 - counted / passed:.1%} lost",
                flush=True,
            )
    return 0 if all(outcome.audit.is_clean for outcome in outcomes) else 1


def _install_node_red() -> None:
    if not node_red_program(ROOT).exists():
        folder = ROOT / "var" / "node-red"
        folder.mkdir(parents=True, exist_ok=True)
        print("npm installs Node-RED into var/node-red, which takes some minutes", flush=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", NODE_RED], cwd=folder, check=True
        )


def _numbers(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _saying(seed: int) -> Callable[[str], None]:
    def say(line: str) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        print(f"seed {seed}  {line:<60}", end=end, file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    raise SystemExit(main())
