"""Plays of one role's tasks on this computer, for roles that need no machine to be judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

ANSIBLE = ROOT / "ansible"
Hosts = dict[str, dict[str, Any]]
"""Variables by host."""


def play(
    folder: Path, hosts: Hosts, tasks: list[dict[str, Any]], groups: dict[str, list[str]]
) -> str:
    """Run tasks on made-up hosts, all of them here; what Ansible said, whatever became of it."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        pytest.skip("ansible-core is not installed: sh tools/venv.sh dev")
    listed = {name: {"hosts": dict.fromkeys(members)} for name, members in groups.items()}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "children": listed}}))
    (folder / "play.json").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    )
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    done = subprocess.run(
        [str(program), "-i", "hosts.json", "play.json", "-e", json.dumps(variables)],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_ROLES_PATH": str(ANSIBLE / "roles"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORKS": "4",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr
