from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.observations import Ticket
from models.errors import BadPayload, BadSite
from models.sensing.ticket_lines import (
    EVENTS,
    MAX_BYTES,
    Lines,
    TicketFormat,
    TicketLine,
    TicketLines,
)

MACHINE = TicketFormat(
    pattern=(
        r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?P<event>\w+) (?P<service>[A-Z])"
        r" (?P<number>\d+) (?P<counter>\S+)$"
    ),
    services={"A": "certificates", "B": "moving"},
    events={"ISSUE": "issued", "CALL": "called"},
    counters={"1": "c1", "2": "c2"},
    number="{service}{number:>03}",
    zone=ZoneInfo("Asia/Tokyo"),
)
AT = datetime(2026, 11, 24, 1, 32, 5, tzinfo=UTC)


def read(line: bytes, **changes: object) -> TicketLine:
    return TicketLines(msgspec.structs.replace(MACHINE, **changes)).read(line)


def test_a_line_is_read_by_pattern_maps_format_and_the_zone_of_the_site() -> None:
    assert read(b"2026-11-24 10:32:05 ISSUE A 7 -") == (
        "certificates",
        Ticket(number="A007", event="issued", counter=None),
        AT,
    )
    assert read(b"2026-11-24 10:32:05.250 CALL B 123 2") == (
        "moving",
        Ticket(number="B123", event="called", counter="c2"),
        AT.replace(microsecond=250_000),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2026-11-24 10:32:05 ISSUE A 7", "want a line that fits the pattern, got another"),
        (b"", "want a line that fits the pattern, got another"),
        (b"2026-11-24 10:32:05 PAPER A 7 -", "want an event of `events`, got another"),
        (b"2026-11-24 10:32:05 ISSUE Z 7 -", "want a service of `services`, got another"),
        (b"2026-02-30 10:32:05 ISSUE A 7 -", "want a time of the calendar, got another"),
        (b"0001-01-01 00:00:00 ISSUE A 7 -", "want a time of the calendar, got another"),
        (b"\xff\xfe", "want utf-8, got other bytes"),
        (b"A" * (MAX_BYTES + 1), "want a line of at most 1000 bytes, got a longer one"),
        (
            b"2026-11-24 10:32:05 ISSUE A " + b"7" * 70 + b" -",
            "want a number of 1 to 64 characters, got another",
        ),
    ],
)
def test_a_line_that_says_nothing_is_refused_without_its_words(line: bytes, reason: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(line)
    assert str(refused.value) == reason


def test_a_machine_of_one_service_and_one_event_needs_only_a_number() -> None:
    said = read(
        b"No. 12", pattern=r"(?P<number>\d+)", number="{number}", service="tax", event="called"
    )
    assert said == ("tax", Ticket(number="12", event="called"), None)


@pytest.mark.parametrize("encoding", ["cp932", "shift_jis", "euc_jp", "utf-8"])
def test_a_japanese_machine_is_read_in_its_encoding(encoding: str) -> None:
    said = read(
        "発券　Ａ１２　証明".encode(encoding),
        pattern=r"(?P<event>\w+)　(?P<number>\S+)　(?P<service>\w+)",
        events={"発券": "issued"},
        services={"証明": "certificates"},
        number="{number}",
        encoding=encoding,
    )
    assert said == ("certificates", Ticket(number="A12", event="issued"), None)


def test_a_printed_time_may_have_a_format_or_a_zone_of_its_own() -> None:
    pattern = r"(?P<at>.+) (?P<event>\w+) (?P<service>[A-Z]) (?P<number>\d+)"
    line = b"24/11/26 10:32:05 ISSUE A 7"
    assert read(line, pattern=pattern, at_format="%d/%m/%y %H:%M:%S").at == AT
    assert read(b"2026-11-24T01:32:05Z ISSUE A 7", pattern=pattern).at == AT


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("{at} {event} {service} {number} {counter}", "2026-11-24 10:32:05  ISSUE A 7 -"),
        ("{at},{event},{service}{number},{any}", "2026/11/24 10:32:05,ISSUE,A7,x"),
        ("{at}，{event}，{service}{number}", "2026-11-24 10:32:05，ISSUE，A7"),
        ("{event};{service};{number};{at}", "ISSUE;A;7;20261124103205"),
        ("[{at}] {service}-{number}: {event}", " [2026-11-24T10:32:05] A-7: ISSUE \t"),
        (
            "受付 {service} {number}番 {event} {at}",
            "受付 Ａ ７番 ＩＳＳＵＥ 2026年11月24日10時32分05秒",
        ),
    ],
)
def test_a_pattern_can_be_written_as_the_line_with_places_in_it(pattern: str, line: str) -> None:
    formats = {
        "2026/": "%Y/%m/%d %H:%M:%S",
        "20261": "%Y%m%d%H%M%S",
        "2026年": "%Y年%m月%d日%H時%M分%S秒",
    }
    at_format = next((formats[head] for head in formats if head in line), None)
    changes = {
        "services": {"A": "moving", "Ａ": "moving"},
        "events": {"ISSUE": "issued", "ＩＳＳＵＥ": "issued"},
    }
    said = read(
        line.encode(), pattern=pattern, at_format=at_format, number="A{number:>03}", **changes
    )
    assert said.ticket.number.removeprefix("A").lstrip("0") == "7"
    assert (said.service, said.ticket.event, said.at) == ("moving", "issued", AT)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "{event} {number} {number} {service}",
            "want each place once and {any} for *, got {number}",
        ),
        ("* {event} {number} {service}", "want each place once and {any} for *, got *"),
        (
            "{event} {number} {desk}",
            "want {any}, {at}, {counter}, {event}, {number}, {service}, got",
        ),
    ],
)
def test_a_line_with_places_that_cannot_be_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(BadSite) as refused:
        TicketLines(msgspec.structs.replace(MACHINE, pattern=pattern))
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith(" - at `$.pattern`")


def test_a_line_made_to_harm_is_read_at_once() -> None:
    lines = TicketLines(msgspec.structs.replace(MACHINE, pattern="{at} {event} {service} {number}"))
    for line in (
        b" " * 1000,
        b"1" * 1000,
        b"2026-11-24 10:32:05 " + b"A " * 480,
        b"\xe3\x80\x80" * 333,
    ):
        with pytest.raises(BadPayload):
            lines.read(line)


def test_without_maps_the_machine_prints_our_words() -> None:
    same = {"moving": "moving"}
    pattern = r"(?P<event>\w+) (?P<service>\S+) (?P<number>\d+)"
    said = read(
        b"served moving 7", pattern=pattern, services=same, events=EVENTS, number="{number}"
    )
    assert said == ("moving", Ticket(number="7", event="served"), None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pattern": "("}, "want a regular expression, got missing ), unterminated subpattern"),
        ({"pattern": "(" * 5000}, "want a regular expression, got "),
        ({"pattern": "a{99999999999}"}, "want a regular expression, got "),
        (
            {"pattern": r"(?P<evnt>x)"},
            "want groups of at, event, service, number, counter, got 'evnt'",
        ),
        ({"pattern": r"(?P<service>x)(?P<number>x)"}, "want {event}, got none"),
        ({"number": "{serial}"}, "want fields such as {number:>03} of the pattern's groups"),
        ({"number": "{number.__class__}"}, "want fields such as {number:>03}"),
        ({"number": "{number:>999999999}"}, "want fields such as {number:>03}"),
        ({"number": "{number:03}"}, "want fields such as {number:>03}"),
        ({"number": "{number!r}"}, "want fields such as {number:>03}"),
        ({"number": "{"}, "want a format, got "),
        ({"at_format": "%Q"}, "want a format of strptime, got "),
        ({"at_format": "%H:%M"}, "want one with year, month and day, got '%H:%M'"),
    ],
)
def test_a_format_that_cannot_be_is_refused_with_its_path(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadSite) as refused:
        TicketLines(msgspec.structs.replace(MACHINE, **changes))
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith(f" - at `$.{next(iter(changes))}`")
    assert "\n" not in str(refused.value)


LOOSE = msgspec.structs.replace(
    MACHINE,
    pattern=r"(?P<at>.*?)?;(?P<event>.*?);(?P<service>.*?);(?P<number>.*);(?P<counter>.*)",
    services={"": "moving", "A": "certificates"},
    events={"": "called", "C": "called"},
)


@given(
    line=st.binary(max_size=1200)
    | st.lists(st.binary(max_size=40), min_size=5, max_size=5).map(b";".join)
    | st.text(max_size=60).map(lambda text: f"{text};C;A;{text};1".encode("utf-8", "replace")),
    encoding=st.sampled_from(["utf-8", "cp932", "euc_jp", "ascii"]),
    at_format=st.sampled_from([None, "%Y-%m-%d", "%c"]),
)
@example(line=b"0001-01-01;;;7;", encoding="utf-8", at_format=None)
@example(line=b"9999-12-31T23:59-23:59;;;7;", encoding="utf-8", at_format=None)
def test_any_bytes_are_read_or_refused_and_what_is_read_is_of_the_contract(
    line: bytes, encoding: str, at_format: str | None
) -> None:
    form = msgspec.structs.replace(LOOSE, encoding=encoding, at_format=at_format)
    try:
        said = TicketLines(form).read(line)
    except BadPayload:
        return
    assert said.service in form.services.values()
    assert msgspec.convert(msgspec.to_builtins(said.ticket), Ticket) == said.ticket
    assert said.at is None or said.at.tzinfo is UTC


@given(pattern=st.text(max_size=30), number=st.text(max_size=30), at_format=st.text(max_size=12))
@example(pattern="(?P<number>x", number="{number:", at_format="%")
def test_any_setting_is_taken_or_refused_as_a_bad_site(
    pattern: str, number: str, at_format: str
) -> None:
    line = b"2026-11-24 10:32:05 ISSUE A 7 -"
    for changes in ({"pattern": pattern}, {"number": number}, {"at_format": at_format}):
        with suppress(BadSite, BadPayload):
            TicketLines(msgspec.structs.replace(MACHINE, **changes)).read(line)


@given(
    lines=st.lists(st.binary(min_size=1, max_size=30).filter(lambda b: not set(b) & set(b"\r\n"))),
    ends=st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n"]),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_a_stream_gives_the_same_lines_wherever_it_is_cut(
    lines: list[bytes], ends: bytes, cuts: list[int]
) -> None:
    stream = b"".join(line + ends for line in lines)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    cutter = Lines()
    found = [line for start, end in pairwise(edges) for line in cutter.feed(stream[start:end])]
    assert found == lines
    assert cutter.rest == b""


def test_a_line_without_an_end_is_kept_short_and_refused_and_the_next_is_whole() -> None:
    cutter = Lines()
    for _ in range(100):
        assert cutter.feed(b"x" * 4096) == []
        assert len(cutter.rest) <= MAX_BYTES + 1
    too_long, good = cutter.feed(b"x\n2026-11-24 10:32:05 ISSUE A 7 -\n")
    with pytest.raises(BadPayload, match="longer one"):
        read(too_long)
    assert read(good).ticket.number == "A007"
