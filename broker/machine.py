"""The machine that a device runs on, and how it feels."""

import binascii
import platform
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from models.contract.results import Health

_SYS = Path("/sys")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_VALIDITY = re.compile(rb"\x30\x1e\x17\x0d\d{12}Z\x17\x0d(\d{12})Z")
"""In DER: a sequence of two UTCTimes, as dates before 2050 are written (RFC 5280, 4.1.2.5)."""


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
    certificate: Path | None = None,
    root: Path = _SYS,
) -> Health:
    """How it feels; what cannot be known is None.

    Args:
        at: now, or None while the clock is not to be trusted.
        folder: where the outbox is: the share that is free is of its disk.
        outbox: how many observations wait there.
        clock_synchronised: whether something keeps the clock right.
        certificate: by which the broker knows it.
        root: of the kernel's files.
    """
    return Health(
        at=at,
        temperature_c=_temperature_c(root),
        under_voltage=_under_voltage(root),
        disk_free_share=_free_share(folder),
        outbox=outbox,
        clock_synchronised=clock_synchronised,
        certificate_days=certificate_days(certificate, at) if certificate and at else None,
    )


def certificate_days(file: Path, now: datetime) -> int | None:
    """Whole days until the file's first certificate ends, < 0 once it has; None if there is none.

    Devices have no library that reads certificates, and need but this of them.
    """
    try:
        pem = _PEM.search(file.read_bytes())
        validity = pem and _VALIDITY.search(binascii.a2b_base64(pem[1]))
        if not validity:
            return None
        written = validity[1].decode()
        ends = datetime.fromisoformat(f"20{written[:6]}T{written[6:]}Z")
    except (OSError, ValueError):
        return None
    return (ends - now).days


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
