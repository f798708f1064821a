"""What becomes of the files of a dead process, and how a careless backup copies them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def copied(path: Path, copy: Path, *, with_wal: bool) -> None:
    """Copy a file while it is written, as a careless backup does."""
    shutil.copyfile(path, copy)
    wal = copy.with_name(f"{copy.name}-wal")
    wal.unlink(missing_ok=True)
    if with_wal:
        shutil.copyfile(path.with_name(f"{path.name}-wal"), wal)


def swapped(path: Path, copy: Path, aside: Path, read: Callable[[Path], T]) -> tuple[T, T]:
    """Put the copy in the file's place; returns what `read` finds in each."""
    move(path, aside)
    move(copy, path)
    found = []
    for file in (aside, path):
        scratch = aside.with_suffix(".scratch")
        _duplicate(file, scratch)
        found.append(read(scratch))
        _remove(scratch)
    return found[0], found[1]


def move(path: Path, to: Path) -> None:
    _duplicate(path, to)
    _remove(path)


def _duplicate(path: Path, to: Path) -> None:
    _remove(to)
    for suffix in ("", "-wal"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            shutil.copyfile(side, to.with_name(to.name + suffix))
            _sync(to.with_name(to.name + suffix))
    _sync(to.parent)


def _sync(path: Path) -> None:
    """Else the next power cut takes it, and it was we who lost it."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
