"""The office that the booted machines are: its site file, inventory and material."""

import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from edge.cards import DATA
from tests.conftest import ROOT
from tests.provision.boot.nest import GATEWAY, Machine, Nest
from tests.provision.boot.root import BOOT

OFFICE = Path(__file__).with_name("office.toml")
PINS = Path(__file__).with_name("pins")
CLIP = DATA / "clips" / "intel_one-by-one-person-detection.mp4"
WEIGHTS = DATA / "weights"
CAMERA = "cam-lobby"
ADDRESSES = {
    "hub": "10.99.0.10",
    "gates": "10.99.0.11",
    CAMERA: "10.99.0.12",
    "lobby-1": "10.99.0.13",
}
HOSTS = [host for host in ADDRESSES if host != CAMERA or CLIP.exists()]

RELEASE_KEY = BOOT / "release.key"
RELEASES = BOOT / "dist"

# What staff write into group_vars/all.yml, and what a trial needs: other places than a home.
_STAFFS = """
pki_authority: {nest}/authority
pki_phrase: {phrase}
release_key: {boot}/release.pub
update_release: "{boot}/dist/machiai-{{{{ update_version_here }}}}"
edge_models: {weights}
"""
# What is not there in a container: pins, and a screen.
_WIRED = {
    "gates": {"GPIOZERO_PIN_FACTORY": "driven", "PYTHONPATH": "/opt/driven"},
    "lobby-1": {"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman"},
}


def lay_out(nest: Nest) -> None:
    """Write the site file, its inventory and what staff would enter there; make the authority."""
    inventory = nest.folder / "inventory"
    if (inventory / "hosts.yml").exists():
        return
    site = nest.folder / "site.toml"
    site.write_text(_site())
    inventory.mkdir(exist_ok=True)
    lines = [f'"{host}" = "{ADDRESSES[host]}"' for host in HOSTS]
    (inventory / "addresses.toml").write_text("\n".join(lines) + "\n")
    _must([".venv/bin/machiai", "inventory", str(site), "--out", str(inventory)])
    phrase = secrets.token_hex(16)
    staff = inventory / "group_vars" / "all.yml"
    text = staff.read_text().replace("machiai_admins: []", f"machiai_admins: [{GATEWAY}]")
    text += _STAFFS.format(nest=nest.folder, boot=BOOT, phrase=phrase, weights=WEIGHTS)
    staff.write_text(text)
    (inventory / "host_vars").mkdir(exist_ok=True)
    for host, environment in _WIRED.items():
        told = "".join(f"  {key}: {value}\n" for key, value in environment.items())
        (inventory / "host_vars" / f"{host}.yml").write_text(f"machiai_environment:\n{told}")
    init = [".venv/bin/machiai", "pki", "init", str(nest.folder / "authority"), "--pass-file", "-"]
    _must(init, said=phrase + "\n")
    _have_key()


def furnish(machine: Machine) -> None:
    """Put there what is wired to it in an office: pins that can be moved, a view of the lobby."""
    upper = machine.folder / "upper"
    if machine.name == "gates":
        shutil.copytree(PINS, upper / "opt/driven", dirs_exist_ok=True)
    if machine.name == CAMERA:
        (upper / "srv").mkdir(exist_ok=True)
        shutil.copy(CLIP, upper / "srv/clip.mp4")
        (upper / "srv/clip.mp4").chmod(0o644)


def release(pythons: list[str]) -> None:
    """Make and sign a release of this tree, for machines as this one."""
    _have_key()
    build = [sys.executable, "tools/release.py", "build", "--key", str(RELEASE_KEY)]
    build += [word for python in pythons for word in ("--python", python)]
    subprocess.run([*build, "--machine", "x86_64", "--out", str(RELEASES)], cwd=ROOT, check=True)


def _have_key() -> None:
    if not RELEASE_KEY.exists():
        BOOT.mkdir(parents=True, exist_ok=True)
        _must([sys.executable, "tools/release.py", "key", "--open", "--key", str(RELEASE_KEY)])


def play(nest: Nest, book: str, *words: str) -> int:
    """Run a playbook of ansible/, or one that is named by its path, on the machines that are up."""
    done = subprocess.run(playing(nest, book, *words), env=nest.environment, check=False)
    return done.returncode


def playing(nest: Nest, book: str, *words: str) -> list[str]:
    """The command that runs a playbook."""
    up = [host for host in HOSTS if nest.machine(host, ADDRESSES[host]).is_up]
    limit = [] if any(word in {"-l", "--limit"} for word in words) else ["--limit", ",".join(up)]
    program = [str(ROOT / ".venv/bin/ansible-playbook"), str(ROOT / "ansible" / book)]
    return [*nest.enter, *program, *limit, *words]


def _site() -> str:
    text = OFFICE.read_text()
    if CLIP.exists():
        return text
    before, _, rest = text.partition("[[devices]]                            #")
    return before + rest[rest.index("[[displays]]") :]


def _must(words: list[str], said: str | None = None) -> None:
    done = subprocess.run(words, cwd=ROOT, input=said, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Want {' '.join(words[:3])}, got: {done.stderr.strip()}")
