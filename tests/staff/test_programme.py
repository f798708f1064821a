"""What a display shows on any day: the content folder beside the site file."""

from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from models.site import Site
from tests.staff.house import Client
from tests.staff.living import HOSTILE, Living

PLAYLIST = """
[[items]]
id = "lunch"
kind = "text"
text = { ja = "昼休みも開いています。", en = "Open over noon." }
days = "mon-fri"
hours = "11:30-13:30"
priority = 5

[[items]]
kind = "text"
title = { ja = "お休み", en = "Closed" }
text = { ja = "1日お休みです。", en = "Closed for a day." }
dates = "2027-03-03"

[[items]]
kind = "image"
file = "gone.png"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "etc" / "content"
    made.mkdir(parents=True)
    (made / "playlist.toml").write_text(PLAYLIST, "utf-8")
    return made


def client(site: Site, folder: Path, tmp_path: Path) -> tuple[Living, Client]:
    office = Living(msgspec.structs.replace(site, folder=str(folder.parent)), tmp_path)
    return office, office.client("viewer")


def test_it_shows_the_third_of_march_at_ten_past_twelve(
    site: Site, folder: Path, tmp_path: Path
) -> None:
    office, guest = client(site, folder, tmp_path)
    try:
        page = guest.get("/programme?display=lobby-1&at=2027-03-03T12:10").text
        minutes, _, day = page.partition("The whole of")
        assert "Open over noon." in minutes
        assert "Closed for a day." not in minutes
        assert "12:10:" in minutes
        assert "the board" in minutes
        assert "Closed for a day." in day
        assert "11:30–13:30" in day
        assert "gone.png" in page
        assert "Cannot be shown:" in page
        assert str(folder) not in page
        page = guest.get("/programme?display=lobby-1&at=2027-03-04T14:00").text
        assert "Closed for a day." not in page
    finally:
        office.close()


def test_a_display_with_a_folder_of_its_own_shows_that(
    site: Site, folder: Path, tmp_path: Path
) -> None:
    (folder / "hall-1").mkdir()
    own = '[[items]]\nkind = "text"\ntext = { en = "Only in the hall." }\n'
    (folder / "hall-1" / "playlist.toml").write_text(own, "utf-8")
    office, guest = client(site, folder, tmp_path)
    try:
        assert "Only in the hall." in guest.get("/programme?display=hall-1").text
        assert "Only in the hall." not in guest.get("/programme?display=lobby-1").text
    finally:
        office.close()


def test_without_a_folder_and_with_hostile_questions_it_says_so(site: Site, tmp_path: Path) -> None:
    office = Living(msgspec.structs.replace(site, folder=str(tmp_path)), tmp_path)
    try:
        guest = office.client("viewer")
        assert "There is no folder" in guest.get("/programme").text
        for value in HOSTILE:
            assert guest.get(f"/programme?display={quote(value)}").status in {400, 422}
            if value.strip():
                assert guest.get(f"/programme?at={quote(value)}").status in {400, 422}, value
    finally:
        office.close()
