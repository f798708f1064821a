"""A bare Debian root, made by debootstrap once and used by all machines as their lower layer."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from tests.conftest import ROOT

BOOT = ROOT / "var" / "boot"
SUITES = ("bookworm", "trixie")
PACKAGES = (
    "systemd,systemd-sysv,dbus,libpam-systemd,python3,openssh-server,sudo,ca-certificates,iproute2"
)
"""As on a Pi after its first boot: what ssh and Ansible need, and no more."""

_INSIDE = "update-ca-certificates && apt-get update && apt-get upgrade --yes && apt-get clean"
_AUTHORITIES = Path("/usr/local/share/ca-certificates")


class NoMachine(SystemExit):
    """Nothing can be booted here, and why."""


def root(suite: str) -> Path:
    """The root of this suite; another one, beside it, when what it is made of has changed."""
    folder = BOOT / "roots" / f"{suite}-{_recipe(suite)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (BOOT / "roots" / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a neighbour may be making it
        if not folder.exists():
            made = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(made, ignore_errors=True)
            _make(suite, made)
            made.rename(folder)
    return folder


def _make(suite: str, folder: Path) -> None:
    folder.mkdir()
    sites = _mirrors()
    sys.stderr.write(f"Making a Debian {suite}, one to three minutes\n")
    log = folder.parent / f"{suite}.log"
    with log.open("wb") as said:
        made_of = ["--variant=minbase", f"--include={PACKAGES}", suite, str(folder), sites["main"]]
        # With mounts of its own: one that fails would leave its /proc in the root.
        _run(["unshare", "--mount", "debootstrap", *made_of], said, log)
        (folder / "etc/apt/sources.list").write_text(_sources(suite, sites))
        for authority in _AUTHORITIES.glob("*.crt"):
            shutil.copy(authority, folder / _AUTHORITIES.relative_to("/"))
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        _run(["chroot", str(folder), "sh", "-c", _INSIDE], said, log)
    # What a machine has of its own: made at its first boot.
    for own in folder.glob("etc/ssh/ssh_host_*"):
        own.unlink()
    (folder / "etc/machine-id").write_text("")
    (folder / "var/lib/dbus/machine-id").unlink(missing_ok=True)


def _recipe(suite: str) -> str:
    """A checksum of what it is made of; the last part counts changes of `_make`."""
    parts = [suite.encode(), PACKAGES.encode(), _INSIDE.encode(), b"1"]
    parts += [one.read_bytes() for one in sorted(_AUTHORITIES.glob("*.crt"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:8]


def _mirrors() -> dict[str, str]:
    """This machine's mirrors, whatever they are: of the main archive and of security updates."""
    words = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    sites: dict[str, str] = {}
    for line in listed.splitlines():
        site, release, component = line.split()
        if component == "main" and release in SUITES:
            sites.setdefault("main", site)
        if component == "main" and release.endswith("-security"):
            sites.setdefault("security", site)
    if "main" not in sites:
        raise NoMachine("Want a Debian mirror in this machine's apt sources, got none")
    return sites


def _sources(suite: str, sites: dict[str, str]) -> str:
    lines = [f"deb {sites['main']} {release} main" for release in (suite, f"{suite}-updates")]
    if "security" in sites:
        lines.append(f"deb {sites['security']} {suite}-security main")
    return "\n".join(lines) + "\n"


def _run(words: list[str], said: BinaryIO, log: Path) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, stdout=said, stderr=said, env=environment, check=False)
    if done.returncode:
        last = log.read_text(errors="replace").splitlines()[-5:]
        raise NoMachine("\n".join([f"Want a Debian root, got from {words[0]}:", *last]))
