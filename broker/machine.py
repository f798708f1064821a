"""The machine that a device runs on, and how it feels."""

import platform
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from models.contract.results import Health

_SYS = Path("/sys")


def board() -> str:
    """What computer this is."""
    try:
        model = Path("/proc/device-tree/model").read_text(encoding="utf-8").strip("\0\n ")
    except OSError:
        return platform.machine()
    return model


def health(
    *,
    at: datetime | None,
    folder: Path,
    outbox: int,
    clock_synchronised: bool,
    root: Path = _SYS,
) -> Health:
    """How it feels; what cannot be known is None.

    Args:
        at: now, or None while the clock is not to be trusted.
        folder: where the outbox is: the share that is free is of its disk.
        outbox: how many observations wait there.
        clock_synchronised: whether something keeps the clock right.
        root: of the kernel's files.
    """
    return Health(
        at=at,
        temperature_c=_temperature_c(root),
        under_voltage=_under_voltage(root),
        disk_free_share=_free_share(folder),
        outbox=outbox,
        clock_synchronised=clock_synchronised,
    )


def _temperature_c(root: Path) -> float | None:
    """Of the hottest zone."""
    zones = root.glob("class/thermal/thermal_zone*/temp")
    return max((number / 1000 for zone in zones for number in _numbers(zone)), default=None)


def _under_voltage(root: Path) -> bool | None:
    """Whether the firmware of a Raspberry Pi says that its supply is too weak."""
    for chip in root.glob("class/hwmon/hwmon*"):
        if _text(chip / "name") == "rpi_volt":
            for number in _numbers(chip / "in0_lcrit_alarm"):
                return number != 0
    return None


def _free_share(folder: Path) -> float | None:
    try:
        disk = shutil.disk_usage(folder)
    except OSError:
        return None
    return round(disk.free / disk.total, 4) if disk.total else None


def _numbers(file: Path) -> Iterator[int]:
    """The number in the file, or nothing: some zones of some boards answer with an error."""
    try:
        yield int(_text(file))
    except ValueError:
        return


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
