"""What is read of a book of reservations: counts, and never a word of who they are."""

from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract.codec import MAX_BYTES as LONGEST
from models.contract.codec import plain as as_message
from models.errors import BadPayload
from models.sensing import booked
from models.sensing.booked import Columns, Read, Wanted, counted, csv_rows, json_rows
from models.sensing.booked_ics import COLUMNS, ics_rows
from models.sensing.ticket_lines import Encoding

TOKYO = ZoneInfo("Asia/Tokyo")
FIRST = date(2026, 11, 24)
HEAD = "予約番号,予約日,時刻,窓口,状態,氏名,電話"
CSV = Columns(date="予約日", time="時刻", cancelled="状態", cancelled_is=frozenset({"取消"}))
NAMES = ["予約日", "時刻", "窓口", "状態"]
PASSPORT = Wanted(service="passport", column="窓口", words=frozenset({"旅券"}))
ALL = Wanted(service="passport")
WHO = ("山田", "花子", "090-1234-5678", "hanako@example.jp", "8f3a-uid-77")
"""What names a person in the books below."""


def table(*rows: str, encoding: Encoding = "utf-8") -> Read:
    """A CSV with this head."""
    body = "\r\n".join([HEAD, *rows]).encode(encoding)
    return counted(csv_rows(body, encoding, ",", NAMES), CSV, [PASSPORT], TOKYO, FIRST, 2)


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]).encode()


def event(start: str, *lines: str, uid: str = "") -> tuple[str, ...]:
    uids = (f"UID:{uid}",) if uid else ()
    return ("BEGIN:VEVENT", *uids, f"DTSTART{start}", *lines, "END:VEVENT")


def read_ics(body: bytes, wanted: Wanted = ALL) -> Read:
    names = [wanted.column] if wanted.column else []
    return counted(ics_rows(body, names), COLUMNS, [wanted], TOKYO, FIRST, 2)


def slots(read: Read, day: int = 0) -> list[tuple[int, int, int | None]]:
    return [(s.minute, s.booked, s.places) for s in read.days["passport"][day].slots]


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_rows_are_counted_by_day_and_time(encoding: Encoding) -> None:
    read = table(
        "1,2026-11-24,9:00,旅券,,山田 花子,090-1234-5678",
        "2,2026-11-24,9:00,旅券,,山田 太郎,090-1234-5679",
        "3,2026-11-24,9:00,税,,鈴木,",
        "4,2026-11-24,9:30,旅券,取消,佐藤,",
        '5,2026-11-25,10:00,旅券,,"髙橋, ""タカ""",',
        "6,2026-11-26,10:00,旅券,,後,",
        encoding=encoding,
    )
    assert slots(read) == [(540, 2, None)]
    assert slots(read, 1) == [(600, 1, None)]
    assert [day.day for day in read.days["passport"]] == [FIRST, date(2026, 11, 25)]
    assert not read.refused


@pytest.mark.parametrize(
    ("day", "time", "minute"),
    [
        ("2026-11-24", "9:00", 540),
        ("2026/11/24", "09:05:30", 545),
        ("２０２６年１１月２４日", "９時３０分", 570),
        ("20261124", "0915", 555),
        ("令和8年11月24日", "午後1:30", 810),
        ("R8.11.24", "午後12時", 720),
        ("2026.11.24", "10:00～10:30", 600),
        ("2026-11-24(火)", "8時", 480),
    ],
)  # fmt: skip
def test_a_time_is_read_as_people_write_it(day: str, time: str, minute: int) -> None:
    assert slots(table(f"1,{day},{time},旅券,,,")) == [(minute, 1, None)]


@pytest.mark.parametrize(
    ("day", "time"),
    [("2026-13-24", "9:00"), ("2026-11-31", "9:00"), ("2026-11-24", "25:00"), ("", ""),
     ("明日", "9:00"), ("2026-11-24", "朝"), ("9999999999", "9:00"), ("令和999年1月1日", "9:00")],
)  # fmt: skip
def test_a_time_that_is_none_is_refused_and_counted(day: str, time: str) -> None:
    good = ["1,2026-11-24,9:00,旅券,,,"] * 12
    read = table(*good, f"13,{day},{time},旅券,,,")
    assert read.refused == {booked.NO_TIME: 1}
    assert slots(read) == [(540, 12, None)]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["1,朝,9:00,旅券,,,"], "got too few"),
        (["1,2026-11-24,9:00,旅券,,,"] * 5 + ["1,?,?,旅券,,,"], "got too few"),
        (["1,2026-11-24,9:00,住民票,,,"], "got others only"),
        ([f"{n},2026-11-24,{n // 60}:{n % 60:02},旅券,,," for n in range(301)], "at most 300"),
    ],
    ids=["no time at all", "more than one in ten", "another service", "every minute"],
)
def test_a_book_of_which_too_little_can_be_read_is_not_taken_for_an_empty_one(
    rows: list[str], why: str
) -> None:
    with pytest.raises(BadPayload, match=why):
        table(*rows)


def test_a_table_without_rows_says_that_nobody_has_booked() -> None:
    assert slots(table()) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "got nothing"),
        (b" \r\n", "got nothing"),
        (b"<html>Please log in</html>", "want a column"),
        ("予約日,時刻\r\n2026-11-24,9:00\r\n".encode(), "want a column '窓口'"),
        (HEAD.encode() + b'\r\n1,"2026', "want a table"),
        (b"x" * (booked.MAX_BYTES + 1), "got more"),
        (HEAD.encode() + b"\r\n1" * 50_001, "50000 rows"),
    ],
    ids=["empty", "blank", "a page", "another head", "cut", "too large", "too long"],
)  # fmt: skip
def test_what_is_no_such_table_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        counted(csv_rows(body, "utf-8", ",", NAMES), CSV, [PASSPORT], TOKYO, FIRST, 2)


def test_a_row_a_time_with_how_many_of_how_many() -> None:
    body = (
        b"at;n;cap\n2026-11-24 09:00;3;4\n2026-11-24 09:30;0;4\n2026-11-24 10:00;2\xe4\xba\xba;4\n"
    )
    columns = Columns(date="at", count="n", places="cap")
    rows = csv_rows(body, "utf-8", ";", ["at", "n", "cap"])
    read = counted(rows, columns, [ALL], TOKYO, FIRST, 1)
    assert slots(read) == [(540, 3, 4), (570, 0, 4), (600, 2, 4)]


def test_a_list_in_json() -> None:
    body = (
        '{"data":{"items":['
        '{"start":{"at":"2026-11-24T01:00:00Z"},"desk":"Passport","void":false,"name":"山田"},'
        '{"start":{"at":"2026-11-24T10:00:00+09:00"},"desk":"passport","void":false},'
        '{"start":{"at":"2026-11-24T10:30"},"desk":"passport","void":true},'
        '{"start":{"at":"2026-11-23T23:00:00-02:00"},"desk":"passport"}]}}'
    )
    columns = Columns(date="/start/at", cancelled="void", cancelled_is=frozenset({"true"}))
    rows = json_rows(body.encode(), "/data/items", ["/start/at", "void", "desk"])
    wanted = Wanted(service="passport", column="desk", words=frozenset({"passport"}))
    assert slots(counted(rows, columns, [wanted], TOKYO, FIRST, 1)) == [(600, 3, None)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[", "want JSON"), (b"[" * 100_000, "want JSON"), (b"{}", "want a list"),
        (b'{"data":{"items":[1,2]}}', "list of objects"), (b"\xff\xfe", "want JSON"),
    ],
)  # fmt: skip
def test_what_is_no_such_list_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        json_rows(body, "/data/items", ["at"])


def test_a_calendar() -> None:
    body = calendar(
        "BEGIN:VTIMEZONE", "TZID:Tokyo Standard Time", "BEGIN:STANDARD",
        "DTSTART:16010101T000000", "TZOFFSETFROM:+0900", "TZOFFSETTO:+0900", "END:STANDARD",
        "END:VTIMEZONE",
        *event(";TZID=Tokyo Standard Time:20261124T093000", "SUMMARY:山田", " 花子", uid="a"),
        *event(":20261124T003000Z", "ATTENDEE;CN=山田:mailto:hanako@example.jp", uid="b"),
        *event(";TZID=Europe/Lisbon:20261124T003000", uid="c"),
        *event(":20261124T093000", "BEGIN:VALARM", "TRIGGER:-PT10M", "END:VALARM", uid="d"),
        *event(":20261124T100000", "STATUS:CANCELLED", uid="e"),
        *event(":20261124T110000", uid="f"),
        *event(":20261124T113000", "SEQUENCE:2", uid="f"),
        *event(":20261124T111500", "SEQUENCE:1", uid="f"),
    )  # fmt: skip
    read = read_ics(body)
    assert slots(read) == [(570, 4, None), (690, 1, None)]
    assert not read.refused


def test_events_of_whole_days_and_those_that_recur_are_left_out_and_counted() -> None:
    body = calendar(
        *event(";VALUE=DATE:20261124"),
        *event(":20261124T100000", "RRULE:FREQ=SECONDLY"),
        *event(":20261124T100000", "RDATE:20261125T100000"),
        *event(":20261124T110000"),
    )
    read = read_ics(body)
    assert slots(read) == [(660, 1, None)]
    assert read.refused == {booked.ALL_DAY: 1, booked.RECURS: 2}


def test_a_calendar_of_nothing_but_what_recurs_is_refused() -> None:
    with pytest.raises(BadPayload, match="got too few"):
        read_ics(calendar(*event(":20261124T100000", "RRULE:FREQ=DAILY")))


def test_a_service_is_told_by_a_property_of_several_words() -> None:
    wanted = Wanted(service="passport", column="CATEGORIES", words=frozenset({"旅券", "a,b"}))
    body = calendar(
        *event(":20261124T100000", "CATEGORIES:新規,旅券"),
        *event(":20261124T100000", r"CATEGORIES:a\,b"),
        *event(":20261124T100000", "CATEGORIES:税"),
        *event(":20261124T100000"),
    )
    assert slots(read_ics(body, wanted)) == [(600, 2, None)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"hello", "got one that is cut"),
        (calendar(*event(":20261124T100000"))[:-20], "got one that is cut"),
        (calendar("END:VEVENT"), "got one that is cut"),
        (calendar(*event(";TZID=../../etc/passwd:20261124T100000")), "got too few"),
        (calendar(*event(";TZID=Asia:20261124T100000")), "got too few"),
        (calendar(*event(":20261399T100000")), "got too few"),
    ],
    ids=["no calendar", "cut", "crossed", "a path", "a folder", "no such day"],
)
def test_what_is_no_calendar_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(BadPayload, match=why):
        read_ics(body)


def test_an_empty_calendar_and_a_cancelled_one_say_that_nobody_has_booked() -> None:
    assert slots(read_ics(calendar())) == []
    assert slots(read_ics(calendar("METHOD:CANCEL", *event(":20261124T100000")))) == []


READERS: list[Callable[[bytes], Read]] = [
    read_ics,
    lambda body: counted(csv_rows(body, "cp932", ",", NAMES), CSV, [PASSPORT], TOKYO, FIRST, 2),
    lambda body: counted(
        json_rows(body, "", ["at"]), Columns(date="at"), [ALL], TOKYO, FIRST, 2
    ),
]  # fmt: skip
PIECES = [
    b"BEGIN:VCALENDAR\r\n", b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"END:VCALENDAR\r\n",
    b"DTSTART;TZID=Asia/Tokyo:20261124T090000\r\n", b"DTSTART:20261124T0\r\n 90000Z\r\n",
    b"SEQUENCE:99999999999999\r\n", b"UID:8f3a-uid-77\r\n", HEAD.encode("cp932") + b"\r\n",
    "1,2026-11-24,9:00,旅券,,山田,090-1234-5678\r\n".encode("cp932"), b'"', b"\x00", b"\xff",
    b'[{"at":"2026-11-24T09:00","name":"hanako@example.jp"}]', b'{"at":', b"[" * 50, b",,,,\r\n",
]  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=20).map(b"".join),
    st.sampled_from(READERS),
)
def test_whatever_comes_is_refused_or_counted_and_nobody_is_named(
    body: bytes, reader: Callable[[bytes], Read]
) -> None:
    try:
        read = reader(body)
    except BadPayload as error:
        said = str(error)
    else:
        told = [as_message(day) for days in read.days.values() for day in days]
        assert all(len(str(day)) < LONGEST for day in told)
        said = f"{told} {dict(read.refused)}"
    assert not [who for who in WHO if who in said]
