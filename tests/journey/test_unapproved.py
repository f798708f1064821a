"""A camera whose notice nobody has approved does not start, and all else does."""

from pathlib import Path

import pytest

from broker.session import ENVIRONMENT
from tests.journey.conftest import EXAMPLE
from tests.journey.test_bad_input import machiai

LINE = (
    "machiai: {site}: want the day on which the notice of this camera was approved, got none"
    " (docs/privacy.md) - at `$.devices[{device}].sensors[0].approved`\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example, of which only the camera at the door has an approved notice."""
    before, door, after = EXAMPLE.read_text("utf-8").partition('id = "cam-door"')
    path = tmp_path / "site.toml"
    first = before.replace("\napproved = ", "\n# ")
    here, approved, rest = after.partition("\napproved = ")
    path.write_text(first + door + here + approved + rest.replace("\napproved = ", "\n# "), "utf-8")
    return path


def test_a_camera_without_an_approved_notice_does_not_start(site: Path, tmp_path: Path) -> None:
    words = ["edge", str(site), "--device", "cam-lobby", "--state", str(tmp_path / "state")]
    run = machiai(*words)
    assert (run.returncode, run.stderr) == (78, LINE.format(site=site, device=1))
    assert not (tmp_path / "state" / "cam-lobby").exists()


def test_check_says_it_of_every_such_camera(site: Path) -> None:
    run = machiai("check", str(site))
    lines = "\n".join(
        LINE.format(site=site, device=device).removeprefix("machiai: ").strip() for device in (1, 4)
    )
    assert (run.returncode, run.stderr) == (78, f"machiai: {lines}\n")


def test_to_play_an_office_through_a_real_camera_elsewhere_is_no_way_around_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, "mqtt://hub.example:1883")
    folder = str(tmp_path / "state")
    words = ["edge", str(site), "--device", "cam-lobby", "--state", folder, "--simulate", "1"]
    run = machiai(*words, "--camera", "/dev/video0")
    assert (run.returncode, run.stderr) == (78, LINE.format(site=site, device=1))
