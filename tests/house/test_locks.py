"""What a machine installs is pinned, hashed, and all that its role asks for."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
PARTS = {"influx": "hub", "modbus": "edge"}
"""Extras that have no lock of their own: machines of these roles have them too."""
LOCKS = sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))

PIN = re.compile(r"([a-z0-9][a-z0-9-]*)==([a-z0-9.+!]+)( ; [^\\]+)?(?: \\)?")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def locked(role: str) -> dict[str, set[str]]:
    """Versions by name; several where Pythons differ."""
    pins: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / f"{role}.txt").read_text(encoding="utf-8").splitlines():
        if found := PIN.fullmatch(line):
            pins.setdefault(found[1], set()).add(found[2])
    return pins


def asked(role: str) -> list[Requirement]:
    """What pyproject.toml asks for, our own extras unfolded."""
    if role == "dev":
        return [*asked("demo"), *map(Requirement, GROUPS["dev"])]
    wanted = [Requirement(text) for text in [*PROJECT["project"]["dependencies"], *EXTRAS[role]]]
    if role == "demo":
        wanted += map(Requirement, GROUPS["build"])
    return [
        requirement
        for one in wanted
        for requirement in (
            [one] if one.name != "machiai" else [r for extra in one.extras for r in asked(extra)]
        )
    ]


def test_every_role_has_a_lock() -> None:
    assert set(LOCKS) == {*EXTRAS, "dev"} - PARTS.keys()


@pytest.mark.parametrize("role", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(role: str) -> None:
    text = (ROOT / "requirements" / f"{role}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    pins = [i for i, line in enumerate(lines) if PIN.fullmatch(line)]
    assert pins
    assert all(PIN.fullmatch(line) or HASH.fullmatch(line) for line in lines)
    assert all(HASH.fullmatch(lines[i + 1]) for i in pins)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("role", LOCKS)
def test_a_lock_holds_all_that_its_role_asks_for(role: str) -> None:
    pins = locked(role)
    parts = [part for part, of in PARTS.items() if role in (of, "dev")]
    for requirement in [one for asking in [role, *parts] for one in asked(asking)]:
        versions = pins.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} is missing: make lock"
        allowed: SpecifierSet = requirement.specifier
        assert all(allowed.contains(version, prereleases=True) for version in versions), requirement


def test_all_locks_agree() -> None:
    dev = locked("dev")
    for role in LOCKS:
        for name, versions in locked(role).items():
            assert versions == dev[name], f"{name} differs in {role}: make lock"
