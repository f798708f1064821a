import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.clock import from_environment
from broker.machine import certificate_days, health
from models.contract.results import Health

AT = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)


def report(root: Path, folder: Path) -> Health:
    return health(
        at=AT,
        folder=folder,
        outbox=3,
        clock_synchronised=True,
        root=root,
    )


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")


def test_a_raspberry_pi_tells_its_temperature_and_its_supply(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "class/thermal/thermal_zone0/temp": "48312\n",
            "class/hwmon/hwmon0/name": "cpu_thermal\n",
            "class/hwmon/hwmon1/name": "rpi_volt\n",
            "class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
        },
    )
    told = report(tmp_path, tmp_path)
    assert told.temperature_c == pytest.approx(48.312)
    assert told.under_voltage is False
    assert told.disk_free_share is not None
    assert 0 <= told.disk_free_share <= 1
    assert (told.at, told.outbox, told.clock_synchronised) == (AT, 3, True)


def test_a_weak_supply_is_told(tmp_path: Path) -> None:
    chip = "class/hwmon/hwmon4/"
    write(tmp_path, {chip + "name": "rpi_volt\n", chip + "in0_lcrit_alarm": "1\n"})
    assert report(tmp_path, tmp_path).under_voltage is True


def test_what_cannot_be_known_is_unknown(tmp_path: Path) -> None:
    told = report(tmp_path / "no-sys", tmp_path / "no-folder")
    assert (told.temperature_c, told.under_voltage, told.disk_free_share) == (None, None, None)


def test_a_zone_that_answers_with_nonsense_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "class/thermal/thermal_zone0/temp": "",
            "class/thermal/thermal_zone1/temp": "x",
            "class/thermal/thermal_zone2/temp": "-5000",
        },
    )
    assert report(tmp_path, tmp_path).temperature_c == pytest.approx(-5.0)


def certificate(file: Path, days: int) -> Path:
    """A real one, by openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made = ["-subj", "/CN=desk", "-keyout", str(file.with_suffix(".key")), "-out", str(file)]
    command = ["openssl", "req", "-x509", *key, *made, "-days", str(days)]
    subprocess.run(command, check=True, capture_output=True)
    return file


def test_the_days_of_its_certificate_are_told(tmp_path: Path) -> None:
    file = certificate(tmp_path / "desk.pem", 398)
    now = from_environment().now()
    told = health(
        at=now, folder=tmp_path, outbox=0, clock_synchronised=True, certificate=file, root=tmp_path
    )
    assert told.certificate_days in {397, 398}
    assert certificate_days(file, now + timedelta(days=398, hours=1)) == -1
    undated = health(at=None, folder=tmp_path, outbox=0, clock_synchronised=False, certificate=file)
    assert undated.certificate_days is None, "what is left is unknown while the time is"


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_has_no_days(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "desk.pem"
    if content is not None:
        file.write_bytes(content + b"-----END CERTIFICATE-----\n")
    assert certificate_days(file, AT) is None
