"""The command line of the booted machines; see `tests/provision/boot/__init__.py`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from tests.provision.boot import office
from tests.provision.boot.nest import Nest
from tests.provision.boot.root import SUITES, NoMachine

SKIPPED = 77
NEST = os.environ.get("MACHIAI_NEST", "own")


def main() -> int:
    """Run one word; returns its exit code."""
    arguments = _parser().parse_args()
    if os.geteuid() != 0:
        sys.stderr.write("Want root for namespaces and mounts: sudo make test-boot\n")
        return SKIPPED
    nest = Nest(arguments.nest)
    word = arguments.word
    if word in {None, "all"}:
        return _whole(arguments.suite or SUITES)
    if word == "up":
        return _up(nest, arguments.hosts, (arguments.suite or SUITES[:1])[0])
    if word == "down":
        nest.end()
        return 0
    if not nest.is_up:
        sys.stderr.write(f"Want a nest, got none of the name {nest.name}: up comes first\n")
        return 69
    return _inside(nest, word, arguments)


def _whole(suites: Sequence[str]) -> int:
    from tests.provision.boot import whole  # noqa: PLC0415

    try:
        return whole.run(suites)
    except NoMachine as error:
        sys.stderr.write(f"Skipped, no machine can be booted here. {error}\n")
        return SKIPPED


def _inside(nest: Nest, word: str, arguments: argparse.Namespace) -> int:
    words: list[str] = getattr(arguments, "words", [])
    if word == "play":
        is_named = bool(words) and words[0].endswith(".yml")
        book, rest = (words[0], words[1:]) if is_named else ("site.yml", words)
        return office.play(nest, book, *rest)
    if word == "run":
        done = subprocess.run([*nest.enter, *words], env=nest.environment, check=False)
        return done.returncode
    if word == "citizen":
        heard = nest.citizen(words)
        sys.stdout.write(heard.stdout)
        sys.stderr.write(heard.stderr)
        return heard.returncode
    machine = nest.machine(arguments.host, office.ADDRESSES[arguments.host])
    if word == "cut":
        machine.cut()
        return 0
    return machine.sh(*words, check=False, capture=False).returncode


def _up(nest: Nest, hosts: list[str], suite: str) -> int:
    nest.start(outlives_us=True)
    office.lay_out(nest)
    machines = [nest.machine(host, office.ADDRESSES[host], suite) for host in hosts or office.HOSTS]
    for machine in machines:
        machine.prepare()
        office.furnish(machine)
        machine.start()
    for machine in machines:
        machine.wait()
        sys.stdout.write(f"{machine.name} is up at {machine.address}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.provision.boot", description=__doc__)
    parser.add_argument("--nest", default=NEST, help=f"whose machines ({NEST})")
    parser.add_argument(
        "--suite", action="append", choices=SUITES, help="which Debian (up: bookworm; all: both)"
    )
    words = parser.add_subparsers(dest="word", metavar="WORD")
    words.add_parser("all", help="the whole test; so is no word")
    up = words.add_parser("up", help="boot machines and keep them")
    up.add_argument("hosts", nargs="*", choices=[*office.HOSTS, []], metavar="HOST")
    words.add_parser("down", help="end all of them")
    for word, does in (
        ("play", "a playbook, site.yml if none is named"),
        ("run", "a command that can reach the machines"),
        ("citizen", "a command of a stranger on the office's network"),
    ):
        command = words.add_parser(word, help=does)
        command.add_argument("words", nargs=argparse.REMAINDER)
    for word, does in (("sh", "a command in a machine, as root"), ("cut", "the power fails")):
        command = words.add_parser(word, help=does)
        command.add_argument("host", choices=office.HOSTS)
        if word == "sh":
            command.add_argument("words", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
