"""Alerts of others, CAP and JMA, lists and areas: hostile bytes become a refusal or a notice."""

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from models.alerts import atom, cap, force, jma, tree
from models.contract.codec import MAX_BYTES, encode_observation
from models.contract.observations import Envelope, PostNotice
from models.errors import BadPayload
from tests.conftest import ROOT
from tests.fuzz.watch import One

_FOLDER = ROOT / "tests" / "alerts"
_ZONE = ZoneInfo("Asia/Tokyo")
_NOW = datetime(2026, 11, 24, 10, 5, tzinfo=_ZONE).astimezone(UTC)
_CAP = force.Rules(name="cap", location=(139.7, 35.6), codes=frozenset({"13101"}), tests=True)
_JMA = jma.Rules(
    name="jma",
    codes={
        "weather": frozenset({"1399901"}),
        "quake": frozenset({"1399901", "350"}),
        "tsunami": frozenset({"310"}),
    },
    tests=True,
)


def alerts() -> One:
    """One document after another, as they would come from one place; a few are remembered."""
    heard, reports = force.Memory(), jma.Memory()

    def one(data: bytes) -> None:
        nonlocal heard, reports
        with contextlib.suppress(BadPayload):
            alert = cap.read(data, _ZONE)
            heard = force.take(heard, alert, _CAP, _NOW)
            heard = _saved(heard) if len(heard.heard) < 20 else force.Memory()
            for hours in (0, 2, 26):
                _tell(force.standing(heard, _CAP, _NOW + timedelta(hours=hours)))
        with contextlib.suppress(BadPayload):
            report = jma.read(data, _JMA)
            reports = jma.take(reports, report, _JMA, _NOW)
            reports = reports if len(reports.reports) < 20 else jma.Memory()
            _tell(jma.standing(reports, _JMA, _NOW))
        with contextlib.suppress(BadPayload):
            root = tree.parse(data)
            if atom.is_list(root):
                for entry in atom.read(root).entries:
                    assert bool(entry.address) != bool(entry.body)
                    assert not jma.wants(entry.address, _JMA, _NOW) or "_V" in entry.address

    return one


def _saved(memory: force.Memory) -> force.Memory:
    """As it is after a restart."""
    again = msgspec.json.decode(msgspec.json.encode(memory), type=force.Memory)
    assert again == memory
    return again


def _tell(notices: dict[str, PostNotice]) -> None:
    """Each must be an observation that the hub takes."""
    for name, notice in notices.items():
        assert 1 <= len(name) <= 32
        assert notice.texts
        assert all(0 < len(text) <= 2000 for text in notice.texts.values())
        assert notice.until is not None
        payload = encode_observation(Envelope(stream="s", seq=1, boot="b", up_ms=0), notice)
        assert len(payload) <= MAX_BYTES


_LIST = b"""<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="?2"/>
<entry><id>a</id><link type="application/cap+xml" href="a.xml"/></entry>
<entry><id>b</id><content>&lt;alert/></content></entry></feed>"""

SEEDS = [
    path.read_bytes()
    for folder in ("cases", "jma")
    for path in sorted((_FOLDER / folder).iterdir())
    if path.stat().st_size
]
SEEDS += [_LIST]
WORDS = [
    b"<!DOCTYPE alert [<!ENTITY a 'aaaaaaaaaa'>]>",
    b"&a;",
    b"<![CDATA[",
    b"]]>",
    b"<info>",
    b"</info>",
    b"<polygon>35,139 36,139 36,140 35,139</polygon>",
    b"<circle>35,139 1e9</circle>",
    b"<language>ja-Hira</language>",
    b"9999-12-31T23:59:59-12:00",
    b"0001-01-01T00:00:00+14:00",
    b'encoding="Shift_JIS"',
    "レベル５大雨特別警報".encode(),
    "震度７".encode(),
    b"<x>" * 50,
    b"\xed\xa0\x80",
    b"&#xD800;",
]
