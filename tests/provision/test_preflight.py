"""What the playbook refuses before it changes anything, and what it says then."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.provision.playing import play

WELL: dict[str, Any] = {
    "check": "",
    "distribution": "Debian",
    "release": "12",
    "architecture": "aarch64",
    "bits": "64",
    "manager": "systemd",
    "machine": "",
    "ahead_s": 2,
    "free_mib": 9000,
    "source": "192.0.2.10",
    "is_admin": True,
}

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "well": ({}, ""),
    "new": ({"release": "13"}, ""),
    "pi-32": ({"architecture": "armv7l", "bits": "32"}, "write Raspberry Pi OS Lite (64-bit)"),
    # A 64-bit kernel under a 32-bit system, as Raspberry Pi OS (32-bit) has it on a Pi 4.
    "pi-half": ({"bits": "32"}, "write Raspberry Pi OS Lite (64-bit)"),
    "old": ({"release": "11"}, "runs Debian 11, and this is for Debian 12 or 13"),
    "other": ({"distribution": "Ubuntu", "release": "24"}, "runs Ubuntu 24"),
    "full": ({"free_mib": 2047}, "has 2047 MiB free, and needs 2048"),
    "slow": ({"ahead_s": -61}, "are 61 s apart"),
    "fast": ({"ahead_s": 86400}, "sudo timedatectl set-ntp true"),
    "named": ({"hostname": "raspberrypi"}, "calls itself raspberrypi, and named is wanted"),
    "copy-1": ({"machine": "c0ffee"}, "copies of one another"),
    "copy-2": ({"machine": "c0ffee"}, "copy-2 and copy-1"),
    "twin-1": ({}, "have one address, 192.0.2.99"),
    "twin-2": ({}, "have one address, 192.0.2.99"),
    "far": (
        {"is_admin": False},
        "sees this computer as 192.0.2.10, which is not in machiai_admins",
    ),
    "wrong": ({"check": "want a lot - at `$.gates`"}, "want a lot - at `$.gates`"),
    "stranger": ({}, "stranger is not in the site file"),
    "open": ({}, "machiai_admins is empty"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each of the machines was refused with; nothing for one that was not."""
    hosts = {}
    for number, (name, (seen, _)) in enumerate(CASES.items()):
        address = "192.0.2.99" if name.startswith("twin") else f"192.0.2.{100 + number}"
        hosts[name] = {
            "ansible_host": address,
            "machiai_id": name,
            "machiai_site": "minami",
            "machiai_admins": [] if name == "open" else ["192.0.2.0/28"],
            "preflight_seen": {**WELL, "hostname": name, **seen},
        }
    del hosts["stranger"]["machiai_id"]
    tasks = [{"ansible.builtin.import_role": {"name": "preflight", "tasks_from": "judge"}}]
    output = play(tmp_path_factory.mktemp("preflight"), hosts, tasks, {"edge": list(hosts)})
    fatal = re.findall(r"^fatal: \[(.+?)\]: FAILED! => (\{.*\})$", output, re.MULTILINE)
    ended = re.findall(r"^(\S+)\s+: ok=", output, re.MULTILINE)
    assert sorted(ended) == sorted(CASES), output
    return {**dict.fromkeys(CASES, ""), **{host: json.loads(why)["msg"] for host, why in fatal}}


@pytest.mark.parametrize("case", CASES)
def test_preflight_refuses_in_a_sentence(said: dict[str, str], case: str) -> None:
    wanted = CASES[case][1]
    assert wanted in said[case]
    assert bool(said[case]) == bool(wanted)
    assert "\n" not in said[case]


def test_a_hub_needs_more_room(tmp_path: Path) -> None:
    seen = {**WELL, "hostname": "hub", "free_mib": 3000}
    hub = {"ansible_host": "192.0.2.1", "machiai_id": "hub", "machiai_site": "minami"}
    tasks = [{"ansible.builtin.import_role": {"name": "preflight", "tasks_from": "judge"}}]
    hosts = {"hub": {**hub, "machiai_admins": ["192.0.2.10"], "preflight_seen": seen}}
    assert "3000 MiB free, and needs 3072" in play(
        tmp_path, hosts, tasks, {"web": ["hub"], "edge": [], "display": ["hub"]}
    )
