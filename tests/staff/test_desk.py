"""The counter desk: one touch each, seen by residents at once, and taken back."""

import re
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from models.contract.observations import Counter, Pause, PostNotice, SetLevel, Ticket
from models.site import Site
from tests.staff.house import Client, StaffHouse
from tests.staff.living import HOSTILE, Living, follow


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Iterator[Living]:
    made = Living(site, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def clerk(office: Living) -> Client:
    return office.client("counter")


def card(page: str, service: str) -> str:
    """The residents' card as it stands on a page."""
    found = re.search(rf'<li class="card" id="service-{service}".*?</li>', page, re.DOTALL)
    assert found is not None
    return found[0]


def level_of(page: str, service: str) -> str:
    """Which level residents read; 0 is none."""
    return card(page, service).partition('class="chip level-')[2][0]


def undo_of(page: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', page)
    return found[1] if found else ""


def test_a_level_is_seen_at_once_and_undo_takes_it_back(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="2"))
    assert level_of(page.text, "moving") == "2"
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="4"))
    assert level_of(page.text, "moving") == "4"
    assert 'value="4" aria-pressed="true"' in page.text
    assert "Moving: Very busy." in page.text
    page = follow(clerk, clerk.post("/desk/undo", service="moving", key=undo_of(page.text)))
    assert level_of(page.text, "moving") == "2"
    assert office.observed == [
        ("moving", SetLevel(level=2)),
        ("moving", SetLevel(level=4)),
        ("moving", SetLevel(level=None)),
    ]
    assert [line[1:] for line in office.audit()[-3:]] == [
        ("desk/level", "done", "moving: level 2"),
        ("desk/level", "done", "moving: level 4"),
        ("desk/undo", "done", "took back level moving"),
    ]


def test_the_card_is_the_residents_own(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="3"))
    with urllib.request.urlopen(f"{office.served.base}/?lang=en", timeout=30) as answer:
        public = answer.read().decode()
    assert card(page.text, "moving") == card(public, "moving")
    assert level_of(public, "moving") == "3"


def test_who_entered_it_and_until_when_it_stands(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="3"))
    assert "Entered at 10:32 (hanako). Shown until 11:02." in page.text
    office.pass_(24 * 60)
    assert 'class="soon"' not in clerk.get("/desk").text
    office.pass_(2 * 60)
    assert "Moving: the level disappears in 4 min." in clerk.get("/desk").text
    office.pass_(5 * 60)
    page = clerk.get("/desk")
    assert "The level entered before ended at 11:02." in page.text
    assert level_of(page.text, "moving") == "0"


def test_the_page_that_stands_open_comes_again_when_something_runs_out(
    office: Living, clerk: Client
) -> None:
    def again() -> int:
        found = re.search(r'data-again="(\d+)"', clerk.get("/desk").text)
        assert found is not None
        return int(found[1])

    assert again() > 3600
    follow(clerk, clerk.post("/desk/level", service="moving", level="3"))
    assert again() == 25 * 60 + 1
    office.pass_(26 * 60)
    assert again() == 4 * 60 + 1


def test_a_press_by_a_button_is_shown_as_such(office: Living, clerk: Client) -> None:
    office.see("moving", SetLevel(level=1))
    assert "Entered at 10:32 (staff)." in clerk.get("/desk").text


def test_where_tickets_tell_the_clerk_reads_why_a_level_is_not_shown(
    office: Living, clerk: Client
) -> None:
    office.see("moving", Ticket(number="B001", event="issued"))
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="4"))
    assert "worked out from the tickets" in page.text
    assert level_of(page.text, "moving") == "1"


def test_a_pause_says_when_it_goes_on(office: Living, clerk: Client) -> None:
    clerk.post("/desk/level", service="moving", level="2")
    page = follow(clerk, clerk.post("/desk/pause", service="moving", do="pause", minutes="15"))
    assert "Paused; residents read: back at about 10:47" in page.text
    assert "10:47" in card(page.text, "moving")
    page = follow(clerk, clerk.post("/desk/pause", service="moving", do="pause", at="12:45"))
    assert "12:45" in card(page.text, "moving")
    page = follow(clerk, clerk.post("/desk/undo", key=undo_of(page.text)))
    assert "10:47" in card(page.text, "moving")
    page = follow(clerk, clerk.post("/desk/pause", service="moving", do="on"))
    assert level_of(page.text, "moving") == "2"
    page = follow(clerk, clerk.post("/desk/undo", key=undo_of(page.text)))
    assert "10:47" in card(page.text, "moving")
    office.pass_(12 * 60)
    assert "Moving: the pause ends in 3 min." in clerk.get("/desk").text
    office.pass_(4 * 60)
    assert level_of(clerk.get("/desk").text, "moving") == "2"


def test_a_time_gone_by_is_no_end_of_a_pause(office: Living, clerk: Client) -> None:
    said = clerk.post("/desk/pause", service="moving", do="pause", at="10:32")
    assert said.status == 422
    assert "Enter a time later today." in said.text
    assert office.observed == []


def test_counters_open_close_and_go_back_to_their_timetable(office: Living, clerk: Client) -> None:
    for said, value in (("closed", False), ("open", True), ("plan", None)):
        page = follow(clerk, clerk.post("/desk/counter", service="moving", counter="c2", open=said))
        assert f'value="{said}" aria-pressed="true"' in page.text
        assert office.observed[-1] == ("c2", Counter(open=value))
    page = follow(clerk, clerk.post("/desk/counter", service="moving", counter="c3", open="closed"))
    page = follow(clerk, clerk.post("/desk/counter", service="moving", counter="c2", open="closed"))
    assert "Shown as paused: all its counters are closed." in page.text
    page = follow(clerk, clerk.post("/desk/undo", key=undo_of(page.text)))
    assert office.observed[-1] == ("c2", Counter(open=None))
    assert "Shown as paused" not in page.text


def test_a_counter_that_was_turned_yesterday_is_as_planned(office: Living, clerk: Client) -> None:
    clerk.post("/desk/counter", service="moving", counter="c2", open="closed")
    office.pass_(23.5 * 3600)
    again = office.stranger()
    assert again.login("hanako").status == 303
    page = again.get("/desk?service=moving").text
    assert 'value="closed" aria-pressed="true"' not in page


def test_a_quick_text_is_a_notice_of_its_service_in_all_languages(
    office: Living, clerk: Client
) -> None:
    page = follow(clerk, clerk.post("/desk/text", service="moving", text="1", lasts="60"))
    name, notice = office.observed[-1]
    assert isinstance(notice, PostNotice)
    assert (name, notice.severity, notice.by) == ("desk-moving-1", "info", "hanako")
    assert set(notice.texts) == set(office.site.site.languages)
    assert notice.texts["en"] == "Moving: No more tickets are given out today."
    assert notice.texts["ja"] == "引っ越し・届出：本日の番号札の発行を終了しました。"
    assert notice.until == office.clock.now().replace(second=0) + timedelta(hours=1)
    assert "desk-moving-1" in office.hub.mirror.notices()
    assert page.text.count("No more tickets are given out today.") >= 2
    page = follow(clerk, clerk.post("/desk/down", service="moving", name="desk-moving-1"))
    assert office.hub.mirror.notices() == {}
    follow(clerk, clerk.post("/desk/undo", key=undo_of(page.text)))
    assert set(office.hub.mirror.notices()) == {"desk-moving-1"}


def test_an_offices_own_texts_come_first(site: Site, tmp_path: Path) -> None:
    own = msgspec.structs.replace(
        site.services[1], quick=({"ja": "係員が不在です。", "en": "Nobody is here."},)
    )
    office = Living(
        msgspec.structs.replace(site, services=(site.services[0], own, *site.services[2:])),
        tmp_path,
    )
    try:
        clerk = office.client("counter")
        clerk.post("/desk/text", service="moving", text="0", lasts="day")
        _, notice = office.observed[-1]
        assert isinstance(notice, PostNotice)
        assert notice.texts == {
            "ja": "引っ越し・届出：係員が不在です。",
            "en": "Moving: Nobody is here.",
        }
        assert f"{notice.until:%H:%M}" == "17:15"  # by the office's clock, when it closes
    finally:
        office.close()


def test_nobody_takes_back_what_another_has_changed(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="2"))
    key = undo_of(page.text)
    chief = office.client("facility")
    chief.get("/desk")
    follow(chief, chief.post("/desk/level", service="moving", level="3"))
    assert undo_of(clerk.get("/desk").text) == ""
    said = clerk.post("/desk/undo", key=key)
    assert said.status == 422
    assert "can no longer be taken back" in said.text


def test_after_half_an_hour_nothing_is_taken_back(office: Living, clerk: Client) -> None:
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="2"))
    key = undo_of(page.text)
    office.pass_(31 * 60)
    assert clerk.post("/desk/undo", key=key).status == 422


def test_what_was_entered_is_known_after_a_restart(site: Site, tmp_path: Path) -> None:
    office = Living(site, tmp_path)
    clerk = office.client("counter")
    follow(clerk, clerk.post("/desk/level", service="moving", level="2"))
    office.close()
    again = StaffHouse(site, tmp_path, people=False)
    try:
        clerk = again.stranger()
        assert clerk.login("hanako").status == 303
        clerk.get("/desk?lang=en")
        assert "Moving: Slightly busy." in clerk.get("/desk").text
    finally:
        again.close()


def test_while_the_hub_is_gone_the_clerk_reads_that_it_is_kept(house: StaffHouse) -> None:
    clerk = house.client("counter")
    clerk.get("/desk?lang=en")
    house.clock.move(60)
    page = clerk.get("/desk")
    assert "The hub cannot be reached now." in page.text
    page = follow(clerk, clerk.post("/desk/level", service="moving", level="2"))
    assert "Shown as soon as the hub is back." in page.text
    assert house.observed == [("moving", SetLevel(level=2))]


ACTS = {
    "/desk/level": {"service": "moving", "level": "2"},
    "/desk/pause": {"service": "moving", "do": "pause", "minutes": "15", "at": "12:00"},
    "/desk/counter": {"service": "moving", "counter": "c2", "open": "open"},
    "/desk/text": {"service": "moving", "text": "0", "lasts": "30"},
    "/desk/down": {"service": "moving", "name": "desk-moving-0"},
}


@pytest.mark.parametrize("path", ACTS)
def test_hostile_fields_are_refused_with_a_sentence(
    office: Living, clerk: Client, path: str
) -> None:
    clerk.post("/desk/text", service="moving", text="0", lasts="30")
    for field in ACTS[path]:
        for value in HOSTILE:
            if (path, field, value) in FINE:
                continue
            before = len(office.observed)
            said = clerk.post(path, **{**ACTS[path], field: value})
            assert said.status in {400, 422}, (path, field, value)
            assert 'class="wrong"' in said.text
            assert "<script>" not in said.text
            assert len(office.observed) == before, (path, field, value)


FINE = (
    {("/desk/text", "text", "0")}
    | {("/desk/pause", field, value) for field, value in [("at", ""), ("at", " ")]}
    | {("/desk/pause", "minutes", value) for value in HOSTILE}
)
"""What one may leave out, or what does not count beside a time."""


def test_who_may_only_look_enters_nothing(office: Living) -> None:
    guest = office.client("viewer")
    assert guest.get("/desk").status == 403
    assert guest.post("/desk/level", service="moving", level="2").status == 403
    assert office.observed == []


def test_only_one_service_is_shown_if_one_is_asked_for(office: Living, clerk: Client) -> None:
    page = clerk.get("/desk?service=moving").text
    assert 'id="desk-moving"' in page
    assert 'id="desk-insurance"' not in page
    said = clerk.post("/desk/level", service="moving", level="2", only="moving")
    assert said.place == "/staff/desk?service=moving"
    assert Pause(paused=False) not in [reading for _, reading in office.observed]
