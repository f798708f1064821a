"""Makes a signed release: all that machines install, so that they need no network.

    python tools/release.py key              once: makes the key that signs
    python tools/release.py build            as `make release` does

What a release is and how machines check it stands in docs/updates.md.
"""

import argparse
import getpass
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from packaging.markers import Marker
from packaging.utils import canonicalize_name, parse_wheel_filename
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
ROLES = ("edge", "camera", "hub", "web", "display")
VOICE = "voice"  # says calls in Japanese
PYTHONS = ("3.11", "3.13")  # Debian 12 and 13
MACHINES = ("aarch64", "x86_64")
KEY = Path.home() / ".config" / "machiai" / "release.key"

_GLIBC = range(36, 16, -1)  # Debian 12 has 2.36; nobody builds for less than 2.17
_PIN = re.compile(
    r"^([a-z0-9][a-z0-9-]*)==([A-Za-z0-9.+!]+)(?: ; ([^\\\n]+?))? \\\n"
    r"((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_EPOCH = "1580601600"  # the time of every file in our wheel, so that it is the same each time
_PIP = "release_requirements.txt"


class Failed(Exception):
    """No release: one line that says why."""


@dataclass(frozen=True)
class Pin:
    """One package of a lock."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]

    def line(self, hashes: Iterable[str]) -> str:
        """As pip reads it."""
        marker = f" ; {self.marker}" if self.marker else ""
        given = "".join(f" --hash=sha256:{one}" for one in sorted(hashes))
        return f"{self.name}=={self.version}{marker}{given}\n"


@dataclass(frozen=True)
class Platform:
    """A Python on a kind of machine."""

    python: str
    machine: str

    def __str__(self) -> str:
        return f"{self.python}-{self.machine}"

    def wants(self, pin: Pin) -> bool:
        """Whether it installs this package. pip would ask the Python that runs it, not this one."""
        environment = {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        return not pin.marker or Marker(pin.marker).evaluate(environment)

    def words(self) -> list[str]:
        """What tells pip to fetch for it."""
        tag = "cp" + self.python.replace(".", "")
        names = [f"manylinux_2_{minor}_{self.machine}" for minor in _GLIBC]
        names += [f"manylinux2014_{self.machine}", f"linux_{self.machine}"]
        return [
            "--prefer-binary",
            "--implementation=cp",
            f"--python-version={self.python}",
            *(f"--abi={abi}" for abi in (tag, "abi3", "none")),
            *(f"--platform={name}" for name in names),
        ]


def pins(lock: str) -> list[Pin]:
    """The packages of a lock's text."""
    return [
        Pin(name, version, marker, frozenset(_HASH.findall(hashes)))
        for name, version, marker, hashes in _PIN.findall(lock)
    ]


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ── what goes in ──────────────────────────────────────────────────────────────────────────────────


def own_wheel(version: str | None, target: Path) -> Path:
    """Build machiai's own wheel from this tree; the same bytes each time."""
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / "machiai"
        copy.mkdir()
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        wanted = tomllib.loads(project)["tool"]["hatch"]["build"]["targets"]["wheel"]
        for name in [*wanted["only-include"], "README.md", "LICENSE"]:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
                )
            else:
                shutil.copy(source, copy / name)
        if version is not None:
            project = re.sub(r'(?m)^version = "[^"]*"$', f'version = "{version}"', project, count=1)
        (copy / "pyproject.toml").write_text(project, encoding="utf-8")
        run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
            cwd=copy,
            env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
        )
    return next(target.glob("machiai-*.whl"))


def run(command: Sequence[str], progress: tqdm | None = None, **how: object) -> None:
    """Run a program to its end; each package that pip collects moves the progress on."""
    lines = []
    with subprocess.Popen(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
    ) as process:
        for line in process.stdout:
            lines.append(line.strip())
            if progress is not None and line.startswith("Collecting "):
                progress.update()
    if process.returncode:
        errors = [line for line in lines if line.startswith("ERROR")] or [*filter(None, lines)]
        raise Failed(f"want {command[2]} to do its work, got: {(errors or ['nothing'])[-1]}")


def found(pin: Pin, folder: Path, built: Mapping[str, str]) -> Path | None:
    """The wheel of a package that a folder holds."""
    for path in folder.glob("*.whl"):
        name, version, _, _ = parse_wheel_filename(path.name)
        if (name, str(version)) == (canonicalize_name(pin.name), pin.version):
            digest = sha256(path)
            if digest in pin.hashes or built.get(path.name) == digest:
                return path
    return None


def wheels_of(platform: Platform, wanted: Iterable[Pin], cache: Path) -> dict[Pin, Path]:
    """The wheels of a platform; those that were fetched before are not fetched again."""
    folder = cache / str(platform)
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / "built.json"
    built: dict[str, str] = json.loads(notes.read_bytes()) if notes.exists() else {}
    ours = [pin for pin in wanted if platform.wants(pin)]
    missing = [pin for pin in ours if found(pin, folder, built) is None]
    with tqdm(total=len(ours), desc=f"      {platform}", unit=" wheels") as progress:
        progress.update(len(ours) - len(missing))
        if missing:
            built |= fetch(platform, missing, folder, progress)
            notes.write_text(json.dumps(built), encoding="ascii")
    return {pin: wheel for pin in ours if (wheel := found(pin, folder, built))}


def fetch(platform: Platform, missing: list[Pin], folder: Path, progress: tqdm) -> dict[str, str]:
    """Fetch from the index that pip knows; what stands there as source alone is built.

    Returns the hashes of wheels that were built: no lock knows them.
    """
    with tempfile.TemporaryDirectory(prefix="fetch-") as made:
        asked = Path(made) / "asked.txt"
        asked.write_text(
            "".join(
                f"{pin.name}=={pin.version} "
                + " ".join(f"--hash=sha256:{one}" for one in sorted(pin.hashes))
                + "\n"
                for pin in missing
            ),
            encoding="ascii",
        )
        run(
            [
                *(sys.executable, "-m", "pip", "download", "--no-input", "--no-deps"),
                *("--disable-pip-version-check", "--progress-bar=off", "--require-hashes"),
                *("--dest", made, *platform.words(), "-r", str(asked)),
            ],
            progress,
        )
        built = {}
        for source in [*Path(made).glob("*.tar.gz"), *Path(made).glob("*.zip")]:
            run(
                [
                    *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-input", "--no-deps"),
                    *("--disable-pip-version-check", "--no-cache-dir", "--wheel-dir", made),
                    str(source),
                ],
                env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH},
            )
            stem = source.name.partition("-")[0].replace(".", "_")
            wheel = next(Path(made).glob(f"{stem}-*.whl"))
            if not wheel.name.endswith("-none-any.whl"):
                raise Failed(f"want a wheel for {platform} at the index, got {source.name} alone")
            built[wheel.name] = sha256(wheel)
        for wheel in Path(made).glob("*.whl"):
            shutil.move(wheel, folder / wheel.name)
    return built


# ── the release ───────────────────────────────────────────────────────────────────────────────────


def manifest(
    version: str, roles: Sequence[str], folder: Path, platforms: Mapping[str, set[str]]
) -> bytes:
    """Every file with its size and hash; `for` names the platforms that need it, none means all."""
    files = {}
    for path in sorted(folder.glob("*/*")):
        name = path.relative_to(folder).as_posix()
        users = sorted(p for p, names in platforms.items() if path.name in names)
        files[name] = {"sha256": sha256(path), "size": path.stat().st_size}
        if users and len(users) < len(platforms):
            files[name]["for"] = users
    said = {
        "format": 1,
        "version": version,
        "roles": sorted(roles),
        "platforms": sorted(platforms),
        "files": files,
    }
    return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode("ascii")


def sign(folder: Path, written: bytes, key: Ed25519PrivateKey) -> None:
    """Write the manifest and its signature."""
    (folder / "manifest.json").write_bytes(written)
    (folder / "manifest.sig").write_bytes(key.sign(written))


def pack(folder: Path, platform: str, target: Path) -> None:
    """One file with what one platform needs; the same bytes each time."""
    files = json.loads((folder / "manifest.json").read_bytes())["files"]
    ours = [name for name, one in files.items() if platform in one.get("for", [platform])]
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in ["manifest.json", "manifest.sig", *sorted(ours)]:
            member = tarfile.TarInfo(f"{folder.name}/{name}")
            member.size, member.mode = (folder / name).stat().st_size, 0o644
            with (folder / name).open("rb") as content:
                tar.addfile(member, content)


def build(
    *,
    key: Ed25519PrivateKey,
    out: Path,
    cache: Path,
    roles: Sequence[str] = ROLES,
    platforms: Sequence[Platform],
    version: str | None = None,
) -> Path:
    """Make `out/machiai-<version>/` and a tar file for each platform; returns the folder."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=out) as made:
        print("[1/4] Building machiai's own wheel")
        wheels, requirements = Path(made) / "wheels", Path(made) / "requirements"
        wheels.mkdir()
        requirements.mkdir()
        own = own_wheel(version, wheels)
        said = str(parse_wheel_filename(own.name)[1])

        print(f"[2/4] Fetching wheels of {', '.join(roles)}")
        locks = {
            role: pins((ROOT / "requirements" / f"{role}.txt").read_text(encoding="utf-8"))
            for role in roles
        }
        wanted = dict.fromkeys(
            [*pins((ROOT / "tools" / _PIP).read_text("utf-8")), *chain(*locks.values())]
        )
        by_platform = {str(p): wheels_of(p, wanted, cache) for p in platforms}
        hashes: dict[Pin, set[str]] = {}
        for ours in by_platform.values():
            for pin, path in ours.items():
                shutil.copyfile(path, wheels / path.name)
                hashes.setdefault(pin, set()).add(sha256(path))
        for role, lock in locks.items():
            text = "".join(pin.line(hashes[pin]) for pin in lock if pin in hashes)
            (requirements / f"{role}.txt").write_text(text, encoding="ascii")
        line = Pin("machiai", said, "", frozenset()).line([sha256(own)])
        (requirements / "machiai.txt").write_text(line, encoding="ascii")
        users = {p: {path.name for path in ours.values()} for p, ours in by_platform.items()}

        print("[3/4] Signing")
        folder = Path(made) / f"machiai-{said}"
        folder.mkdir()
        wheels.rename(folder / "wheels")
        requirements.rename(folder / "requirements")
        sign(folder, manifest(said, roles, folder, users), key)

        print("[4/4] Packing a file for each platform")
        target = out / folder.name
        for platform in platforms:
            packed = Path(made) / f"{folder.name}-{platform}.tar"
            pack(folder, str(platform), packed)
            packed.replace(out / packed.name)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return target


# ── the key ───────────────────────────────────────────────────────────────────────────────────────


def make_key(path: Path, passphrase: bytes, *, is_open: bool = False) -> Path:
    """Write a new key, and beside it the public one that machines get; returns that."""
    if not passphrase and not is_open:
        raise Failed("want a passphrase, got none; for tests there is --open")
    if path.exists():
        raise Failed(f"want to make a key, there is one already - {path}")
    key = Ed25519PrivateKey.generate()
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(pem, pkcs8, how))
    public = path.with_suffix(".pub")
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(pem, info))
    return public


def read_key(path: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Read the key that signs; asks for its passphrase if it has one and no file holds it."""
    try:
        written = path.read_bytes()
    except OSError as error:
        raise Failed(
            f"want a key, got: {error.strerror} - {path}; make one: tools/release.py key"
        ) from None
    try:
        passphrase = None
        if b"ENCRYPTED" in written:
            passphrase = secret(passphrase_file, f"Passphrase of {path}: ")
        key = serialization.load_pem_private_key(written, passphrase)
    except (ValueError, TypeError) as error:
        raise Failed(f"want the key opened, got: {error} - {path}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Failed(f"want an Ed25519 key, got another kind - {path}")
    return key


def secret(file: Path | None, prompt: str) -> bytes:
    """Read a passphrase from a file, else from the person at the shell."""
    if file is None:
        return getpass.getpass(prompt).encode()
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise Failed(f"want a passphrase, got: {error.strerror} - {file}") from None


# ── the command ───────────────────────────────────────────────────────────────────────────────────


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/release.py",
        description="Make a signed release: all that machines install.",
        epilog="Example: python tools/release.py build --python 3.13 --machine aarch64",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    key = commands.add_parser("key", help="make the key that signs releases, once")
    made = commands.add_parser("build", help="make a release")
    for command in (key, made):
        command.add_argument("--key", type=Path, default=KEY, help=f"the key's file ({KEY})")
        command.add_argument("--passphrase-file", type=Path, help="which holds its passphrase")
    key.add_argument("--open", action="store_true", help="without a passphrase: for tests alone")
    made.add_argument("--python", action="append", help=f"once a version ({', '.join(PYTHONS)})")
    made.add_argument(
        "--machine", action="append", choices=MACHINES, help=f"once a kind ({', '.join(MACHINES)})"
    )
    made.add_argument(
        "--role", action="append", choices=ROLES, help=f"once a role ({', '.join(ROLES)})"
    )
    made.add_argument("--voice", action="store_true", help="with voices for displays, 250 MB more")
    made.add_argument("--version", help="another than pyproject.toml says")
    made.add_argument("--out", type=Path, default=ROOT / "dist", help="where it is made (dist)")
    made.add_argument(
        "--cache",
        type=Path,
        default=ROOT / "var" / "release",
        help="where wheels are kept between two (var/release)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (sysexits)."""
    arguments = arguments_of(argv)
    try:
        if arguments.command == "key":
            passphrase = b""
            if not arguments.open:
                passphrase = secret(arguments.passphrase_file, "Passphrase for the new key: ")
            public = make_key(arguments.key, passphrase, is_open=arguments.open)
            print(f"{arguments.key}: keep it away from machines\n{public}: machines get it")
            return 0
        folder = build(
            key=read_key(arguments.key, arguments.passphrase_file),
            out=arguments.out.resolve(),
            cache=arguments.cache.resolve(),
            roles=(*dict.fromkeys(arguments.role or ROLES), *([VOICE] if arguments.voice else [])),
            platforms=[
                Platform(python, machine)
                for python in dict.fromkeys(arguments.python or PYTHONS)
                for machine in dict.fromkeys(arguments.machine or MACHINES)
            ],
            version=arguments.version,
        )
    except Failed as error:
        print(f"release: {error}", file=sys.stderr)
        return 69
    except KeyboardInterrupt:
        return 130
    print(f"{folder}: signed, and a .tar for each platform beside it")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
