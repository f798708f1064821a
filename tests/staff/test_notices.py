"""Notices and emergencies: written, read as residents will, put up, taken down; by two where it
matters.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from models.contract.observations import PostNotice
from models.site import Emergency, Site
from tests.staff.house import Client
from tests.staff.living import HOSTILE, Living, follow

TEXTS = {"text-ja": "14時から断水します。", "text-en": "The water is cut from 14:00."}
NEWS = {"severity": "info", "since": "", "until": "2026-11-24T17:00", **TEXTS}
ALARM = {"drill": "no", "minutes": "", "what": "own", **TEXTS}


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Iterator[Living]:
    made = Living(site, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def chief(office: Living) -> Client:
    return office.client("facility")


@pytest.fixture
def clerk(office: Living) -> Client:
    return office.client("counter")


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def propose(chief: Client, **fields: str) -> str:
    """Write one, look at it, propose it; returns its name."""
    page = follow(chief, chief.post("/emergency/draft", **(ALARM | fields)))
    name = field(page.text, "name")
    assert chief.post("/emergency/propose", name=name).status == 303
    return name


@pytest.mark.parametrize("severity", ["info", "warning"])
def test_a_notice_is_looked_at_before_it_is_up(
    office: Living, chief: Client, severity: str
) -> None:
    page = follow(chief, chief.post("/notices/draft", **(NEWS | {"severity": severity})))
    assert office.observed == []
    assert f'<li class="{severity} aside"' in page.text
    assert '<span data-value lang="en">The water is cut from 14:00.</span>' in page.text
    assert page.text.count("shadowrootmode") == len(office.site.site.languages)
    page = follow(chief, chief.post("/notices/post", name=field(page.text, "name")))
    assert "The notice is up." in page.text
    ((name, notice),) = office.observed
    assert notice == PostNotice(
        by="taro",
        severity="warning" if severity == "warning" else "info",
        until=datetime(2026, 11, 24, 8, tzinfo=UTC),
        texts={"ja": TEXTS["text-ja"], "en": TEXTS["text-en"]},
    )
    assert name in office.hub.mirror.notices()
    page = follow(chief, chief.post("/notices/cancel", name=name))
    assert office.hub.mirror.notices() == {}
    assert [line[1:3] for line in office.audit()[-3:]] == [
        ("notices/draft", "done"),
        ("notices/post", "done"),
        ("notices/cancel", "done"),
    ]


def test_a_notice_of_tomorrow_is_shown_tomorrow(office: Living, chief: Client) -> None:
    times = {"since": "2026-11-25T09:00", "until": "2026-11-25T12:00"}
    page = follow(chief, chief.post("/notices/draft", **(NEWS | times)))
    assert "The water is cut" in page.text
    follow(chief, chief.post("/notices/post", name=field(page.text, "name")))
    (notice,) = office.hub.mirror.notices().values()
    assert notice.since == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"until": ""}, "The end must come after"),
        ({"until": "2026-11-24T10:32"}, "The end must come after"),
        ({"since": "2026-11-25T09:00"}, "The end must come after"),
        ({"until": "2029-01-01T00:00"}, "The end must come after"),
        ({"until": "0001-01-01T00:00"}, "That is no date or time"),
        ({"until": "tomorrow"}, "That is no date or time"),
        ({"text-ja": " \n "}, "Enter the text in 日本語"),
        ({"text-en": "x" * 2001}, "2000 characters at most"),
        ({"severity": "emergency"}, "out of date"),
    ],
)
def test_what_no_notice_can_be_is_refused(
    office: Living, chief: Client, wrong: dict[str, str], said: str
) -> None:
    answer = chief.post("/notices/draft", **(NEWS | wrong))
    assert answer.status == 422
    assert said in answer.text
    assert office.observed == []


def test_hostile_fields_of_notices_change_nothing(office: Living, chief: Client) -> None:
    for value in HOSTILE:
        for key in ("severity", "until"):
            assert chief.post("/notices/draft", **(NEWS | {key: value})).status in {400, 422}, value
        for path in ("/notices/post", "/notices/cancel", "/emergency/cancel", "/emergency/confirm"):
            assert chief.post(path, name=value).status in {400, 422}, (path, value)
        for key in ("drill", "minutes", "what"):
            if (key, value) == ("minutes", ""):
                continue
            assert chief.post("/emergency/draft", **(ALARM | {key: value})).status in {400, 422}
    assert office.observed == []


def test_markup_in_a_text_is_text(chief: Client) -> None:
    page = follow(chief, chief.post("/notices/draft", **(NEWS | {"text-ja": "<b onclick=x>水"})))
    assert "&lt;b onclick=x&gt;水" in page.text
    assert "<b onclick" not in page.text


def test_an_emergency_is_shown_by_two_and_by_nobody_alone(
    office: Living, chief: Client, clerk: Client
) -> None:
    name = propose(chief)
    assert office.hub.mirror.notices() == {}
    for client in (chief, clerk):
        for path in ("/emergency", "/desk", "/parking", "/account"):
            assert "An emergency waits to be confirmed" in client.get(path).text
    page = clerk.get("/emergency")
    assert "all 3 displays show it within 2 seconds" in page.text
    assert "14時から断水します。" in page.text
    seal = field(page.text, "seal")
    assert 'action="/staff/emergency/confirm"' not in chief.get("/emergency").text
    said = chief.post("/emergency/confirm", name=name, seal=seal)
    assert (said.status, "taro proposed it" in said.text) == (422, True)
    page = follow(clerk, clerk.post("/emergency/confirm", name=name, seal=seal))
    assert "It is shown on all 3 displays." in page.text
    (notice,) = office.hub.mirror.notices().values()
    assert (notice.severity, notice.drill, notice.until) == ("emergency", False, None)
    assert office.hub.mirror.proposals() == {}
    page = follow(clerk, clerk.post("/emergency/cancel", name=name))
    assert office.hub.mirror.notices() == {}
    assert "Cancelled." in page.text
    who = [(line[0], line[1]) for line in office.audit() if line[2] == "done"]
    assert ("taro", "emergency/propose") in who
    assert ("hanako", "emergency/confirm") in who
    assert ("taro", "emergency/confirm", "refused") in [line[:3] for line in office.audit()]


def test_a_name_in_other_letters_is_nobody_else(office: Living, chief: Client) -> None:
    name = propose(chief)
    seal = field(office.client("counter").get("/emergency").text, "seal")
    proposal = office.hub.mirror.proposals()[name]
    spelt = msgspec.structs.replace(proposal, by="Ｈａｎａｋｏ")
    office.do(lambda: office.hub.say(f"proposal/{name}", spelt))
    clerk = office.client("counter")
    assert clerk.post("/emergency/confirm", name=name, seal=seal).status == 422
    assert office.hub.mirror.notices() == {}


def test_who_read_something_else_confirms_nothing(
    office: Living, chief: Client, clerk: Client
) -> None:
    name = propose(chief)
    seal = field(clerk.get("/emergency").text, "seal")
    other = msgspec.structs.replace(office.hub.mirror.proposals()[name], texts={"ja": "別の文章"})
    office.do(lambda: office.hub.say(f"proposal/{name}", other))
    said = clerk.post("/emergency/confirm", name=name, seal=seal)
    assert (said.status, "Read it again" in said.text) == (422, True)
    assert len(office.observed) == 1


def test_after_five_minutes_a_proposal_is_gone(
    office: Living, chief: Client, clerk: Client
) -> None:
    name = propose(chief)
    seal = field(clerk.get("/emergency").text, "seal")
    office.pass_(301)
    assert "waits to be confirmed" not in clerk.get("/desk").text
    said = clerk.post("/emergency/confirm", name=name, seal=seal)
    assert (said.status, "5 minutes have passed" in said.text) == (422, True)


def test_a_drill_says_so_and_is_confirmed_in_the_same_way(
    office: Living, chief: Client, clerk: Client
) -> None:
    name = propose(chief, drill="yes", what="leave", minutes="30")
    page = clerk.get("/emergency")
    assert "This is a drill" in page.text
    follow(clerk, clerk.post("/emergency/confirm", name=name, seal=field(page.text, "seal")))
    (notice,) = office.hub.mirror.notices().values()
    assert notice.drill
    assert notice.texts["ja"].startswith("【訓練】")
    assert set(notice.texts) >= set(office.site.site.languages)
    assert notice.until is not None
    assert abs(notice.until - office.clock.now() - timedelta(minutes=30)) < timedelta(seconds=2)


def test_where_one_is_enough_for_a_drill_the_page_says_so(site: Site, tmp_path: Path) -> None:
    office = Living(
        msgspec.structs.replace(site, emergency=Emergency(drills_by_one=True)), tmp_path
    )
    try:
        chief = office.client("facility")
        page = follow(chief, chief.post("/emergency/draft", **(ALARM | {"drill": "yes"})))
        assert "one person may start a drill" in page.text
        page = follow(chief, chief.post("/emergency/propose", name=field(page.text, "name")))
        assert "It is shown on all 3 displays." in page.text
    finally:
        office.close()


def test_a_clerk_proposes_nothing_and_a_guest_reads_no_proposal(
    office: Living, chief: Client, clerk: Client
) -> None:
    assert clerk.post("/emergency/draft", **ALARM).status == 403
    assert clerk.get("/notices").status == 403
    propose(chief)
    guest = office.client("viewer")
    assert guest.get("/emergency").status == 403
    assert "waits to be confirmed" not in guest.get("/account").text
