"""readonly.yml, report.yml and wipe.yml on a booted Debian; its agent is a stand-in.

MACHIAI_BOOT=1 runs it. An overlay over the root needs a kernel of its own and is not tried here;
all else of the role is.
"""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.provision.boot import office
from tests.provision.boot.nest import Machine, Nest

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="machines are booted by root alone"),
    pytest.mark.skipif("MACHIAI_BOOT" not in os.environ, reason="MACHIAI_BOOT=1 boots a machine"),
    pytest.mark.timeout(900),
]

SUITE = os.environ.get("MACHIAI_SUITE", "bookworm")
STATE = "/var/lib/machiai-edge"
STAND_IN = f"""
set -e
groupadd -r machiai-edge; useradd -r -g machiai-edge -s /usr/sbin/nologin machiai-edge
mkdir -p /etc/machiai/pki /opt/machiai/releases/1.0 {STATE} /srv/data
ln -s releases/1.0 /opt/machiai/current
echo key >/etc/machiai/pki/gates.key
echo outbox >{STATE}/outbox.sqlite
chown -R machiai-edge: {STATE}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 100 -subj /CN=gates \\
    -keyout /dev/null -out /etc/machiai/pki/gates.pem 2>/dev/null
cat >/etc/systemd/system/machiai-edge.service <<END
[Service]
User=machiai-edge
StateDirectory=machiai-edge
ExecStart=/bin/sh -c 'echo started >>{STATE}/outbox.sqlite; exec sleep infinity'
[Install]
WantedBy=multi-user.target
END
systemctl enable --now machiai-edge
"""


class Booted:
    """A machine, and what playbooks say when they are run on it."""

    def __init__(self, nest: Nest, machine: Machine) -> None:
        self.nest, self.machine = nest, machine

    def play(self, book: str, *words: str) -> tuple[int, str]:
        program = [str(ROOT / ".venv/bin/ansible-playbook"), str(ROOT / "ansible" / book)]
        done = subprocess.run(
            [*self.nest.enter, *program, "--limit", "gates", *words],
            cwd=self.nest.folder,
            env=self.nest.environment | {"PWD": str(self.nest.folder)},
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def says(self, script: str) -> str:
        return self.machine.sh("sh", "-c", script, check=False).stdout.strip()


@pytest.fixture(scope="module")
def booted() -> Iterator[Booted]:
    nest = Nest("roles-test")
    nest.start()
    try:
        office.lay_out(nest)
        machine = nest.machine("gates", office.ADDRESSES["gates"], SUITE)
        machine.start()
        machine.wait()
        machine.sh("sh", "-c", STAND_IN)
        yield Booted(nest, machine)
    finally:
        nest.end()


APART = ["-e", "readonly_data=/srv/data readonly_options=bind readonly_root=false"]


def test_readonly_keeps_the_data_apart_and_brings_them_back(booted: Booted) -> None:
    before = booted.says(f"cat {STATE}/outbox.sqlite")
    code, said = booted.play("readonly.yml", *APART)
    assert code == 0, said
    assert "/srv/data/machiai-edge" in booted.says(f"findmnt --noheadings {STATE}")
    assert booted.says("cat /srv/data/machiai-edge/outbox.sqlite") == f"{before}\nstarted"
    assert booted.says("systemctl is-active machiai-edge") == "active"

    code, said = booted.play("readonly.yml", *APART)
    assert code == 0, said
    assert "changed=0" in said

    code, said = booted.play("readonly.yml", *APART, "-e", "readonly_on=false")
    assert code == 0, said
    assert booted.says(f"cat {STATE}/outbox.sqlite") == f"{before}\nstarted\nstarted"
    assert booted.says(f"stat --format=%U {STATE}/outbox.sqlite") == "machiai-edge"
    assert booted.says("ls -A /srv/data; findmnt | grep /var/lib/") == ""
    assert booted.says("ls /etc/systemd/system | grep mount") == ""
    assert booted.says("systemctl is-active machiai-edge") == "active"

    code, said = booted.play("readonly.yml", *APART, "-e", "readonly_on=false")
    assert code == 0, said
    assert "changed=0" in said


def test_readonly_stops_where_there_is_no_partition(booted: Booted) -> None:
    code, said = booted.play("readonly.yml")
    assert code != 0
    assert "mkfs.ext4 -L machiai-data" in said
    assert booted.says("systemctl is-active machiai-edge") == "active"


def test_a_report_says_who_is_well_and_who_is_not_reached(booted: Booted) -> None:
    code, said = booted.play("report.yml", "--limit", "gates,lobby-1")
    assert code == 0, said
    told = (booted.nest.folder / "report.txt").read_text()
    assert re.search(r"^gates +1\.0 +well +99 +\d+ % +now", told, re.MULTILINE), told
    assert re.search(r"^lobby-1 +- +not reached", told, re.MULTILINE), told
    assert "changed=0" in said
    booted.says("systemctl kill --signal=KILL machiai-edge; systemctl is-failed machiai-edge")
    code, said = booted.play("report.yml")
    assert code == 0, said
    assert "machiai-edge: failed" in (booted.nest.folder / "report.txt").read_text()
    assert '<tr class="ill"><td>gates</td>' in (booted.nest.folder / "report.html").read_text()
    booted.says("systemctl restart machiai-edge")


def test_wipe_asks_and_then_leaves_no_key_and_no_data(booted: Booted) -> None:
    code, _ = booted.play("wipe.yml", "-e", "machine=gates wipe_answer=yes")
    assert code != 0
    code, _ = booted.play("wipe.yml", "-e", "machine=all wipe_answer=gates")
    assert code != 0
    assert booted.says(f"cat /etc/machiai/pki/gates.key; cat {STATE}/outbox.sqlite | head -1") == (
        "key\noutbox"
    )
    code, said = booted.play("wipe.yml", "-e", "machine=gates wipe_answer=gates")
    assert code == 0, said
    left = booted.says(
        "find / -xdev -path /proc -prune -o -iname '*machiai*' -not -path '/home/*' "
        "-not -path '/etc/sudoers.d/*' -not -path '/tmp/*' -print; getent passwd machiai-edge"
    )
    assert left == ""
    assert booted.says("systemctl is-active machiai-edge") == "inactive"
    assert booted.says("journalctl --no-pager | grep -c 'machiai-edge.service'") == "0"
