"""An office whose machines are folders here: the playbooks of certificates run on them for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from broker.clock import Clock
from tests.conftest import ROOT

PHRASE = "not for an office"
BIN = Path(sys.executable).parent
HOSTS = ["hub", "gates"]
NAMES = {"hub": ["hub", "notice", "broker", "web"], "gates": ["gates"]}
"""What each has certificates of; that of the page is another authority's."""
SITE = """
[site]
id = "nishi"
name = { ja = "西区役所" }
timezone = "Asia/Tokyo"
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
url = "https://www.nishi.example.jp/"

[[lots]]
id = "front"
capacity = 40
name = { ja = "駐車場" }

[[gates]]
id = "front-in"
lot = "front"

[[devices]]
id = "gates"

[[devices.sensors]]
kind = "gate"
gate = "front-in"
pins = [17]
direction = "in"

[broker]
host = "127.0.0.1"
port = %d
"""
TRIAL = """
- name: Certificates alone
  hosts: all
  gather_facts: false
  roles: [pki]
"""


def machiai(*words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """The command line, by a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "machiai", *words],
        cwd=ROOT,
        input=typed,
        check=False,
        capture_output=True,
        text=True,
    )


class PlayedOffice:
    """Its site file, inventory and authority, and a folder a machine."""

    def __init__(self, folder: Path, port: int) -> None:
        if os.geteuid() != 0:
            pytest.skip("files of root are made: run as root")
        if not (BIN / "ansible-playbook").exists():
            pytest.skip("ansible is not installed: sh tools/venv.sh dev")
        self.folder = folder
        self.site, self.inventory = folder / "site.toml", folder / "inventory"
        self.authority = folder / "authority"
        self.site.write_text(SITE % port, "utf-8")
        self.inventory.mkdir()
        addresses = "".join(f'"{host}" = "127.0.0.1"\n' for host in HOSTS)
        (self.inventory / "addresses.toml").write_text(addresses, "utf-8")
        assert machiai("inventory", str(self.site), "--out", str(self.inventory)).returncode == 0
        self.pki("init")
        (folder / "trial.yml").write_text(TRIAL, "utf-8")
        for host in HOSTS:
            (folder / host).mkdir()

    def pki(self, act: str, *words: str) -> str:
        """Tell the authority; what it answers."""
        phrase = ["--pass-file", "-"]
        done = machiai("pki", act, str(self.authority), *words, *phrase, typed=f"{PHRASE}\n")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, name: str) -> Path:
        """Where the key of this name is."""
        (host,) = [host for host, names in NAMES.items() if name in names]
        return self.folder / host / f"{name}.key"

    def certificate(self, name: str) -> Path:
        return self.key(name).with_suffix(".pem")

    def play(self, book: str, *words: str, phrase: str = PHRASE, clock: Clock | None = None) -> str:
        """Run a playbook; what it said. No service of this computer is touched."""
        told = {
            "ansible_connection": "local",
            "ansible_become": False,
            "machiai_https_cert": "of another authority",
            "pki_authority": str(self.authority),
            "pki_folder": f"{self.folder}/{{{{ machiai_id }}}}",
            "pki_phrase": phrase,
            "pki_services": [],
        }
        where = self.folder / book
        if not where.exists():
            where = ROOT / "ansible" / book
        program = [str(BIN / "ansible-playbook"), str(where), "-i", str(self.inventory)]
        done = subprocess.run(
            [*program, *words, "-e", json.dumps(told)],
            cwd=self.folder,
            env={
                **os.environ,
                **(clock.environment() if clock else {}),
                "ANSIBLE_CONFIG": str(ROOT / "ansible" / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
            },
            check=False,
            capture_output=True,
            text=True,
        )
        return f"{done.stdout}{done.stderr}\nrc={done.returncode}\n"
