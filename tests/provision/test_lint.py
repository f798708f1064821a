"""The playbooks are what ansible-lint calls fit for production; nothing in the tree is a secret."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.test_house import our_files, our_texts

pytestmark = pytest.mark.timeout(600)  # ansible-lint takes half a minute of processor time

HERE = Path(__file__).parent
ANSIBLE = ROOT / "ansible"
BIN = Path(sys.executable).parent
PLAYBOOKS = sorted(path.name for path in ANSIBLE.glob("*.yml"))
ROLES = sorted(path.name for path in (ANSIBLE / "roles").glob("*") if path.is_dir())
NEEDED = {
    "site.yml", "update.yml", "rotate.yml", "revoke.yml", "wipe.yml", "readonly.yml", "report.yml",
}  # fmt: skip


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of the virtual environment, in the playbooks' folder, without colours."""
    if not (BIN / name).exists():
        pytest.skip(f"{name} is not installed: sh tools/venv.sh dev")
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.run(
        [str(BIN / name), *arguments],
        cwd=ANSIBLE,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_all_playbooks_are_there() -> None:
    assert set(PLAYBOOKS) >= NEEDED


def test_ansible_lint_finds_nothing_in_its_production_profile() -> None:
    done = tool("ansible-lint", "--offline", "--profile", "production", "--strict", "-q")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert "# noqa" not in "".join(text for _, text in our_playbooks()), "nothing is hushed up"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_parses(playbook: str) -> None:
    done = tool("ansible-playbook", "--inventory", "localhost,", "--syntax-check", playbook)
    assert done.returncode == 0, done.stdout + done.stderr


def our_playbooks() -> list[tuple[str, str]]:
    """All that Ansible reads: playbooks, roles, variables."""
    return [
        (name, text)
        for name, text in our_texts()
        if name.startswith("ansible/") and name.endswith((".yml", ".yaml"))
    ]


def test_only_what_comes_with_ansible_is_used() -> None:
    assert our_playbooks()
    others = [
        f"{name}: {module}"
        for name, text in our_playbooks()
        for module in re.findall(r"^[\s-]*([a-z_]\w*\.[a-z_]\w*\.\w+):", text, re.MULTILINE)
        if not module.startswith("ansible.builtin.")
    ]
    assert not others
    assert not [name for name, _ in our_playbooks() if Path(name).name == "requirements.yml"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_test_of_its_name(role: str) -> None:
    tests = {path: path.read_text(encoding="utf-8") for path in HERE.rglob("*.py")}
    named = [path for path in tests if re.fullmatch(rf"test_(\w+_)?{role}(_\w+)?", path.stem)]
    functions = rf"^(?:async )?def test_(?:\w+_)?{role}(?:_\w+)?\("
    tested = [path for path, text in tests.items() if re.search(functions, text, re.MULTILINE)]
    assert named or tested, f"want a test in tests/provision with `{role}` in its name"


EXAMPLES = "(?!password|secret|pass@|guess|TOKEN@|b@|machiai['\"])"
"""Words that documents and tests write where a password would stand."""

SECRETS = {
    "a private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
    "a vault": r"\$ANSIBLE_VAULT;",
    "a token": (
        r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{30}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|"
        r"AIza[\w-]{35}|npm_\w{36}|pypi-AgE\w{10}|sk_live_\w{10}"
    ),
    "a web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{5,}",
    "a password's hash": r"\$(?:1|2[aby]|5|6|y|7|argon2i?d?)\$[./A-Za-z0-9$=,+-]{20,}",
    "a password in an address": rf"://[^\s/:@\"'<>{{}}]+:{EXAMPLES}[^\s/@\"'<>{{}}]+@",
    "a password given": (
        r"(?i)\b\w*(?:password|passwd|passphrase|secret|api_?key|token)\b[\"']?\s*[:=]\s*[\"']"
        rf"{EXAMPLES}[!-~]{{6,}}[\"']"
    ),
    "a key in hexadecimal": r"(?i)\b(?:key|secret|token)\b\W{1,4}[0-9a-f]{32,}\b",
}


@pytest.mark.parametrize(("what", "pattern"), SECRETS.items(), ids=SECRETS)
def test_no_file_holds(what: str, pattern: str) -> None:
    found = [
        f"{name}: {hit.group()[:40]}"
        for name, text in our_texts()
        if (hit := re.search(pattern, text)) and name != "tests/provision/test_lint.py"
    ]
    assert not found, f"{what} in {found}"


def test_what_looks_for_secrets_finds_them() -> None:
    token = secrets.token_hex(20)
    planted = {
        "a private key": f"-----BEGIN OPENSSH {'PRIVATE'} KEY-----",
        "a vault": "$ANSIBLE_VAULT;1.1;AES256",
        "a token": f"ghp_{token}",
        "a web token": f"eyJ{token}.eyJ{token}",
        "a password's hash": f"$6${token}",
        "a password in an address": f"mqtt://hub:{token}@broker",
        "a password given": f'smtp_password = "{token}"',
        "a key in hexadecimal": f"key: {token}",
    }
    assert planted.keys() == SECRETS.keys()
    for what, text in planted.items():
        assert re.search(SECRETS[what], text), what


def test_no_file_is_a_key_or_a_certificate() -> None:
    kinds = {".key", ".pem", ".p12", ".pfx", ".jks", ".csr", ".crt", ".vault"}
    assert not [path for path in our_files() if path.suffix in kinds]
