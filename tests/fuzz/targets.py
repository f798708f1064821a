"""What is fed with hostile bytes: each target takes an input and raises only what is a finding."""

import contextlib
from collections.abc import Callable
from datetime import UTC

import msgspec

from edge.sensors import sensors_of
from models.errors import BadPayload, BadSite
from models.sensing.candidates import candidates
from models.sensing.queue_page import Find, Page, QueueRule, encoding_of
from models.sensing.ticket_lines import EVENTS, Lines, TicketFormat, TicketLines
from models.site import parse
from tests.conftest import ROOT
from tests.fuzz import alerts
from tests.fuzz.messages import HISTORIES, MESSAGES, WORDS, codec, fold
from tests.fuzz.pages import REQUESTS, http
from tests.fuzz.watch import One


class Target(msgspec.Struct, frozen=True):
    """Something to feed: how to begin, true inputs to start from, words that it knows."""

    begin: Callable[[], One]
    seeds: list[bytes]
    words: list[bytes] = []
    max_bytes: int = 70_000  # above the contract's 64 KiB, so that its bound is met too


# ── the site file ────────────────────────────────────────────────────────────────────────────────


def site() -> One:
    """What `machiai check` does with a file."""

    def one(data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return
        with contextlib.suppress(BadSite):
            office = parse(text)
            for device in office.devices:
                with contextlib.suppress(BadSite):
                    for sensor in sensors_of(office, device):
                        sensor.outputs()

    return one


def _site_seeds() -> list[bytes]:
    """The example, and each of its tables alone below the office."""
    whole = (ROOT / "ansible" / "sites" / "example.toml").read_bytes()
    head, *tables = whole.split(b"\n[")
    office = head + b"\n[" + tables[0] if not head.lstrip().startswith(b"[") else head
    return [whole, *(office + b"\n[" + table for table in tables)]


# ── ticket machines ──────────────────────────────────────────────────────────────────────────────

_SERVICES = {"A": "tax", "B": "moving"}
_FORMATS = [
    TicketFormat(
        pattern=r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?P<event>\w+) "
        r"(?P<service>[A-Z]) (?P<number>\d+) (?P<counter>\S+)$",
        services=_SERVICES,
        events={"ISSUE": "issued", "CALL": "called"},
        counters={"1": "c1"},
        number="{service}{number:>03}",
    ),
    TicketFormat(
        pattern=r"(?P<number>\w+)\s+(?P<event>\w+)",
        services={},
        events=EVENTS,
        counters={},
        service="tax",
        encoding="cp932",
    ),
    TicketFormat(
        pattern=r"(?P<at>[^,]*),(?P<number>[^,]*),(?P<counter>.*)",
        services={},
        events={},
        counters={"窓口": "c1"},
        service="tax",
        event="called",
        encoding="euc_jp",
        at_format="%y/%m/%d %H:%M:%S",
        zone=UTC,
    ),
]


def ticket() -> One:
    """A stream that comes in pieces of any size, read by several makes of machine."""
    readers = [TicketLines(form) for form in _FORMATS]

    def one(data: bytes) -> None:
        size = 1 + (data[0] if data else 0)
        cutter = Lines()
        for start in range(1, len(data), size):
            for line in cutter.feed(data[start : start + size]):
                for reader in readers:
                    with contextlib.suppress(BadPayload):
                        said = reader.read(line)
                        assert 1 <= len(said.ticket.number) <= 64
                        assert said.at is None or said.at.tzinfo is UTC
            assert len(cutter.rest) <= 1001

    return one


_TICKET_SEEDS = [
    b"\xff2026-11-24 10:32:05 ISSUE A 123 -\r\n2026-11-24 10:32:06.5 CALL B 7 1\r\n",
    b"\x05A012 called\nB1 issued\r\n" * 5,
    "\x40２６ called\n".encode("cp932"),
    "\x2026/11/24 10:32:05,12,窓口\n".encode("euc_jp"),
]

# ── queue displays ───────────────────────────────────────────────────────────────────────────────

_RULES = [
    QueueRule(
        "tax",
        waiting=Find("/queues/0/waiting", "waiting"),
        called=Find("json: queues[name=税].called", "called", "called"),
        open_counters=Find("/a~1b/~0", "open", "open"),
    ),
    QueueRule(
        "tax",
        waiting=Find("待ち人数 * {waiting}人", "waiting"),
        called=Find('html: <b id="call">{called}</b>', "called", "called"),
        open_counters=Find("table: 税 | 窓口数", "open", "open"),
    ),
]
_CHARSETS = ["utf-8", "Windows-31J", "euc-jp", "x-sjis", "latin-1", "punycode", None]


def queue() -> One:
    """A vendor's page, JSON or HTML, in the encoding that its server names."""

    def one(data: bytes) -> None:
        charset = _CHARSETS[data[0] % len(_CHARSETS)] if data else None
        try:
            page = Page(data[1:], encoding_of(charset))
        except BadPayload:
            return
        for rule in _RULES:
            with contextlib.suppress(BadPayload):
                shown = rule.read(page)
                assert 0 <= shown.waiting <= 1_000_000
                assert shown.called is None or 1 <= len(shown.called) <= 64
        with contextlib.suppress(BadPayload):
            assert all(found.written.isprintable() for found in candidates(page))

    return one


_QUEUE_SEEDS = [
    b'\x00{"queues": [{"waiting": 12, "called": "A7"}], "a/b": {"~": 3}}',
    '\x00<p>待ち人数：１，２３４ 人</p><b id="call">A012</b> 3 windows'.encode(),
    "\x01<p>待ち人数 7 人</p><b id=call>８番</b>".encode("cp932"),
    "\x02<p>待ち人数 7 人</p>".encode("euc_jp"),
    "\x00<p>待ち人数 7 人<table><tr><td>窓口<td>窓口数<tr><td>税<td rowspan=2>2".encode(),
    b'\x00<script>f({"queues": [{"name": "a", "waiting": 3}]});</script>',
]

TARGETS = {
    "codec": Target(codec, MESSAGES, WORDS),
    "fold": Target(fold, HISTORIES, WORDS, 4_000),
    "site": Target(
        site,
        _site_seeds(),
        [b"[[", b"]]", b'"""', b"'''", b"= {", b"[[devices.sensors]]\n", b'"24:00"', b"1979-05-27"],
        32_000,
    ),
    "ticket": Target(ticket, _TICKET_SEEDS, [b"ISSUE", b"CALL", b" A ", b"\r\n", b"9999"], 8_000),
    "queue": Target(
        queue,
        _QUEUE_SEEDS,
        ["待ち人数".encode(), b"</b>", b"<td>", b'"waiting":', b"[" * 500, b"1e400", b"&#9"],
    ),
    "alerts": Target(alerts.alerts, alerts.SEEDS, alerts.WORDS, 20_000),
    "http": Target(
        http,
        REQUESTS,
        [b"GET ", b" HTTP/1.1\r\n", b"\r\n\r\n", b"Range: bytes=0-", b"Content-Length: ", b"%00",
         b"../", b"If-None-Match: ", b"Transfer-Encoding: chunked\r\n", b"\x00", b"A" * 9000],
    ),
}  # fmt: skip
"""By name; `python -m tests.fuzz` tries each."""
