"""Tries every target for a while, each in a process of its own, and prints what came of it.

Example: python -m tests.fuzz --seconds 600
"""

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.fuzz import engine

NAMES = ("codec", "fold", "site", "ticket", "queue", "alerts", "http")
CHILD = "--child"
_TARGETS = "tests.fuzz.targets"  # imported in the child alone, so that atheris sees it coming


def main() -> int:
    """Run what the command line says; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Feeds hostile bytes.")
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs; not with atheris (1)")
    parser.add_argument("--plain", action="store_true", help="without atheris, if it is there")
    parser.add_argument(CHILD, metavar="FOLDER", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if strange := set(arguments.names) - set(NAMES):
        parser.error(f"want a target of {', '.join(NAMES)}, got {min(strange)!r}")
    guided = importlib.util.find_spec("atheris") is not None and not arguments.plain
    if arguments.child is not None:
        _feed(arguments, guided=guided)
        return 0
    os.nice(10)
    _tell("target      inputs  seconds slowest s  peak MiB  growth")
    return sum([_try(name, arguments) for name in arguments.names or NAMES])


def _feed(arguments: argparse.Namespace, *, guided: bool) -> None:
    """In the child: feed one target."""
    (name,) = arguments.names
    target = (engine.instrumented if guided else importlib.import_module)(_TARGETS).TARGETS[name]
    given = (target.begin(), target.seeds, target.words, target.max_bytes, arguments.seconds)
    if guided:
        engine.fuzz_by_coverage(*given, arguments.child)
    figures = engine.fuzz(*given, arguments.seed)
    (arguments.child / "figures.json").write_bytes(msgspec.json.encode(figures))


def _try(name: str, arguments: argparse.Namespace) -> bool:
    """In the parent: run the child and tell; True if it found something."""
    with tempfile.TemporaryDirectory(prefix="machiai-fuzz-") as folder:
        words = [name, "--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
        words += [CHILD, folder, *(["--plain"] if arguments.plain else [])]
        command = [sys.executable, "-m", "tests.fuzz", *words]
        done = subprocess.run(command, check=False, capture_output=True)
        path = Path(folder) / "figures.json"
        if path.exists():
            shown = msgspec.json.decode(path.read_bytes())
            _tell(
                f"{name:8} {shown['inputs']:9} {shown['seconds']:8} {shown['slowest_s']:9}"
                f" {shown['peak_mib']:9} {shown['growth_mib']:7}"
            )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        _tell(f"{name}: exit code {done.returncode}\n{said[-6000:]}")
    return done.returncode != 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
