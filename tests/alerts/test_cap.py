"""Which alerts are in force: cases.toml by table, what holds for all, and our own export."""

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alerts import atom, cap, force, tree
from models.alerts.area import Area, covers
from models.alerts.notices import id_of
from models.contract.observations import PostNotice
from models.errors import BadPayload
from models.site import parse
from signage.feed.bulletin import Bulletin
from signage.feed.exports import atom as exported_list
from signage.feed.exports import cap as export
from signage.feed.feed import NoticeItem
from tests.conftest import ROOT

HERE = ROOT / "tests" / "alerts"
CASES: list[dict[str, Any]] = tomllib.loads((HERE / "cases.toml").read_text("utf-8"))["case"]
ZONE = ZoneInfo("Asia/Tokyo")
DAY = datetime(2026, 11, 24, tzinfo=ZONE)
PLACE = (139.70, 35.60)


def rules_of(written: dict[str, Any]) -> force.Rules:
    known: dict[str, Any] = {"name": "cap", "location": PLACE} | written
    if known["location"] == "nowhere":
        known["location"] = None
    return msgspec.convert(known, force.Rules)


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return DAY + timedelta(hours=int(hour), minutes=int(minute))


def lines_of(notices: dict[str, PostNotice], now: datetime) -> list[str]:
    """What a screen would begin with, of all that has begun."""
    begun = [one for one in notices.values() if one.since is None or one.since <= now]
    return [
        f"{one.severity}{' drill' * one.drill}: {next(iter(one.texts.values())).splitlines()[0]}"
        for one in begun
        if one.until is None or one.until > now
    ]


def bytes_of(name: str, case: dict[str, Any]) -> bytes:
    """A message as it comes: all files here are UTF-8, as others of ours."""
    body = (HERE / "cases" / name).read_bytes()
    if "encoding" in case:
        body = body.decode("utf-8").encode(case["encoding"])
    for old, new in case.get("bytes", {}).items():
        body = body.replace(old.encode(), bytes.fromhex(new))
    return body


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_in_force(case: dict[str, Any]) -> None:
    rules = rules_of(case.get("rules", {}))
    first = at(next(iter(case["shown"])))
    memory = force.Memory()
    refused, ids = [], set()
    for name in case["files"]:
        try:
            alert = cap.read(bytes_of(name, case), ZONE)
            memory = force.take(memory, alert, rules, first)
        except BadPayload as error:
            refused.append(str(error))
        ids |= set(force.standing(memory, rules, first))
    assert [said.partition(",")[0] for said in refused] == [
        said.partition(",")[0] for said in case.get("refused", [])
    ]
    memory = msgspec.json.decode(msgspec.json.encode(memory), type=force.Memory)
    shown = {
        clock: sorted(lines_of(force.standing(memory, rules, at(clock)), at(clock)))
        for clock in case["shown"]
    }
    assert shown == {clock: sorted(lines) for clock, lines in case["shown"].items()}
    assert len(ids) == case.get("ids", len(ids))
    for notice in force.standing(memory, rules, first).values():
        assert list(notice.texts) == case.get("languages", list(notice.texts))
        text = next(iter(notice.texts.values()))
        assert text == case.get("text", text)


def test_the_suite_is_whole() -> None:
    assert len(CASES) >= 40
    used = {name for case in CASES for name in case["files"]}
    assert used == {path.name for path in (HERE / "cases").iterdir()}


GOOD = [case for case in CASES if "refused" not in case and len(set(case["files"])) > 1]


@pytest.mark.parametrize("case", GOOD, ids=[case["name"] for case in GOOD])
def test_the_order_in_which_messages_come_does_not_matter(case: dict[str, Any]) -> None:
    rules = rules_of(case.get("rules", {}))
    now = at(list(case["shown"])[-1])
    said = []
    for names in (case["files"], case["files"][::-1]):
        memory = force.Memory()
        for name in names:
            alert = cap.read((HERE / "cases" / name).read_bytes(), ZONE)
            memory = force.take(memory, alert, rules, now)
        said.append(sorted(lines_of(force.standing(memory, rules, now), now)))
    assert said[0] == said[1]


def test_what_is_long_over_is_forgotten_and_of_too_many_the_newest_stay() -> None:
    rules = rules_of({})
    alert = cap.read((HERE / "cases" / "flood.xml").read_bytes(), ZONE)
    memory = force.take(force.Memory(), alert, rules, at("10:05"))
    later = at("10:05") + timedelta(days=91)
    other = msgspec.structs.replace(alert, identifier="other", sent=later.astimezone(UTC))
    memory = force.take(memory, other, rules, later)
    assert [one.alert.identifier for one in memory.heard] == ["other"]
    for n in range(2100):
        sent = (later + timedelta(seconds=n)).astimezone(UTC)
        many = msgspec.structs.replace(alert, identifier=f"n{n}", sent=sent)
        memory = force.Memory((*memory.heard, force.Heard(many, many.key)))
    newest = msgspec.structs.replace(alert, identifier="z", sent=sent)
    memory = force.take(memory, newest, rules, later)
    assert len(memory.heard) == 2000
    assert memory.heard[-1].alert.identifier in {"z", "n2099"}


# ── areas ────────────────────────────────────────────────────────────────────────────────────────


@given(
    lon=st.floats(-179, 179),
    lat=st.floats(-80, 80),
    dx=st.floats(-0.99, 0.99),
    dy=st.floats(-0.99, 0.99),
    turn=st.integers(0, 3),
)
def test_a_square_covers_what_is_within_and_nothing_else(
    lon: float, lat: float, dx: float, dy: float, turn: int
) -> None:
    """Also across 180 degrees, whichever corner comes first, whichever way round."""

    def wrapped(x: float) -> float:
        return (x + 180) % 360 - 180

    corners = [(wrapped(lon + x), lat + y) for x, y in [(-1, -1), (1, -1), (1, 1), (-1, 1)]]
    corners = corners[turn:] + corners[:turn]
    for polygon in (tuple(corners), tuple(reversed(corners))):
        area = Area(polygons=(polygon,))
        assert covers(area, frozenset(), (wrapped(lon + dx), lat + dy)) is True
        assert covers(area, frozenset(), (wrapped(lon + 1.01 + abs(dx)), lat + dy)) is False
        assert covers(area, frozenset(), (wrapped(lon + dx), lat + 1.01 + abs(dy))) is False
        assert covers(area, frozenset(), corners[0]) is True


# ── lists ────────────────────────────────────────────────────────────────────────────────────────

LIST = """<feed xmlns="http://www.w3.org/2005/Atom">
<link rel="next" href="?page=2"/>
<entry><id>a</id><updated>2026-11-24T10:00:00Z</updated>
  <link href="page.html" type="text/html"/><link href="a.xml" type="application/cap+xml"/></entry>
<entry><id>b</id>
  <link rel="enclosure" type="application/xml; charset=utf-8" href="https://b.example/b"/></entry>
<entry><id>c</id>
  <content type="application/cap+xml"><alert xmlns="urn:x"><x/></alert></content></entry>
<entry><id>d</id><content type="text">&lt;alert xmlns="urn:y"/&gt;</content></entry>
<entry><id>e</id><link rel="self" href="e.xml"/><title>nothing to fetch</title></entry>
</feed>"""


def test_a_list_names_its_alerts_or_holds_them() -> None:
    root = tree.parse(LIST.encode())
    assert atom.is_list(root)
    listed = atom.read(root)
    assert listed.next == "?page=2"
    assert [(one.key, one.address) for one in listed.entries] == [
        ("a 2026-11-24T10:00:00Z", "a.xml"),
        ("b ", "https://b.example/b"),
        ("c ", ""),
        ("d ", ""),
    ]
    assert [tree.name_of(tree.parse(one.body)) for one in listed.entries[2:]] == [
        ("urn:x", "alert"),
        ("urn:y", "alert"),
    ]


def test_an_empty_list_is_a_list() -> None:
    root = tree.parse(b'<feed xmlns="http://www.w3.org/2005/Atom"/>')
    assert atom.is_list(root)
    assert atom.read(root).entries == ()
    assert not atom.is_list(tree.parse(b"<feed/>"))


# ── our own ──────────────────────────────────────────────────────────────────────────────────────

SITE = parse((ROOT / "ansible" / "sites" / "example.toml").read_text("utf-8"))
NINE = {
    "ja": "南川があふれます。\n2階に上がってください。",
    "ja-Hira": "みなみがわが あふれます。",
    "en": "The river floods. " + "Go up to the second floor. " * 10,
    "zh-Hans": "南川即将泛滥。",
    "zh-Hant": "南川即將氾濫。",
    "ko": "강이 범람합니다.",
    "vi": "Sông sắp tràn bờ.",
    "pt-BR": "O rio vai transbordar.",
    "tl": "Aapaw ang ilog.",
}


@pytest.mark.parametrize("severity", ["emergency", "warning", "info"])
@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("begun_h", [None, 1])
def test_what_one_office_exports_another_shows(
    severity: Literal["emergency", "warning", "info"], begun_h: int | None, *, drill: bool
) -> None:
    """Put up, changed and taken down at office A; the same stands at office B."""
    now = at("10:00").astimezone(UTC)
    item = NoticeItem(
        id="flood",
        severity=severity,
        drill=drill,
        since=None if begun_h is None else now - timedelta(hours=begun_h),
        until=at("17:00").astimezone(UTC),
        texts=dict(NINE),
        at=now,
        valid_until=at("18:00").astimezone(UTC),
    )
    bulletin, memory, rules = Bulletin("minami"), force.Memory(), rules_of({})

    def heard(items: list[NoticeItem], when: datetime) -> dict[str, PostNotice]:
        nonlocal memory
        bulletin.follow(items, when)
        served = {
            exported_list.address("minami", alert): export.render(alert, SITE, test=False)
            for alert in bulletin.alerts
        }
        listed = exported_list.render(bulletin.alerts, SITE, "ja", when)
        for entry in atom.read(tree.parse(listed)).entries:
            body = served[urlsplit(entry.address).path]
            memory = force.take(memory, cap.read(body, ZONE), rules, when)
        return force.standing(memory, rules, when)

    ((name, notice),) = heard([item], now).items()
    assert (notice.severity, notice.drill) == (severity, drill)
    assert notice.until == item.until
    assert notice.since is None, "it has begun, else it were not exported"
    assert notice.texts == {tag: text.strip() for tag, text in NINE.items()}
    later = now + timedelta(minutes=5)
    changed = msgspec.structs.replace(item, at=later, texts={"ja": "水が引きました。"})
    ((same, notice),) = heard([changed], later).items()
    assert same == name
    assert notice.texts == {"ja": "水が引きました。"}
    assert heard([], now + timedelta(minutes=10)) == {}


def test_ids_are_ids() -> None:
    assert id_of("a-name-of-16-sig", "x" * 500) == id_of("a-name-of-16-sig", "x" * 500)
    assert len(id_of("a-name-of-16-sig", "x" * 500)) <= 32
    assert id_of("cap", "a") != id_of("cap", "b")


def test_a_long_list_is_read_and_a_longer_one_refused() -> None:
    """Some days of all prefectures; a second of a Pi at most, so well below one here."""
    entry = (
        "<entry><title>気象警報・注意報</title><id>https://a.example/data/{n}.xml</id>"
        "<updated>2026-11-24T01:00:00Z</updated><author><name>気象台</name></author>"
        '<link type="application/xml" href="https://a.example/data/{n}.xml"/>'
        '<content type="text">大雨</content></entry>'
    )
    head = '<feed xmlns="http://www.w3.org/2005/Atom">'
    body = head + "".join(entry.format(n=n) for n in range(5000)) + "</feed>"
    assert len(atom.read(tree.parse(body.encode())).entries) == 5000
    many = head + "<entry/>" * 25_001 + "</feed>"
    with pytest.raises(BadPayload, match="want at most 25000 entries, got 25001"):
        atom.read(tree.parse(many.encode()))
    with pytest.raises(BadPayload, match="want at most 200000 elements"):
        tree.parse(b"<x>" + b"<y/>" * 200_001 + b"</x>")
