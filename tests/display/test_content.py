"""Which item of a playlist is on at a moment, and what its file may say."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import Calendar
from models.errors import BadPlaylist
from models.screens.playlist import (
    Feed,
    Image,
    Item,
    Playlist,
    Text,
    Video,
    parse,
    spoken,
    together,
)
from models.screens.programme import Programme
from models.site import Site
from models.site import parse as parse_site
from tests.signage.office import EXAMPLE

SITE = parse_site(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
NEW_YORK = parse_site(
    EXAMPLE.read_text("utf-8").replace('"Asia/Tokyo"', '"America/New_York"'), EXAMPLE.name
)
WEEKDAYS = st.sampled_from(["mon-fri", "sat-sun", "fri-mon", "wed"])
CLOCKS = ["00:00", "02:30", "08:30", "12:00", "17:15", "23:00"]
HOURS = st.tuples(st.sampled_from(CLOCKS), st.sampled_from([*CLOCKS, "24:00"])).filter(
    lambda span: span[0] != span[1]
)


def item(**keys: Any) -> Item:  # noqa: ANN401  its keys
    return Text(text={"ja": "あ"}, **keys)


def programme(
    *items: Item,
    site: Site = SITE,
    speed: float = 1.0,
    board_seconds: int = 45,
    cover_seconds: int = 60,
) -> Programme:
    playlist = Playlist(items=items, board_seconds=board_seconds, cover_seconds=cover_seconds)
    return Programme(playlist, Calendar(site), site.zone_info, ["ja", "en"], speed=speed)


def at(text: str, site: Site = SITE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=site.zone_info)


@pytest.mark.parametrize(
    ("keys", "moment", "is_on"),
    [
        ({}, "2026-11-24 03:00", True),
        ({"dates": ("2026-11-24/2026-11-26",)}, "2026-11-23 23:59", False),
        ({"dates": ("2026-11-24/2026-11-26",)}, "2026-11-24 00:00", True),
        ({"dates": ("2026-11-24/2026-11-26",)}, "2026-11-26 23:59", True),
        ({"dates": ("2026-11-24/2026-11-26",)}, "2026-11-27 00:00", False),
        ({"dates": ("2026-01-01", "2026-11-24")}, "2026-11-24 12:00", True),
        ({"days": ("mon-fri",)}, "2026-11-21 12:00", False),
        ({"days": ("fri-mon",)}, "2026-11-22 12:00", True),
        ({"days": ("mon", "wed")}, "2026-11-25 12:00", True),
        ({"days": ("mon-fri",)}, "2026-11-23 12:00", True),  # Labour Thanksgiving, a Monday
        ({"days": ("mon-fri",), "holidays": "not"}, "2026-11-23 12:00", False),
        ({"days": ("mon-fri",), "holidays": "not"}, "2026-11-24 12:00", True),
        ({"days": ("sat-sun",), "holidays": "also"}, "2026-11-23 12:00", True),
        ({"days": ("sat-sun",), "holidays": "also"}, "2026-11-24 12:00", False),
        ({"holidays": "also"}, "2026-11-24 12:00", True),
        ({"holidays": "only"}, "2026-11-24 12:00", False),
        ({"holidays": "only"}, "2026-11-23 12:00", True),
        ({"holidays": "only", "days": ("tue",)}, "2026-11-23 12:00", False),
        ({"holidays": "only"}, "2026-12-30 12:00", True),  # offices are shut
        ({"hours": ("08:30-17:15",)}, "2026-11-24 08:29:59", False),
        ({"hours": ("08:30-17:15",)}, "2026-11-24 08:30", True),
        ({"hours": ("08:30-17:15",)}, "2026-11-24 17:15", False),
        ({"hours": ("08:30-12:00", "13:00-24:00")}, "2026-11-24 12:30", False),
        ({"hours": ("08:30-12:00", "13:00-24:00")}, "2026-11-24 23:59:59", True),
        ({"hours": ("22:00-02:00",)}, "2026-11-24 23:00", True),
        ({"hours": ("22:00-02:00",)}, "2026-11-25 01:59", True),
        ({"hours": ("22:00-02:00",)}, "2026-11-25 02:00", False),
        ({"hours": ("22:00-02:00",), "days": ("tue",)}, "2026-11-25 01:00", True),
        ({"hours": ("22:00-02:00",), "days": ("tue",)}, "2026-11-24 01:00", False),
        ({"hours": ("22:00-02:00",), "dates": ("2026-11-24",)}, "2026-11-25 01:00", True),
    ],
)
def test_when_an_item_is_on(keys: dict[str, Any], moment: str, *, is_on: bool) -> None:
    one = item(**keys)
    assert programme(one).on(at(moment)) == ([one] if is_on else [])


def test_a_higher_priority_pushes_all_else_out_whatever_it_weighs() -> None:
    usual, noon = item(weight=10), item(priority=1, hours=("12:00-13:00",))
    shown = programme(usual, noon)
    assert shown.on(at("2026-11-24 11:59:59")) == [usual]
    assert shown.on(at("2026-11-24 12:00")) == [noon]
    after = list(shown.showings(at("2026-11-24 12:59"), at("2026-11-24 13:02")))
    cut = [one for one in after if one.end == at("2026-11-24 13:00")]
    assert len(cut) == 1  # what is no longer on is not shown to its end
    assert cut[0].item in (None, noon)


def test_the_question_of_the_staff_page_is_answered_to_the_second() -> None:
    text = item(seconds=10)
    shown = programme(text, board_seconds=50, cover_seconds=10)
    assert shown.at(at("2027-03-03 12:10:49")).item is None
    found = shown.at(at("2027-03-03 12:10:50"))
    assert (found.item, found.end) == (text, at("2027-03-03 12:11"))
    assert shown.at(at("2027-03-03 12:11")).item is None


def test_items_of_a_turn_follow_upon_each_other_without_a_board() -> None:
    first, second, third = item(seconds=25), item(seconds=25), item(seconds=25)
    day = at("2026-11-24")
    shown = list(programme(first, second, third).showings(day, day + timedelta(seconds=200)))
    assert [one.item for one in shown][:6] == [None, first, second, None, third, None]
    assert [(one.end - one.start).total_seconds() for one in shown][:5] == [45, 25, 25, 45, 25]


def test_with_nothing_on_it_is_the_board_all_day() -> None:
    day = at("2026-11-24")
    shown = list(programme(item(dates=("2020-01-01",))).showings(day, day + timedelta(days=1)))
    assert [(one.start, one.end, one.item) for one in shown] == [
        (day, day + timedelta(days=1), None)
    ]


def test_a_demo_shows_as_long_as_life_does() -> None:
    day = at("2026-11-24")
    shown = programme(item(seconds=20), speed=60).showings(day, day + timedelta(hours=3))
    lengths = {(one.end - one.start).total_seconds() / 60 for one in shown if one.item}
    assert lengths == {20}


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    return [
        item(
            id=f"i{n}",
            weight=draw(st.integers(1, 10)),
            priority=draw(st.integers(0, 2)),
            seconds=draw(st.none() | st.integers(5, 60)),
            hours=tuple("-".join(span) for span in draw(st.lists(HOURS, max_size=2))),
            days=tuple(draw(st.lists(WEEKDAYS, max_size=1))),
            holidays=draw(st.sampled_from([None, "also", "only", "not"])),
        )
        for n in range(draw(st.integers(1, 6)))
    ]


@given(
    wanted=items(),
    board=st.integers(10, 120),
    cover=st.integers(5, 60),
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    hour=st.integers(0, 23),
    site=st.sampled_from([SITE, NEW_YORK]),
)
def test_the_board_is_back_after_a_minute_on_any_day_in_any_zone(  # noqa: PLR0917
    wanted: list[Item], board: int, cover: int, day: date, hour: int, site: Site
) -> None:
    shown = programme(*wanted, site=site, board_seconds=board, cover_seconds=cover)
    begin = datetime(day.year, day.month, day.day, hour, tzinfo=site.zone_info)
    end = begin + timedelta(hours=3)
    at_ = None
    covered_s = 0.0
    for one in shown.showings(begin, end):
        assert at_ is None or one.start == at_, "want no gap and nothing twice"
        assert one.end > one.start
        at_ = one.end
        length_s = (one.end - one.start).total_seconds()
        covered_s = 0.0 if one.item is None else covered_s + length_s
        assert covered_s <= 60
        if one.item is not None:
            on = shown.on(one.start)
            assert one.item in on
            assert {each.priority for each in on} == {one.item.priority}
            assert one.item in shown.on(one.end - timedelta(milliseconds=1))
    assert at_ is not None
    assert at_ >= end


@given(weights=st.lists(st.integers(1, 10), min_size=1, max_size=6), seconds=st.integers(5, 60))
def test_over_a_day_each_is_shown_as_often_as_it_weighs(weights: list[int], seconds: int) -> None:
    wanted = [item(id=f"i{n}", weight=w, seconds=seconds) for n, w in enumerate(weights)]
    day = at("2026-11-24")
    shown = programme(*wanted).showings(day, day + timedelta(days=1))
    times = Counter(one.item.id for one in shown if one.item)
    total = sum(times.values())
    for one in wanted:
        assert abs(times[one.id] - total * one.weight / sum(weights)) <= len(weights)


@given(wanted=items(), offset_s=st.integers(0, 86_399))
def test_whoever_asks_is_told_the_same(wanted: list[Item], offset_s: int) -> None:
    shown = programme(*wanted)
    moment = at("2026-11-24") + timedelta(seconds=offset_s)
    alone = shown.at(moment)
    around = shown.showings(moment - timedelta(hours=1), moment + timedelta(hours=1))
    assert alone in list(around)
    assert alone.start <= moment < alone.end


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"], ids=["23 hours", "25 hours"])
def test_hours_are_those_of_the_clock_on_the_wall_when_summer_time_begins_and_ends(
    day: str,
) -> None:
    one = item(hours=("08:30-09:00",))
    shown = programme(one, site=NEW_YORK)
    assert shown.on(at(f"{day} 08:29:59", NEW_YORK)) == []
    assert shown.on(at(f"{day} 08:30", NEW_YORK)) == [one]
    assert shown.on(at(f"{day} 09:00", NEW_YORK)) == []


def test_an_item_is_only_for_screens_of_its_languages() -> None:
    english = Text(text={"en": "Hello"})
    korean = Text(text={"ko": "안녕"})
    picture = Image(file="a.png", languages=("ko",))
    assert programme(english, korean, picture).on(at("2026-11-24")) == [english]


@pytest.mark.parametrize(
    ("texts", "languages", "said"),
    [
        (["ja", "en"], ["en", "ja"], ("en", "ja")),
        (["ja-Hira", "en"], ["ja", "en"], ("ja-Hira", "en")),
        (["ja", "ja-Hira"], ["ja", "en"], ("ja",)),
        (["ja", "ja-Hira"], ["ja", "ja-Hira"], ("ja", "ja-Hira")),
        (["ja"], ["ja", "ja-Hira"], ("ja",)),
        (["ko"], ["ja", "en"], ()),
    ],
)
def test_a_text_is_shown_in_the_languages_of_the_screen(
    texts: list[str], languages: list[str], said: tuple[str, ...]
) -> None:
    assert spoken(dict.fromkeys(texts, "x"), languages) == said


def test_a_long_text_is_given_time_to_be_read_and_a_minute_at_most() -> None:
    short, long = Text(text={"ja": "あ"}), Text(text={"ja": "あ" * 150})
    endless = Text(text={"ja": "あ" * 4000})
    lengths = [one.length_s(["ja"]) for one in (short, long, endless)]
    assert lengths == [10, 29, 60]


def test_a_playlist_as_an_office_writes_it() -> None:
    made = parse(
        """
        board_seconds = 30

        [[items]]
        kind = "text"
        title = { ja = "お知らせ" }
        text = { ja = "本文", en = "Text" }
        dates = "2026-12-01/2026-12-28"
        days = ["mon", "wed-fri"]
        hours = "22:00-02:00"
        holidays = "also"
        languages = "ja"

        [[items]]
        kind = "video"
        file = "clips/a.webm"
        sound = true

        [[items]]
        kind = "feed"
        url = "https://www.example.jp/news.xml"
        """
    )
    text, video, feed = made.items
    assert made.mistakes == ()
    assert (made.board_seconds, made.cover_seconds) == (30, 60)
    assert isinstance(text, Text)
    assert text.dates == ("2026-12-01/2026-12-28",)
    assert text.days == ("mon", "wed-fri")
    assert text.languages == ("ja",)
    assert isinstance(video, Video)
    assert isinstance(feed, Feed)
    assert [one.length_s(["ja"]) for one in (text, video, feed)] == [10, 60, 30]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('kind = "text"\ntext = {}', "$.items[1].text"),
        ('kind = "text"\ntext = { xx = "a" }', "$.items[1].text"),
        ('kind = "text"\ntext = { ja = "a" }\ncolour = "red"', "unknown field `colour`"),
        ('kind = "text"\ntext = { ja = "a" }\nseconds = 61', "$.items[1].seconds"),
        ('kind = "text"\ntext = { ja = "a" }\nweight = 0', "$.items[1].weight"),
        ('kind = "text"\ntext = { ja = "a" }\ndates = "2026-02-30"', "$.items[1].dates"),
        ('kind = "text"\ntext = { ja = "a" }\ndates = "2026-02-03/2026-02-01"', "$.items[1].dates"),
        ('kind = "text"\ntext = { ja = "a" }\nhours = "9-17"', "$.items[1].hours"),
        ('kind = "text"\ntext = { ja = "a" }\nhours = "09:00-09:00"', "$.items[1].hours"),
        ('kind = "text"\ntext = { ja = "a" }\ndays = "weekdays"', "$.items[1].days"),
        ('kind = "text"\ntext = { ja = "a" }\nholidays = "yes"', "$.items[1].holidays"),
        ('kind = "image"', "$.items[1].file"),
        ('kind = "image"\nfile = "a.png"\nurl = "https://a.example/b"', "$.items[1].file"),
        ('kind = "image"\nfile = "../a.png"', "$.items[1].file"),
        ('kind = "image"\nfile = "/etc/passwd"', "$.items[1].file"),
        ('kind = "image"\nfile = "..\\\\a.png"', "$.items[1].file"),
        ('kind = "image"\nurl = "http://a.example/b"', "$.items[1].url"),
        ('kind = "image"\nurl = "file:///etc/passwd"', "$.items[1].url"),
        ('kind = "image"\nurl = "https://me:pass@a.example/b"', "$.items[1].url"),
        ('kind = "image"\nfile = "a.png"\nsha256 = "ab"', "$.items[1].sha256"),
        ('kind = "game"', "$.items[1].kind"),
        ('file = "a.png"', "$.items[1]"),
    ],
)
def test_what_is_wrong_is_named_and_left_out_alone(written: str, said: str) -> None:
    good = '[[items]]\nkind = "news"\n'
    made = parse(f"{good}[[items]]\n{written}\n{good}")
    assert len(made.items) == 2
    assert len(made.mistakes) == 1
    assert said in made.mistakes[0]
    assert "items[1]" in made.mistakes[0]


@pytest.mark.parametrize(
    "text",
    ["[[items]", "items = 3", "board_seconds = 5", "colour = 1", "cover_seconds = 61", "a" * 9],
)
def test_a_playlist_of_which_nothing_can_be_used_says_so(text: str) -> None:
    with pytest.raises(BadPlaylist, match=r"playlist\.toml: want a playlist, "):
        parse(text)


def test_an_endless_playlist_is_cut_and_says_so() -> None:
    made = parse('[[items]]\nkind = "news"\n' * 203)
    assert (len(made.items), len(made.mistakes)) == (200, 3)
    assert len(together([made, made]).items) == 200


def test_a_playlist_holds_nothing_that_could_change() -> None:
    with pytest.raises(AttributeError):
        item().weight = 3  # type: ignore[misc]
    assert msgspec.structs.replace(item(), weight=3) == item(weight=3)
