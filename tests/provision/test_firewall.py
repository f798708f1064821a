"""The rules of each kind of machine. That they hold is shown where machines are booted."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.provision.playing import ANSIBLE, play

CAMERA = {"host": "192.0.2.20", "port": 554, "user": "machiai-edge", "is_address": True}
MAIL = {"host": "smtp.example.jp", "port": 587, "user": "root", "is_address": False}

COMMON: dict[str, Any] = {
    "machiai_broker_port": 8883,
    "machiai_admins": ["192.0.2.10", "198.51.100.0/28", "2001:db8::10"],
    "machiai_ntp": ["192.0.2.3"],
    "machiai_dns": ["192.0.2.2", "127.0.0.53"],
    "firewall_hub": {
        "stdout_lines": ["192.0.2.1 STREAM hub", "192.0.2.1 DGRAM", "2001:db8::1 RAW"]
    },
}
HOSTS: dict[str, dict[str, Any]] = {
    "hub": {**COMMON, "machiai_ways": [MAIL]},
    "cam-lot": {**COMMON, "machiai_ways": [CAMERA]},
    "desk": {**COMMON, "machiai_let_in": [{"port": 9100, "from": "192.0.2.30"}]},
    "lobby-1": {**COMMON, "machiai_admins": ["192.0.2.10"], "machiai_dns": ["127.0.0.53"]},
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The rules of each machine, as they are written there."""
    folder = tmp_path_factory.mktemp("firewall")
    template = ANSIBLE / "roles/firewall/templates/nftables.conf.j2"
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.include_vars": str(ANSIBLE / "roles/firewall/defaults/main.yml")},
        {"ansible.builtin.include_vars": str(ANSIBLE / "roles/firewall/vars/main.yml")},
        {
            "ansible.builtin.template": {
                "src": str(template),
                "dest": f"{folder}/{{{{ inventory_hostname }}}}.conf",
            }
        },
    ]
    hosts = {
        name: {"machiai_id": name, "machiai_let_in": [], "machiai_ways": [], **variables}
        for name, variables in HOSTS.items()
    }
    output = play(folder, hosts, tasks, {"hub": ["hub"]})
    made = {name: folder / f"{name}.conf" for name in HOSTS}
    assert all(path.exists() for path in made.values()), output
    return {name: path.read_text() for name, path in made.items()}


def lines(rules: str, chain: str) -> list[str]:
    """What one chain accepts."""
    body = rules.partition(f"chain {chain} {{")[2].partition("\n  }")[0]
    return [line.strip() for line in body.splitlines() if "accept" in line]


@pytest.mark.parametrize("host", HOSTS)
def test_firewall_rules_are_such_that_nft_takes_them(
    rules: dict[str, str], host: str, tmp_path: Path
) -> None:
    if os.geteuid() != 0 or shutil.which("nft") is None:
        pytest.skip("want root and nftables: apt-get install nftables")
    known = (
        rules[host]
        .replace("skuid systemd-timesync", "skuid root")
        .replace("skuid _apt", "skuid root")
    )
    (tmp_path / "rules").write_text(known)
    words = ["unshare", "--net", "nft", "--file", str(tmp_path / "rules")]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("host", HOSTS)
def test_all_is_dropped_that_is_not_named(rules: dict[str, str], host: str) -> None:
    for hook in ("input", "forward", "output"):
        assert f"hook {hook} priority filter; policy drop;" in rules[host]


def test_only_the_hub_has_ports_for_everybody(rules: dict[str, str]) -> None:
    for host in HOSTS:
        for_all = [line for line in lines(rules[host], "in") if line.startswith("tcp dport")]
        wanted = ["tcp dport { 443, 8883 }"] if host == "hub" else []
        assert [line.partition(" accept")[0] for line in for_all] == wanted


def test_staff_come_in_by_ssh_from_where_they_are(rules: dict[str, str]) -> None:
    assert "ip saddr { 192.0.2.10, 198.51.100.0/28 } tcp dport 22 accept" in lines(
        rules["desk"], "in"
    )
    assert "ip6 saddr { 2001:db8::10 } tcp dport 22 accept" in lines(rules["desk"], "in")
    assert "ip saddr { 192.0.2.10 } tcp dport 22 accept" in lines(rules["lobby-1"], "in")


def test_devices_go_to_the_hub_and_to_what_the_site_file_names(rules: dict[str, str]) -> None:
    out = lines(rules["cam-lot"], "out")
    assert "ip daddr { 192.0.2.1 } tcp dport 8883 accept" in out
    assert "ip6 daddr { 2001:db8::1 } tcp dport 8883 accept" in out
    assert "ip daddr { 192.0.2.20 } tcp dport 554 accept" in out
    assert "ip daddr { 192.0.2.3 } meta skuid systemd-timesync udp dport 123 accept" in out
    assert "meta skuid @fetching tcp dport { 80, 443 } accept" in out
    assert [line for line in out if "th dport 53" in line] == [
        "ip daddr { 192.0.2.2 } meta l4proto { tcp, udp } th dport 53 accept"
    ]
    assert not any("554" in line for line in lines(rules["desk"], "out"))


def test_what_has_a_name_and_no_address_is_reached_by_its_user_alone(rules: dict[str, str]) -> None:
    assert any(
        line.startswith("meta skuid root tcp dport 587") for line in lines(rules["hub"], "out")
    )


def test_only_the_hub_fetches_packages_outside_a_play(rules: dict[str, str]) -> None:
    always = "meta skuid _apt tcp dport { 80, 443 } accept"
    assert [host for host in HOSTS if always in lines(rules[host], "out")] == ["hub"]


def test_a_ticket_machine_that_comes_is_let_in_alone(rules: dict[str, str]) -> None:
    assert "ip saddr { 192.0.2.30 } tcp dport 9100 accept" in lines(rules["desk"], "in")
