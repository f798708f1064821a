"""The line that comes first, and when it will be a better one."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from models.contract.results import (
    AccuracyResult,
    BestTime,
    Measured,
    NoticeResult,
    People,
    ServiceForecast,
    Spread,
)
from signage.feed import feed
from signage.feed.bulletin import Bulletin
from signage.feed.exports import cap
from signage.painter import Painter
from signage.view import Board, View
from signage.wording import LANGUAGES, Words
from tests.signage.office import NOON, Hub

HOUR = timedelta(hours=1)
AT_15 = NOON.replace(hour=6, minute=0)
QUIET, CROWDED = People(p10=0, p50=2, p90=5), People(p10=9, p50=14, p90=20)


def board(hub: Hub, language: str = "ja") -> Board:
    words = Words(language, hub.site.zone_info)
    return Painter(hub.site, words).board(hub.mirror, hub.clock.now())


def expect(
    hub: Hub, service: str, since: datetime, *, valid_s: float = 1800, **best: object
) -> None:
    """A forecast whose best hour begins then."""
    told = {"waiting": QUIET, **best}
    hour = BestTime(since=since, until=since + HOUR, **told)  # type: ignore[arg-type]
    hub.say(f"forecast/service/{service}", ServiceForecast(**hub.times(valid_s=valid_s), best=hour))


@pytest.fixture
def busy(hub: Hub) -> Hub:
    """Two services are busy, three are not; nobody knows yet what comes."""
    hub.ready()
    for service in hub.site.services:
        hub.service(service.id, 1, 2, (2, 4, 6))
    hub.service("insurance", 3, 15, (22, 35, 52))
    hub.service("mynumber", 4, 31, (70, 95, 120))
    return hub


def wait(minutes: float) -> Spread:
    return Spread(p10_s=0, p50_s=60 * minutes, p90_s=120 * minutes)


def test_it_says_when_all_that_is_busy_will_not_be(busy: Hub) -> None:
    expect(busy, "insurance", AT_15)
    expect(busy, "mynumber", AT_15, valid_s=900)
    shown = board(busy)
    assert shown.answer.word == "今は「国民健康保険」「マイナンバー」が混んでいます"
    assert shown.quieter is not None
    assert shown.quieter.word == "15時すぎが空く見込みです"
    assert shown.quieter.life.valid_until == NOON + timedelta(seconds=900)


def test_it_is_said_until_the_hour_begins(busy: Hub) -> None:
    soon = NOON + timedelta(minutes=10)
    for service in ("insurance", "mynumber"):
        expect(busy, service, soon)
    quieter = board(busy).quieter
    assert quieter is not None
    assert quieter.life.valid_until == soon
    busy.clock.move(600)
    busy.service("insurance", 3, 15, (22, 35, 52))
    busy.service("mynumber", 4, 31, (70, 95, 120))
    assert board(busy).answer.level == 4
    assert board(busy).quieter is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda hub: expect(hub, "insurance", AT_15 + HOUR / 2), "15時30分すぎが空く見込みです"),
        (lambda hub: expect(hub, "insurance", AT_15 + HOUR), None),
        (lambda hub: expect(hub, "insurance", AT_15, wait=wait(30)), "15時すぎが空く見込みです"),
        (lambda hub: expect(hub, "insurance", AT_15, wait=wait(31)), None),
        (lambda hub: expect(hub, "insurance", AT_15, waiting=CROWDED), None),
        (lambda hub: expect(hub, "insurance", AT_15, wait=wait(-9)), None),
        (lambda hub: hub.say("forecast/service/insurance", None), None),
        (lambda hub: hub.service("insurance", 1, 0, (0, 1, 2)), "15時すぎが空く見込みです"),
    ],
    ids=[
        "half an hour is shared", "no hour is shared", "just no longer busy", "busy then too",
        "as many people", "impossible", "unknown", "one is busy",
    ],
)  # fmt: skip
def test_a_time_is_told_only_if_it_is_better_for_all_that_is_busy(
    busy: Hub, change: Callable[[Hub], None], word: str | None
) -> None:
    for service in ("insurance", "mynumber"):
        expect(busy, service, AT_15)
    change(busy)
    quieter = board(busy).quieter
    assert (None if quieter is None else quieter.word) == word


def test_when_all_is_quiet_closed_or_unknown_no_time_is_told(hub: Hub) -> None:
    hub.closed()
    assert board(hub).quieter is None
    hub.no_data()
    assert board(hub).quieter is None
    hub.busy()
    for service in hub.site.services:
        hub.service(service.id, 2, 5, (4, 12, 20))
    assert board(hub).answer.level == 2
    assert board(hub).quieter is None


def test_it_is_said_in_each_language_in_its_own_words(busy: Hub) -> None:
    for service in ("insurance", "mynumber"):
        expect(busy, service, AT_15)
    said = [quieter.word for language in LANGUAGES if (quieter := board(busy, language).quieter)]
    assert len(set(said)) == len(LANGUAGES)
    assert all("15" in word for word in said)


# How true it was


def measure(hub: Hub, service: str, count: int, error_s: float, valid_s: float = 3600) -> None:
    total = Measured(count=count, told_s=900, came_s=870, error_s=error_s, coverage=0.8)
    hub.say(f"accuracy/{service}", AccuracyResult(**hub.times(valid_s=valid_s), total=total))


def word(view: View | None) -> str | None:
    return None if view is None else view.word


def test_the_mean_error_of_all_tickets_is_told_once_there_are_a_hundred(hub: Hub) -> None:
    hub.busy()
    measure(hub, "moving", 90, 300)
    measure(hub, "insurance", 9, 60)
    assert word(board(hub).measured) is None
    measure(hub, "insurance", 30, 60)
    assert word(board(hub).measured) == "この4週間、待ち時間のずれは平均4分でした"
    measure(hub, "moving", 90, 12)
    measure(hub, "insurance", 30, 12, valid_s=60)
    assert word(board(hub).measured) == "この4週間、待ち時間のずれは平均1分でした"
    hub.clock.move(60)
    assert word(board(hub).measured) is None


# Notices


def notice(hub: Hub, severity: str, valid_s: float = 600, *, drill: bool = False) -> None:
    texts = {"ja": "避難してください", "en": "Leave the building", "ko": "대피하세요"}
    told = NoticeResult(**hub.times(valid_s=valid_s), severity=severity, texts=texts, drill=drill)  # type: ignore[arg-type]
    hub.say(f"notice/{severity}", told)


def test_an_emergency_is_told_in_all_its_languages_the_readers_first(hub: Hub) -> None:
    hub.busy()
    notice(hub, "emergency")
    (shown,) = board(hub, "en").notices
    assert (shown.language, shown.text) == ("en", "Leave the building")
    assert shown.others == (("ja", "避難してください"), ("ko", "대피하세요"))
    hub.clock.move(600)
    assert board(hub).notices == ()


def test_a_drill_says_so_in_each_language_wherever_it_is_told(hub: Hub) -> None:
    hub.busy()
    notice(hub, "emergency", drill=True)
    (shown,) = board(hub).notices
    assert shown.text == "【訓練】避難してください"
    assert shown.others == (("en", "DRILL: Leave the building"), ("ko", "[훈련] 대피하세요"))
    (item,) = feed.document(hub.mirror, NOON).notices
    assert item.drill
    assert item.texts["en"] == "DRILL: Leave the building"
    bulletin = Bulletin(hub.site.id)
    bulletin.follow([item], NOON)
    (alert,) = bulletin.alerts
    told = cap.render(alert, hub.site, test=False).decode()
    assert "<status>Exercise</status>" in told
    assert "<headline>DRILL: Leave the building</headline>" in told
