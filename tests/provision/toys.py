"""Tiny releases for tests of the updater: real wheels, really signed, of a toy named machiai."""

import base64
import ensurepip
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.conftest import ROOT
from tools import release

PROGRAM = ROOT / "ansible" / "roles" / "release" / "files" / "machiai-update"
PYTHON = Path(sys.base_prefix) / "bin" / "python3"
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}-{platform.machine()}"

_TOY = """import os, socket, sys, time

def tell(words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(words.encode(), os.environ["NOTIFY_SOCKET"])

def main():
    import toy
    if sys.argv[1:] == ["--version"]:
        print("machiai {version}")
    elif sys.argv[1] == "check":
        if {refuses}:
            print("machiai: Object contains unknown field - at `$.new`", file=sys.stderr)
            return 78
    elif "{how}" == "crash":
        return 1
    else:
        tell("READY=1\\nSTATUS={status}")
        time.sleep(3600)
    return 0
"""


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """A wheel as anybody's; with a command of its name if it is machiai's."""
    info = f"{name}-{version}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    )
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if name == "machiai":
        files[f"{info}/entry_points.txt"] = b"[console_scripts]\nmachiai = machiai:main\n"
    record = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(content)}")
    record.append(f"{info}/RECORD,,")
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as packed:
        for path, content in files.items():
            packed.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
        packed.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join(record) + "\n")
    return made


class Maker:
    """Makes releases in a folder and signs them with a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> bytes:
        """What a machine has of the key."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def make(  # noqa: PLR0917
        self,
        version: str,
        how: str = "well",
        status: str = "heard by the hub",
        refuses: bool = False,  # noqa: FBT001, FBT002
        platforms: Sequence[str] = (HERE,),
        payload: bytes = b"",
    ) -> Path:
        """A release of the toy as a folder."""
        folder = self.folder / f"machiai-{version}"
        shutil.rmtree(folder, ignore_errors=True)
        wheels, requirements = folder / "wheels", folder / "requirements"
        wheels.mkdir(parents=True)
        requirements.mkdir()
        toy = _TOY.format(version=version, how=how, status=status, refuses=refuses)
        own = {"machiai.py": toy.encode(), "machiai_payload.bin": payload}
        lines = {
            "machiai": wheel(wheels, "machiai", version, own),
            "edge": wheel(wheels, "toy", "1.0", {"toy.py": b"WAITS = True\n"}),
        }
        for role, path in lines.items():
            name, number = path.name.split("-")[:2]
            line = f"{name}=={number} --hash=sha256:{release.sha256(path)}\n"
            (requirements / f"{role}.txt").write_text(line, "ascii")
        shutil.copy(pip(), wheels)
        users = {platform: {path.name for path in wheels.iterdir()} for platform in platforms}
        release.sign(folder, release.manifest(version, ["edge"], folder, users), self.key)
        return folder

    def tar(self, folder: Path) -> Path:
        """The same as one file."""
        made = folder.with_name(f"{folder.name}-{HERE}.tar")
        release.pack(folder, HERE, made)
        return made

    def signed_anew(self, folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest and sign it as its owner would."""
        said = json.loads((folder / "manifest.json").read_bytes())
        change(said)
        release.sign(folder, json.dumps(said).encode(), self.key)


def pip() -> Path:
    """The pip that comes with this Python."""
    found = sorted(
        path
        for folder in (
            Path(ensurepip.__file__).parent / "_bundled",
            Path("/usr/share/python-wheels"),
        )
        for path in folder.glob("pip-*.whl")
    )
    if not found:
        pytest.skip("this Python brings no pip along: apt-get install python3-venv")
    return found[-1]


class Machine:
    """A machine below a root folder of its own."""

    def __init__(self, root: Path, maker: Maker) -> None:
        self.root, self.maker = root, maker
        self.home = root / "opt/machiai"
        (root / "etc/machiai").mkdir(parents=True, exist_ok=True)
        (root / "etc/machiai/release.pub").write_bytes(maker.public)
        (root / "etc/machiai/site.toml").write_text("[site]\n", "ascii")

    def command(self, *words: str | Path) -> list[str]:
        """The updater's command line."""
        return [str(PYTHON), str(PROGRAM), "--root", str(self.root), *map(str, words)]

    def update(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the updater to its end. Whatever happens, it says one line and no traceback."""
        done = subprocess.run(
            self.command(*words), check=False, capture_output=True, text=True, timeout=100
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == bool(done.returncode), done.stderr
        return done

    def install(self, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Install a release that is right, or not."""
        return self.update("install", path, "--roles", "edge", *words)

    @property
    def runs(self) -> str:
        """What the current program says that it is; `nothing` if there is none."""
        program = self.home / "current/venv/bin/machiai"
        if not program.exists():
            return "nothing"
        done = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
        return done.stdout.strip().removeprefix("machiai ")

    @property
    def releases(self) -> list[str]:
        """What lies there."""
        return sorted(path.name for path in (self.home / "releases").iterdir())

    def leftovers(self) -> list[str]:
        """What no release and no part of the updater is."""
        expected = {"releases", "current", "update.lock"}
        whole = [self.home / "releases" / name / "release.json" for name in self.releases]
        return [
            *(path.name for path in self.home.iterdir() if path.name not in expected),
            *(str(path) for path in whole if not path.exists()),
        ]
