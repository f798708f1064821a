"""machiai-update: what is put on a machine, and all that is not."""

import fcntl
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provision.toys import HERE, Machine, Maker

FLIPS = int(os.environ.get("MACHIAI_FLIPS", "12"))


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "made")


@pytest.fixture
def machine(tmp_path: Path, maker: Maker) -> Machine:
    return Machine(tmp_path / "root", maker)


def test_a_release_is_installed_without_a_network_and_runs(machine: Machine, maker: Maker) -> None:
    done = machine.install(maker.make("1.0"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1.0 runs")
    assert machine.runs == "1.0"
    assert (machine.home / "current").readlink() == Path("releases/1.0")
    assert machine.update("status").stdout.startswith("1.0 edge ")
    assert machine.leftovers() == []
    assert not (machine.home / "releases/1.0/wheels").exists(), "a card is small"
    again = machine.install(maker.make("1.0"))
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "1.0 is here already")


def test_a_tar_file_is_as_good_as_a_folder(machine: Machine, maker: Maker) -> None:
    assert machine.install(maker.tar(maker.make("1.0"))).returncode == 0
    assert machine.update("install", maker.tar(maker.make("1.1"))).returncode == 0, "roles are kept"
    assert machine.runs == "1.1"


def test_of_all_releases_two_are_kept_and_one_can_go_back(machine: Machine, maker: Maker) -> None:
    for version in ("1.8", "1.9", "1.10"):
        assert machine.install(maker.make(version)).returncode == 0
    assert machine.releases == ["1.10", "1.9"]
    assert machine.update("back").returncode == 0
    assert machine.runs == "1.9"
    assert machine.install(maker.make("1.10")).returncode == 0, "it lies there still"
    assert machine.runs == "1.10"
    assert machine.releases == ["1.10", "1.9"]


def test_an_older_release_needs_a_word(machine: Machine, maker: Maker) -> None:
    older, newer = maker.make("1.9"), maker.make("1.10")
    assert machine.install(newer).returncode == 0
    refused = machine.install(older)
    assert refused.returncode == 65
    assert "want a release from 1.10 on, got 1.9" in refused.stderr
    assert machine.runs == "1.10"
    assert machine.install(older, "--allow-older").returncode == 0
    assert machine.runs == "1.9"


def test_the_same_version_made_anew_is_put_beside_the_one_that_runs(
    machine: Machine, maker: Maker
) -> None:
    assert machine.install(maker.make("1.0")).returncode == 0
    assert machine.install(maker.make("1.0", payload=b"other")).returncode == 0
    assert machine.releases == ["1.0", "1.0-2"]
    assert machine.runs == "1.0"


def test_nothing_is_changed_before_the_new_release_has_read_the_site_file(
    machine: Machine, maker: Maker
) -> None:
    assert machine.install(maker.make("1.0")).returncode == 0
    done = machine.install(maker.make("1.1", refuses=True))
    assert done.returncode == 78
    assert "unknown field - at `$.new`" in done.stderr
    assert (machine.runs, machine.releases, machine.leftovers()) == ("1.0", ["1.0"], [])


def test_only_one_works_at_a_time(machine: Machine, maker: Maker) -> None:
    folder = maker.make("1.0")
    machine.home.mkdir(parents=True)
    with (machine.home / "update.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert machine.install(folder).returncode == 75
    assert machine.install(folder).returncode == 0


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


def a_wheel(folder: Path) -> Path:
    return next(folder.glob("wheels/machiai-*.whl"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def link(path: Path) -> None:
    real = path.with_suffix(".real")
    path.rename(real)
    outside = path.parent.parent.parent / "outside"
    real.rename(outside)
    path.symlink_to(outside)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def renamed(maker: Maker, folder: Path, name: str) -> None:
    """A rightly signed manifest that names a file elsewhere."""

    def change(said: dict[str, dict[str, object]]) -> None:
        said["files"][name] = said["files"].pop("requirements/edge.txt")

    maker.signed_anew(folder, change)


SPOILT: dict[str, Callable[[Maker, Path], object]] = {
    "a byte of a wheel": lambda _, f: flip(a_wheel(f)),
    "a wheel too short": lambda _, f: a_wheel(f).write_bytes(a_wheel(f).read_bytes()[:-1]),
    "a wheel too long": lambda _, f: a_wheel(f).write_bytes(a_wheel(f).read_bytes() + b"x"),
    "a wheel missing": lambda _, f: a_wheel(f).unlink(),
    "a file too many": lambda _, f: (f / "wheels/evil-1.0-py3-none-any.whl").write_bytes(b"x"),
    "a file too many at the top": lambda _, f: (f / "sitecustomize.py").write_bytes(b"x"),
    "a folder too many": lambda _, f: (f / "wheels/more").mkdir(),
    "a wheel is a link": lambda _, f: link(a_wheel(f)),
    "a wheel is a pipe": lambda _, f: pipe(a_wheel(f)),
    "the manifest changed": lambda _, f: flip(f / "manifest.json"),
    "the manifest is a link": lambda _, f: link(f / "manifest.json"),
    "the manifest missing": lambda _, f: (f / "manifest.json").unlink(),
    "the manifest huge": lambda _, f: (f / "manifest.json").write_bytes(b" " * (1 << 21)),
    "the signature changed": lambda _, f: flip(f / "manifest.sig"),
    "the signature too short": lambda _, f: (f / "manifest.sig").write_bytes(b"x" * 63),
    "the signature empty": lambda _, f: (f / "manifest.sig").write_bytes(b""),
    "the signature missing": lambda _, f: (f / "manifest.sig").unlink(),
    "another's signature": lambda _, f: Maker(f.parent / "other").signed_anew(f, dict),
    "signed, but of another machine": lambda m, f: m.signed_anew(
        f, lambda said: said.update(platforms=["3.11-riscv64", "2.7-x86_64"])
    ),
    "signed, but of another Python": lambda m, f: m.signed_anew(
        f, lambda said: said.update(platforms=["2.7-" + HERE.partition("-")[2]])
    ),
    "signed, but of another format": lambda m, f: m.signed_anew(
        f, lambda said: said.update(format=2)
    ),
    "signed, but no version": lambda m, f: m.signed_anew(
        f, lambda said: said.update(version="../../etc")
    ),
    "signed, but no manifest": lambda m, f: m.signed_anew(f, lambda said: said.pop("files")),
    "signed, but for other roles": lambda m, f: m.signed_anew(
        f, lambda said: said.update(roles=["hub"])
    ),
    "signed, but names what lies above": lambda m, f: renamed(m, f, "../../etc/passwd"),
    "signed, but names the root": lambda m, f: renamed(m, f, "/etc/passwd"),
    "signed, but names its own folder": lambda m, f: renamed(m, f, "venv/bin/python"),
    "signed, but hides a climb": lambda m, f: renamed(m, f, "wheels/../../../x"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_folder_that_is_not_as_it_was_signed_is_refused(
    machine: Machine, maker: Maker, spoil: Callable[[Maker, Path], object]
) -> None:
    folder = maker.make("1.0")
    spoil(maker, folder)
    done = machine.install(folder)
    assert done.returncode == 65, done.stderr
    assert (machine.runs, machine.releases, machine.leftovers()) == ("nothing", [], [])


def added(member: tarfile.TarInfo, content: bytes = b"") -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        member.size = len(content)
        with tarfile.open(path, "a") as tar:
            tar.addfile(member, io.BytesIO(content))

    return spoil


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def compressed(path: Path) -> None:
    with tarfile.open(path) as tar, tarfile.open(path.with_suffix(".gz"), "w:gz") as packed:
        for member in tar:
            packed.addfile(member, tar.extractfile(member))
    path.with_suffix(".gz").replace(path)


TOP = "machiai-1.0"
TRICKS: dict[str, Callable[[Path], object]] = {
    "climbs out": added(tarfile.TarInfo(f"{TOP}/../../../etc/passwd"), b"x"),
    "begins at the root": added(tarfile.TarInfo("/etc/passwd"), b"x"),
    "in another folder": added(tarfile.TarInfo("machiai-0.9/wheels/a.whl"), b"x"),
    "beside the folder": added(tarfile.TarInfo("a.whl"), b"x"),
    "twice the same": added(tarfile.TarInfo(f"{TOP}/manifest.json"), b"{}"),
    "a link": added(special(f"{TOP}/wheels/a", tarfile.SYMTYPE, "/etc/shadow")),
    "a hard link": added(special(f"{TOP}/wheels/a", tarfile.LNKTYPE, "/etc/shadow")),
    "a device": added(special(f"{TOP}/wheels/a", tarfile.CHRTYPE)),
    "a pipe": added(special(f"{TOP}/wheels/a", tarfile.FIFOTYPE)),
    "a file with holes": added(special(f"{TOP}/wheels/a", tarfile.GNUTYPE_SPARSE)),
    "the half of it": shortened,
    "nothing": lambda path: path.write_bytes(b""),
    "no tar at all": lambda path: path.write_bytes(random.Random(1).randbytes(5000)),
    "compressed": compressed,
}


@pytest.mark.parametrize("spoil", TRICKS.values(), ids=TRICKS)
def test_a_tar_file_with_a_trick_in_it_is_refused(
    machine: Machine, maker: Maker, spoil: Callable[[Path], object]
) -> None:
    path = maker.tar(maker.make("1.0"))
    spoil(path)
    done = machine.install(path)
    assert done.returncode == 65, done.stderr
    assert (machine.runs, machine.releases, machine.leftovers()) == ("nothing", [], [])


@pytest.mark.parametrize("seed", range(FLIPS))
def test_any_byte_of_a_tar_file_counts_or_changes_nothing(
    machine: Machine, maker: Maker, seed: int
) -> None:
    """Half of them in what describes the files; a byte of the padding may be as it likes."""
    rng = random.Random(seed)
    path = maker.tar(maker.make("1.0", refuses=True))
    content = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        member = rng.choice(tar.getmembers())
    place = member.offset + rng.randrange(512) if seed % 2 else rng.randrange(len(content))
    content[place] ^= rng.randrange(1, 256)
    path.write_bytes(content)
    done = machine.install(path)
    assert done.returncode in {65, 78}, (
        "78: all as it was signed, and this release refuses the site"
    )
    assert (machine.runs, machine.releases, machine.leftovers()) == ("nothing", [], [])


def test_what_cannot_be_done_is_said_in_a_line(machine: Machine, maker: Maker) -> None:
    folder = maker.make("1.0")
    assert machine.install(folder.parent / "none").returncode == 66
    assert machine.update("install", folder).returncode == 64, "the first time roles are needed"
    wrong = subprocess.run(machine.command("unpack"), check=False, capture_output=True, text=True)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (64, 1)
    (machine.root / "etc/machiai/release.pub").write_text("no key", "ascii")
    assert machine.install(folder).returncode == 65
    (machine.root / "etc/machiai/release.pub").unlink()
    assert machine.install(folder).returncode == 78
    assert machine.releases == []


def test_what_is_not_for_this_machine_need_not_be_there(machine: Machine, maker: Maker) -> None:
    folder = maker.make("1.0")
    other = folder / "wheels/toy-1.0-cp399-cp399-linux_other.whl"

    def change(said: dict[str, dict[str, object]]) -> None:
        said["files"]["wheels/" + other.name] = {"sha256": "0" * 64, "size": 3, "for": ["3.99-o"]}

    maker.signed_anew(folder, change)
    other.write_bytes(b"bad")
    assert machine.install(folder).returncode == 65, "if it is there it must be right"
    other.unlink()
    assert machine.install(folder).returncode == 0
    assert machine.runs == "1.0"


def test_the_state_of_a_power_cut_is_put_right(machine: Machine, maker: Maker) -> None:
    assert machine.install(maker.make("1.0")).returncode == 0
    assert machine.install(maker.make("1.1")).returncode == 0
    state = machine.home / "update.json"
    state.write_text(json.dumps({"step": "try", "name": "1.1", "was": "1.0"}), "ascii")
    assert machine.update("recover").returncode == 0
    assert (machine.runs, machine.releases, machine.leftovers()) == ("1.0", ["1.0"], [])
    state.write_text("{", "ascii")
    (machine.home / "current").unlink()
    shutil.copytree(
        machine.home / "releases/1.0/venv", machine.home / "releases/1.2/venv", symlinks=True
    )
    assert machine.update("recover").returncode == 0
    assert (machine.runs, machine.releases, machine.leftovers()) == ("1.0", ["1.0"], [])
