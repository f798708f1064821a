"""What stands at a moment, and what a display still knows of it after anything."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.contract import codec, topics
from models.contract.results import NoticeResult, NoticesResult, ProposalResult
from models.site import Site
from signage.display.emergency import Emergencies, Stored, headline, standing
from signage.mirror import Mirror
from tests.signage.office import NOON, HandClock, Hub, station_of

HOUR = timedelta(hours=1)


def notice(**also: Any) -> NoticeResult:  # noqa: ANN401
    told: dict[str, Any] = {
        "at": NOON,
        "observed_at": NOON,
        "valid_until": NOON + HOUR,
        "severity": "emergency",
        "texts": {"ja": "外へ"},
    }
    return NoticeResult(**told | also)


@pytest.mark.parametrize(
    ("told", "after_s", "stands"),
    [
        (notice(), 0, True),
        (notice(), 3600, False),
        (notice(until=NOON + HOUR / 2), 1799, True),
        (notice(until=NOON + HOUR / 2), 1800, False),
        (notice(since=NOON + HOUR / 2), 0, False),
        (notice(since=NOON + HOUR / 2), 1800, True),
        (notice(), -86_400, True),
        (notice(severity="warning"), 0, False),
        (notice(texts={}), 0, False),
    ],
    ids=[
        "now",
        "at its end",
        "a second before its own end",
        "at its own end",
        "before it begins",
        "when it begins",
        "the clock is a day behind",
        "a warning",
        "no text",
    ],
)
def test_what_stands_by_table(told: NoticeResult, after_s: float, stands: bool) -> None:  # noqa: FBT001
    now = NOON + timedelta(seconds=after_s)
    found = standing({"quake": told}, now)
    assert [name for name, _ in found.shown] == (["quake"] if stands else [])
    assert found.good_until > now


def test_true_ones_come_before_drills_and_the_newest_first() -> None:
    told = {
        "old": notice(),
        "new": notice(observed_at=NOON + timedelta(seconds=1)),
        "drill": notice(observed_at=NOON + timedelta(seconds=2), drill=True),
    }
    found = standing(told, NOON)
    assert [name for name, _ in found.shown] == ["new", "old"]
    assert found.waiting == ["drill"]
    assert [name for name, _ in standing({"drill": told["drill"]}, NOON).shown] == ["drill"]


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("地震です。外へ。", "地震です。", "外へ。"),
        ("Fire! Leave now.", "Fire!", "Leave now."),
        ("Version 1.2 is out. Go.", "Version 1.2 is out.", "Go."),
        ("避難", "避難", ""),
        ("あ" * 40, "", "あ" * 40),
        ("  火事。\n逃げて", "火事。", "逃げて"),
        (
            "建物（たてもの）の 外（そと）へ にげて ください。はやく。",
            "建物（たてもの）の 外（そと）へ にげて ください。",
            "はやく。",
        ),
        ("", "", ""),
    ],
)
def test_a_headline_is_a_short_first_sentence(text: str, first: str, rest: str) -> None:
    assert headline(text) == (first, rest)


class Line:
    """What a broker says to a mirror, and what it keeps."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.retained: dict[str, bytes] = {}
        self.mirrors: list[Mirror] = []

    def say(self, kind: str, message: Any) -> None:  # noqa: ANN401
        payload = b"" if message is None else codec.encode(message)
        self.retained[topics.result(self.site.id, kind)] = payload
        for mirror in self.mirrors:
            mirror.apply(topics.result(self.site.id, kind), payload, retain=False)

    def list(self, edition: int, *names: str, at: datetime = NOON) -> None:
        said = NoticesResult(at=at, valid_until=at + HOUR, edition=edition, names=names)
        self.say("notices", said)

    def join(self, mirror: Mirror) -> None:
        """A connection: all that is retained, in any order."""
        for topic, payload in reversed(self.retained.items()):
            if payload:
                mirror.apply(topic, payload, retain=True)
        self.mirrors.append(mirror)

    def cut(self) -> None:
        self.mirrors.clear()


def shown(mirror: Mirror) -> list[str]:
    return [name for name, _ in standing(mirror.notices(), mirror.clock.now()).shown]


def started_again(site: Site, clock: HandClock, before: Mirror, tmp_path: Path) -> Mirror:
    """A display that lost its power and has no network."""
    Stored(tmp_path / "emergency.json").write(before.lasting())
    hub = Hub(site, clock)
    Emergencies(station_of(hub, tmp_path))
    return hub.mirror


def test_a_display_that_starts_again_without_a_network_shows_it_until_its_end(
    site: Site, tmp_path: Path
) -> None:
    clock, line = HandClock(), Line(site)
    mirror = Mirror(site, clock)
    line.join(mirror)
    line.say("notice/quake", notice(drill=True))
    line.say("notice/news", notice(severity="info"))
    line.list(1, "quake", "news")
    again = started_again(site, clock, mirror, tmp_path)
    assert again.hub_gone is False  # not known yet: it has only just started
    assert list(again.notices()) == ["quake"]
    assert again.notices()["quake"].texts == mirror.notices()["quake"].texts
    assert shown(again) == ["quake"]
    clock.move(3600)
    assert shown(again) == []


def test_what_was_taken_down_while_it_was_off_is_over_when_it_hears_again(
    site: Site, tmp_path: Path
) -> None:
    clock, line = HandClock(), Line(site)
    mirror = Mirror(site, clock)
    line.join(mirror)
    line.say("notice/quake", notice())
    line.list(1, "quake")
    line.cut()
    line.say("notice/quake", None)
    line.list(2, at=NOON + timedelta(seconds=5))
    again = started_again(site, clock, mirror, tmp_path)
    assert shown(again) == ["quake"]
    line.join(again)
    assert shown(again) == []
    line.join(mirror)  # nor where only the line was cut
    assert shown(mirror) == []


def test_a_broker_that_comes_back_with_an_old_copy_brings_nothing_back(
    site: Site, tmp_path: Path
) -> None:
    clock, line = HandClock(), Line(site)
    mirror = Mirror(site, clock)
    line.join(mirror)
    line.say("notice/quake", notice())
    line.list(1, "quake")
    old = dict(line.retained)
    line.say("notice/quake", None)
    line.list(2, at=NOON + timedelta(seconds=5))
    line.cut()
    line.retained = old
    for one in (mirror, started_again(site, clock, mirror, tmp_path)):
        line.join(one)
        assert shown(one) == []


@pytest.mark.parametrize("step_s", [-86_400, 86_400])
def test_a_hub_whose_clock_steps_is_believed_by_what_it_says_not_by_when(
    site: Site, tmp_path: Path, step_s: float
) -> None:
    clock, line = HandClock(), Line(site)
    mirror = Mirror(site, clock)
    line.join(mirror)
    line.list(1)
    line.cut()
    later = NOON + timedelta(seconds=step_s)
    line.say("notice/quake", notice(at=later))
    line.list(2, "quake", at=later)
    for one in (mirror, started_again(site, clock, mirror, tmp_path)):
        line.join(one)
        assert list(one.notices()) == ["quake"]


def test_a_hub_of_before_that_tells_no_list_is_heard_too(site: Site) -> None:
    line, mirror = Line(site), Mirror(site, HandClock())
    line.join(mirror)
    line.say("notice/quake", notice())
    assert shown(mirror) == ["quake"]
    line.say("notice/quake", None)
    assert shown(mirror) == []
    line.list(1)
    line.say("notice/fire", notice(at=NOON + timedelta(seconds=60)))  # by a hub put back since
    assert shown(mirror) == ["fire"]


def test_a_proposal_is_shown_to_nobody_and_ends_in_time(site: Site) -> None:
    clock, line = HandClock(), Line(site)
    mirror = Mirror(site, clock)
    line.join(mirror)
    proposal = ProposalResult(at=NOON, observed_at=NOON, valid_until=NOON + HOUR, by="a")
    line.say("proposal/quake", proposal)
    assert mirror.notices() == {}
    assert mirror.proposals() == {"quake": proposal}
    clock.move(3600)
    assert mirror.proposals() == {}


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "emergency.json"
    path.write_bytes(damage)
    assert Stored(path).read() == {}
    Stored(path).write({"a": b"{}"})
    assert Stored(path).read() == {"a": b"{}"}


def test_what_a_stranger_wrote_into_the_file_is_refused_as_from_the_network(
    site: Site, tmp_path: Path
) -> None:
    bad = msgspec.json.encode({"machiai/v1/minami/hub/notice/quake": "{}", "nonsense": "{}"})
    (tmp_path / "emergency.json").write_bytes(bad)
    hub = Hub(site, HandClock())
    Emergencies(station_of(hub, tmp_path))
    assert hub.mirror.notices() == {}
    assert hub.mirror.refused.total() == 2
