"""The whole: bare machines, one playbook, and what a resident and a stranger then see."""

import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from tests.provision.boot import clerk, office
from tests.provision.boot.nest import Machine, Nest, nests
from tests.provision.boot.root import root

LONGEST_S = 240
"""What `site.yml` may take from bare machines to an office; told, not judged: computers differ."""

TRIES = 120
"""Seconds until what happens at a pin or before a camera must be in the feed."""

STAYS_OUT_S = 10
"""How long a revoked machine is watched; it tries again all the while."""

CARS = 3
CAPACITY = 40
HOST = "hub.nishi.example.jp"
OPEN = {"hub": {443, 8883}}
"""What a stranger finds: of the hub two ports, of all others none."""

_RECAP = re.compile(
    r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE
)
_PORT = re.compile(r"[ :](\d+)/open/")


class Line(NamedTuple):
    """One line of the table."""

    what: str
    figure: str
    is_right: bool = True


class Played(NamedTuple):
    """How a playbook ended."""

    took_s: float
    changed: int
    failed: int
    hosts: int


def run(suites: Sequence[str]) -> int:
    """The whole on each of these Debians; 0 if all is right."""
    office.release([_PYTHONS[suite] for suite in suites])
    lines: list[Line] = []
    for suite in suites:
        root(suite)
        lines += _one(suite)
    width = max(len(line.what) for line in lines)
    sys.stdout.write("\n")
    for line in lines:
        sys.stdout.write(
            f"{'ok  ' if line.is_right else 'BAD '}{line.what:<{width}}  {line.figure}\n"
        )
    return 0 if all(line.is_right for line in lines) else 1


_PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}


def _one(suite: str) -> list[Line]:
    nest = Nest(f"whole-{suite}")
    nest.end()
    lines: list[Line] = []
    try:
        nest.start()
        office.lay_out(nest)
        lines = list(_lines(nest, suite))
    finally:
        nest.end()
    left = nest.folder.exists() or nest.name in {other.name for other in nests()}
    return [
        *lines,
        Line(f"{suite}: nothing is left of the machines", "yes" if not left else "no", not left),
    ]


def _lines(nest: Nest, suite: str) -> list[Line]:
    began_s = time.monotonic()  # noqa: TID251
    machines = {host: nest.machine(host, office.ADDRESSES[host], suite) for host in office.HOSTS}
    for machine in machines.values():
        machine.prepare()
        office.furnish(machine)
        machine.start()
    for machine in machines.values():
        machine.wait()
    took_s = time.monotonic() - began_s  # noqa: TID251
    lines = [Line(f"{suite}: {len(machines)} bare machines are up, s", f"{took_s:.1f}")]

    first = _play(nest, f"{suite}: from bare machines to an office")
    is_whole = first.failed == 0 and first.hosts == len(machines)
    lines += [
        Line(f"{suite}: site.yml on bare machines, failed", str(first.failed), is_whole),
        Line(
            f"{suite}: the same, s (want <= {LONGEST_S})",
            f"{first.took_s:.0f}",
        ),
    ]
    if not is_whole:
        return lines
    lines += _residents(nest, suite, machines)
    copied = machines["hub"].sh("systemctl", "start", "machiai-backup", check=False)
    found = (
        machines["hub"].sh("find", "/var/lib/machiai-backup", "-name", "?.sqlite").stdout.split()
    )
    is_there = copied.returncode == 0 and len(found) == 1
    lines.append(Line(f"{suite}: copies of what the hub keeps", str(len(found)), is_there))
    for what, words in (("again", ()), ("--check", ("--check",))):
        played = _play(nest, f"{suite}: {what}", *words)
        is_same = played.failed == played.changed == 0 and played.hosts == len(machines)
        lines.append(
            Line(
                f"{suite}: site.yml {what}: changed / failed / s",
                f"{played.changed} / {played.failed} / {played.took_s:.0f}",
                is_same,
            )
        )
    lines += _strangers(nest, suite, machines)
    for host, machine in machines.items():
        broken = machine.sh("systemctl", "--failed", "--no-legend", "--plain").stdout.split("\n")
        units = [line.split()[0] for line in broken if line.strip()]
        lines.append(Line(f"{suite}: {host}: failed units", ", ".join(units) or "0", not units))
    return [*lines, *_leavers(nest, suite, machines)]


def _play(nest: Nest, what: str, *words: str, book: str = "site.yml") -> Played:
    """Run a playbook, with its tasks as progress; all it said stands in the nest's log."""
    began_s = time.monotonic()  # noqa: TID251
    said: list[str] = []
    with (
        tqdm(desc=what, unit=" tasks", mininterval=1) as bar,
        subprocess.Popen(
            office.playing(nest, book, *words),
            env=nest.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("TASK ["):
                bar.set_postfix_str(line[6:].partition("]")[0], refresh=False)
                bar.update()
            if line.startswith(("fatal:", "failed:", "[ERROR]")):
                tqdm.write(line.rstrip())
            if line.startswith("changed:") and what.endswith(("again", "--check")):
                tqdm.write(f"{bar.postfix}: {line.rstrip()}")
    took_s = time.monotonic() - began_s  # noqa: TID251
    log = nest.folder.parent.parent / f"{nest.name}.log"
    with log.open("a") as kept:
        kept.writelines([f"# {what}\n", *said])
    recap = [tuple(map(int, numbers)) for _, *numbers in _RECAP.findall("".join(said))]
    return Played(
        took_s=took_s,
        changed=sum(changed for _, changed, _, _ in recap),
        failed=sum(lost + failed for _, _, lost, failed in recap) if recap else 1,
        hosts=len(recap),
    )


def _residents(nest: Nest, suite: str, machines: dict[str, Machine]) -> list[Line]:
    """What staff enter and the edges count is told on the page, and stands on the screen."""
    lines = []
    _hire(nest, machines["hub"])
    said = _clerk(nest, "/parking/set", "place=front", "of=there", "count=0").stderr.strip()
    feed = _until(nest, lambda feed: _free(feed) is not None)
    lines.append(Line(f"{suite}: staff count an empty car park: free", f"{_free(feed)} ({said})"))
    pins = "/run/machiai-edge/pins"
    machines["gates"].sh(
        "sh", "-c", f"until [ -p {pins} ]; do sleep 1; done; echo 17 {CARS} >{pins}"
    )
    feed = _until(nest, lambda feed: _free(feed) == CAPACITY - CARS)
    free = _free(feed)
    told = f"{suite}: free after {CARS} cars came in, in the feed (want {CAPACITY - CARS})"
    lines.append(Line(told, str(free), free == CAPACITY - CARS))
    if office.CAMERA in machines:
        people = _people(_until(nest, lambda feed: _people(feed) is not None))
        lines.append(Line(f"{suite}: people in the feed", str(people), people is not None))
    shown = ""
    for _ in range(TRIES):
        if (shown := _shown(_clerk(nest, "/devices").stdout)) == "the board":
            break
        time.sleep(1)
    return [*lines, Line(f"{suite}: what the screen says that it paints", shown, bool(shown))]


def _hire(nest: Nest, hub: Machine) -> None:
    """Make the first account of the staff's, as install.md does."""
    password = nest.folder / "password"
    password.write_text(secrets.token_hex(12))
    add = f"staff /etc/machiai/site.toml add {clerk.NAME} --role facility --password-file"
    hub.sh(
        "sh",
        "-c",
        f"umask 077; echo {password.read_text()} >/run/word; machiai {add} /run/word; rm /run/word",
    )


def _clerk(nest: Nest, path: str, *fields: str) -> "subprocess.CompletedProcess[str]":
    """What one of the staff gets who is on the office's network."""
    folder = nest.folder
    words = [str(folder / "authority/ca.pem"), office.ADDRESSES["hub"], HOST]
    script = str(Path(clerk.__file__))
    return nest.citizen([sys.executable, script, *words, str(folder / "password"), path, *fields])


def _shown(page: str) -> str:
    """What the display says that it paints, as staff read it; empty if it says nothing."""
    part = page.partition('id="m-lobby-1"')[2]
    found = re.search(r"<dt>Shows</dt><dd>(?:<span[^>]*>▲ </span>)?([^<]+)", part)
    return found[1].strip() if found else ""


def _free(feed: dict[str, Any]) -> int | None:
    for lot in feed.get("lots", []):
        if lot["free"] is not None:
            return int(lot["free"]["p50"])
    return None


def _people(feed: dict[str, Any]) -> int | None:
    for zone in feed.get("zones", []):
        if zone["people"] is not None:
            return int(zone["people"])
    return None


def _until(nest: Nest, is_there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask for the feed, as a resident would, until it says so."""
    feed: dict[str, Any] = {}
    ask = ["curl", "--silent", "--max-time", "5", "--cacert", str(nest.folder / "authority/ca.pem")]
    ask += [
        "--resolve",
        f"{HOST}:443:{office.ADDRESSES['hub']}",
        f"https://{HOST}/api/v1/sites/nishi",
    ]
    for _ in range(TRIES):
        answered = nest.citizen(ask).stdout
        feed = json.loads(answered) if answered.startswith("{") else feed
        if is_there(feed):
            break
        time.sleep(1)
    return feed


def _leavers(nest: Nest, suite: str, machines: dict[str, Machine]) -> list[Line]:
    """One machine is stolen, another leaves in order."""
    hub, lost = machines["hub"], machines["gates"]
    before = _links(hub)
    played = _play(nest, f"{suite}: revoke gates", "-e", "machine=gates", book="revoke.yml")
    stays_out = True
    for _ in range(STAYS_OUT_S):
        stays_out &= lost.address not in _links(hub)
        time.sleep(1)
    after = _links(hub)
    is_right = played.failed == 0 and stays_out and after == before - {lost.address}
    told = f"{len(before)} -> {len(after)}"
    lines = [Line(f"{suite}: machines at the broker, one revoked", told, is_right)]
    answer = ["-e", "machine=lobby-1 wipe_answer=lobby-1"]
    played = _play(nest, f"{suite}: wipe lobby-1", *answer, book="wipe.yml")
    places = ["/etc/machiai", "/var/lib", "/opt", "/run"]
    found = machines["lobby-1"].sh("find", *places, "-name", "*machiai*", check=False).stdout
    left = found.split()
    is_right = played.failed == 0 and not left
    return [*lines, Line(f"{suite}: left on a wiped machine", ", ".join(left) or "0", is_right)]


def _links(hub: Machine) -> set[str]:
    """From which addresses somebody is at the broker now."""
    words = ["ss", "--no-header", "--tcp", "--numeric", "state", "established", "sport = :8883"]
    return {line.split()[-1].rpartition(":")[0] for line in hub.sh(*words).stdout.splitlines()}


def _strangers(nest: Nest, suite: str, machines: dict[str, Machine]) -> list[Line]:
    """All ports of TCP, of all machines at once; nothing is lost on a bridge, so one retry does."""
    scan = ["nmap", "-Pn", "-n", "-sS", "-p-", "-T4", "--max-retries", "1", "--min-rate", "4000"]
    addresses = [machine.address for machine in machines.values()]
    heard = nest.citizen([*scan, "-oG", "-", *addresses]).stdout
    lines = []
    for host, machine in machines.items():
        said = "".join(
            line for line in heard.splitlines() if line.startswith(f"Host: {machine.address} ")
        )
        found = set(map(int, _PORT.findall(said)))
        told = ", ".join(map(str, sorted(found))) or "none"
        is_right = bool(said) and found == OPEN.get(host, set())
        lines.append(Line(f"{suite}: {host}: ports open to a stranger", told, is_right))
        # A scan from outside cannot tell a dropped datagram from one that was taken.
        listening = machine.sh("ss", "--no-header", "--udp", "--listening", "--numeric").stdout
        places = {line.split()[3] for line in listening.splitlines()}
        wide = sorted(place for place in places if not place.startswith(("127.", "[::1]")))
        lines.append(
            Line(f"{suite}: {host}: UDP beyond itself", ", ".join(wide) or "none", not wide)
        )
    return lines
