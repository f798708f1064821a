"""`make release`: the same bytes each time, signed, and all that a machine needs."""

import json
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.provision.toys import HERE, PROGRAM, PYTHON
from tools import release


def program(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "release.py"), *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release for the edges of this machine's kind, as a person makes it."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "phrase").write_text("correct horse\n", "ascii")
    secret = ("--key", folder / "release.key", "--passphrase-file", folder / "phrase")
    done = program("key", *secret)
    assert done.returncode == 0, done.stderr
    words = ("build", *secret, "--out", folder / "dist", "--cache", folder / "cache")
    own = ("--python", HERE.partition("-")[0], "--machine", platform.machine(), "--role", "edge")
    done = program(*words, *own)
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip(f"pip reaches no index from here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    first = {p.name: release.sha256(p) for p in (folder / "dist").rglob("*") if p.is_file()}
    assert program(*words, *own).returncode == 0, "the second time from the cache"
    again = {p.name: release.sha256(p) for p in (folder / "dist").rglob("*") if p.is_file()}
    assert first == again, "the same bytes each time"
    return folder


def test_a_machine_installs_it_with_no_network(made: Path, tmp_path: Path) -> None:
    """The real updater, the real agent's command, the example office."""
    root = tmp_path / "root"
    (root / "etc/machiai").mkdir(parents=True)
    shutil.copy(made / "release.pub", root / "etc/machiai/release.pub")
    for name in ("example.toml", "example-guide.toml"):
        shutil.copy(ROOT / "ansible" / "sites" / name, root / "etc/machiai")
    (root / "etc/machiai/example.toml").rename(root / "etc/machiai/site.toml")
    tar = next((made / "dist").glob("*.tar"))
    install: list[str | Path] = [PYTHON, PROGRAM, "--root", root, "install", tar, "--roles", "edge"]
    if (
        shutil.which("unshare")
        and subprocess.run(["unshare", "-n", "true"], check=False).returncode == 0
    ):
        install = ["unshare", "--net", *install]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    machiai = root / "opt/machiai/current/venv/bin/machiai"
    site = root / "etc/machiai/site.toml"
    asked: list[str | Path] = [machiai, "edge", site, "--device", "nobody", "--state", tmp_path]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert done.returncode == 78
    assert "nobody" in done.stderr, "the agent came as far as the office's devices"


def test_what_a_release_is_made_of(made: Path) -> None:
    folder = next(path for path in (made / "dist").iterdir() if path.is_dir())
    said = json.loads((folder / "manifest.json").read_bytes())
    assert said["platforms"] == [HERE]
    files = {p.relative_to(folder).as_posix() for p in folder.glob("*/*")}
    assert files == set(said["files"])
    with tarfile.open(folder.with_name(f"{folder.name}-{HERE}.tar")) as tar:
        members = tar.getmembers()
    assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(0, 0, 0, "")}
    assert {m.name.partition("/")[2] for m in members} == files | {"manifest.json", "manifest.sig"}


def test_the_key_is_made_once_and_opened_by_its_phrase_alone(made: Path, tmp_path: Path) -> None:
    key = made / "release.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in key.read_bytes()
    secret = ("--key", key, "--passphrase-file", tmp_path / "phrase")
    (tmp_path / "phrase").write_text("wrong", "ascii")
    again = program("key", *secret)
    assert (again.returncode, "there is one already" in again.stderr) == (69, True)
    refused = program("build", *secret, "--out", tmp_path / "dist")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (69, 1)
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("python", "versions"), [("3.11", ["2.4.6"]), ("3.12", ["2.5.5"]), ("3.13", ["2.5.5"])]
)
def test_a_lock_is_read_for_the_wanted_python_and_not_for_ours(
    python: str, versions: list[str]
) -> None:
    lock = (
        f"numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:{'a' * 64}\n"
        "    # via machiai\n"
        f"numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:{'b' * 64} \\\n"
        f"    --hash=sha256:{'c' * 64}\n"
        f"colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:{'d' * 64}\n"
    )
    wanted = release.Platform(python, "aarch64")
    assert [pin.version for pin in release.pins(lock) if wanted.wants(pin)] == versions


@pytest.mark.parametrize("role", [*release.ROLES, release.VOICE])
def test_every_package_of_a_lock_is_read(role: str) -> None:
    lock = (ROOT / "requirements" / f"{role}.txt").read_text("utf-8")
    assert len(release.pins(lock)) == sum(
        "==" in line for line in lock.splitlines() if line[0] not in " #"
    )
