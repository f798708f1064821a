# ruff: noqa: INP001  a script that Debian's own Python runs on each machine
"""What `report.yml` asks of a machine: one JSON object on standard output."""

import json
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

CURRENT = Path("/opt/machiai/current")
PKI = Path("/etc/machiai/pki")
UNITS = ("machiai-*.service", "mosquitto.service", "nginx.service")
DAY_S = 86_400


def units() -> dict[str, str]:
    """The state of each unit that should run; what it says of itself, if it does."""
    words = ["systemctl", "list-unit-files", "--state=enabled", "--no-legend", *UNITS]
    listed = _said(words)
    found: dict[str, str] = {}
    for name in (line.split()[0] for line in listed.splitlines()):
        show = ["systemctl", "show", "--property=Type,ActiveState,StatusText", name]
        told = dict(line.split("=", 1) for line in _said(show).splitlines())
        if told["Type"] == "oneshot":
            continue
        state = told["ActiveState"]
        found[name.removesuffix(".service")] = "well" if state == "active" else state
    return found


def certificate_days() -> int | None:
    """Days until the first of the certificates here ends."""
    ends = []
    for file in PKI.glob("*.pem"):
        words = ["openssl", "x509", "-noout", "-enddate", "-in", str(file)]
        said = _said(words)
        if said.startswith("notAfter="):
            ends.append(ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter=")))
    now_s = time.time()  # noqa: TID251  of a machine that may have no machiai yet
    return None if not ends else int((min(ends) - now_s) // DAY_S)


def _said(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout  # noqa: S603


disk = shutil.disk_usage("/var/lib")
json.dump(
    {
        "version": CURRENT.resolve().name if CURRENT.exists() else None,
        "units": units(),
        "certificate_days": certificate_days(),
        "disk_free_percent": round(100 * disk.free / disk.total),
        "read_only": Path("/media/root-ro").is_mount(),
    },
    sys.stdout,
)
