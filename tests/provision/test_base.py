"""What every machine's own settings say. That they are used is shown where machines are booted."""

import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.provision.playing import ANSIBLE, play

FILES = ["timesyncd", "journald", "system", "sshd"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The settings as they are written on a machine."""
    folder = tmp_path_factory.mktemp("base")
    templates = ANSIBLE / "roles/base/templates"
    tasks = [
        {
            "ansible.builtin.template": {
                "src": f"{templates}/{name}.conf.j2",
                "dest": f"{folder}/{name}",
            }
        }
        for name in FILES
    ]
    variables = {"machiai_id": "desk", "base_ntp": ["192.0.2.3", "ntp.example.jp"]}
    output = play(folder, {"desk": variables}, tasks, {})
    made = {name: folder / name for name in FILES}
    assert all(path.exists() for path in made.values()), output
    return made


def settings(path: Path, section: str) -> dict[str, str]:
    parser = ConfigParser()
    parser.read(path)
    return dict(parser[section])


def test_base_names_the_time_servers_and_no_others(written: dict[str, Path]) -> None:
    said = settings(written["timesyncd"], "Time")
    assert said["ntp"] == "192.0.2.3 ntp.example.jp"
    assert said["fallbackntp"] == ""


def test_base_bounds_the_journal_and_sets_the_watchdog(written: dict[str, Path]) -> None:
    assert settings(written["journald"], "Journal")["systemmaxuse"] == "100M"
    manager = settings(written["system"], "Manager")
    assert 0 < int(manager["runtimewatchdogsec"]) <= 15  # what a Pi's watchdog knows
    assert manager["defaultlimitcore"] == "0"


def test_nobody_logs_in_with_a_password(written: dict[str, Path]) -> None:
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if sshd is None or os.geteuid() != 0:
        pytest.skip("want root and sshd: apt-get install openssh-server")
    key = written["sshd"].with_name("key")
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    words = [sshd, "-T", "-f", str(written["sshd"]), "-h", str(key)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if "privilege separation" in done.stderr:
        pytest.skip("sshd has no /run/sshd here: it has never run")
    assert done.returncode == 0, done.stderr
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    for key_word in ("passwordauthentication", "kbdinteractiveauthentication", "permitrootlogin"):
        assert said[key_word] == "no"
