"""Counts by hand: who, when, what was believed before, and slips of the finger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.contract.observations import People, SetCount
from models.site import Site
from tests.staff.house import Client
from tests.staff.living import HOSTILE, Living, follow
from tests.staff.test_desk import undo_of


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Iterator[Living]:
    made = Living(site, tmp_path)
    try:
        made.see("front", SetCount(count=20, by="gate"))
        made.see("lobby", People(count=12))
        yield made
    finally:
        made.close()


@pytest.fixture
def clerk(office: Living) -> Client:
    return office.client("counter")


def test_a_count_stands_with_who_when_and_what_was_believed(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/parking/set", place="front", of="there", count="23"))
    assert "23 (10:32, hanako)" in page.text
    assert "the estimate then was 20" in page.text
    assert "about 23 parked" in page.text
    assert "17 free" in page.text
    assert office.observed == [("front", SetCount(count=23, by="hanako"))]
    assert office.audit()[-1][2:] == ("done", "front: 23, 20 was believed")
    page = follow(clerk, clerk.post("/parking/undo", key=undo_of(page.text)))
    assert office.observed[-1] == ("front", SetCount(count=20, by="hanako"))
    assert "about 20 parked" in page.text


def test_free_spaces_may_be_counted_instead(office: Living, clerk: Client) -> None:
    follow(clerk, clerk.post("/parking/set", place="front", of="free", count="18"))
    assert office.observed == [("front", SetCount(count=22, by="hanako"))]


def test_what_is_far_from_the_estimate_is_asked_once_more(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/parking/set", place="front", of="there", count="2"))
    assert office.observed == []
    assert "Is 2 right?" in page.text
    assert office.audit()[-1][2:] == ("done", "front: 2? asked again, 20 was believed")
    said = clerk.post("/parking/set", place="front", of="there", count="3", sure="2")
    assert "check=front&count=3" in said.place
    follow(clerk, clerk.post("/parking/set", place="front", of="there", count="2", sure="2"))
    assert office.observed == [("front", SetCount(count=2, by="hanako"))]


def test_a_zone_may_be_over_its_capacity_if_one_is_sure(clerk: Client) -> None:
    page = follow(clerk, clerk.post("/parking/set", place="lobby", of="there", count="70"))
    assert "Is 70 right?" in page.text
    fields = {"place": "lobby", "of": "there", "count": "70", "sure": "70"}
    page = follow(clerk, clerk.post("/parking/set", **fields))
    assert "70 people" in page.text
    assert clerk.post("/parking/set", **(fields | {"count": "121"})).status == 422


@pytest.mark.parametrize("field", ["place", "of", "count"])
def test_hostile_fields_are_refused_with_a_sentence(
    office: Living, clerk: Client, field: str
) -> None:
    fine = {"place": "front", "of": "there", "count": "20"}
    for value in HOSTILE:
        if (field, value) in {("count", "0"), ("count", "5")}:
            continue
        said = clerk.post("/parking/set", **{**fine, field: value})
        assert said.status in {400, 422}, value
        assert 'class="wrong"' in said.text
        assert "<script>" not in said.text
    assert clerk.post("/parking/set", **(fine | {"count": "41"})).status == 422
    assert clerk.post("/parking/set", place="lobby", of="free", count="1").status == 422
    assert office.observed == []


def test_a_hostile_address_shows_the_page_as_it_is(clerk: Client) -> None:
    for asked in ("check=front&count=%3Cscript%3E", "check=front&count=" + "9" * 50, "check=x"):
        page = clerk.get(f"/parking?{asked}")
        assert page.status == 200
        assert "right?" not in page.text
        assert "<script>" not in page.text
