from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.results import Spread
from models.wait.told import step_down, step_near, step_up
from signage.wording import Words

TOKYO = ZoneInfo("Asia/Tokyo")
JA, EN = Words("ja", TOKYO), Words("en", TOKYO)
MONDAY = datetime(2026, 11, 23, 11, 30, tzinfo=TOKYO)

seconds = st.integers(0, 20_000_000).map(lambda ms: ms / 1000)


def spread(p10: float, p50: float, p90: float) -> Spread:
    return Spread(p10_s=60 * p10, p50_s=60 * p50, p90_s=60 * p90)


@pytest.mark.parametrize(
    ("told", "ja", "en"),
    [
        ((0, 0, 2), "5分以内", "within 5 min"),
        ((1, 4, 9), "5分以内", "within 5 min"),
        ((14, 19, 27), "約20分", "about 20 min"),
        ((30, 36, 44), "約40分", "about 40 min"),
        ((21, 24, 35), "20～40分", "20–40 min"),
        ((2, 8, 25), "25分以内", "within 25 min"),
        ((31, 55, 100), "30～120分", "30–120 min"),
        ((58, 62, 70), "60分以上", "60+ min"),
        ((95, 120, 170), "90分以上", "90+ min"),
    ],
)
def test_waits_by_table(told: tuple[float, float, float], ja: str, en: str) -> None:
    assert JA.wait(spread(*told)) == ja
    assert EN.wait(spread(*told)) == en


@given(seconds)
def test_a_range_is_rounded_outward(wait_s: float) -> None:
    assert step_down(wait_s) * 60 <= wait_s <= step_up(wait_s) * 60
    assert step_near(wait_s) in (step_down(wait_s), step_up(wait_s))


@given(seconds, seconds)
def test_a_longer_wait_is_never_told_as_a_shorter_step(one_s: float, other_s: float) -> None:
    shorter, longer = sorted((one_s, other_s))
    assert step_near(shorter) <= step_near(longer)


@given(st.lists(seconds, min_size=3, max_size=3).map(sorted))
def test_every_wait_can_be_told_without_impossible_numbers(waits_s: list[float]) -> None:
    told = JA.wait(Spread(p10_s=waits_s[0], p50_s=waits_s[1], p90_s=waits_s[2]))
    assert "分" in told
    assert "-" not in told
    assert not told.startswith("0")


@pytest.mark.parametrize(
    ("opens", "ja", "en"),
    [
        (
            datetime(2026, 11, 24, 8, 30, tzinfo=TOKYO),
            "11月24日（火）8時30分",
            "Tue 24 November, 8:30",
        ),
        (datetime(2026, 11, 24, 9, 0, tzinfo=TOKYO), "11月24日（火）9時", "Tue 24 November, 9:00"),
        (datetime(2026, 11, 23, 12, 45, tzinfo=TOKYO), "12時45分", "12:45"),
    ],
)
def test_the_next_opening_says_the_day_unless_it_is_today(
    opens: datetime, ja: str, en: str
) -> None:
    assert JA.opening(opens, MONDAY) == ja
    assert EN.opening(opens, MONDAY) == en


def test_an_age_is_told_in_whole_minutes_and_never_as_none() -> None:
    assert JA.age(MONDAY - timedelta(seconds=200), MONDAY) == "3分前"
    assert EN.age(MONDAY - timedelta(seconds=2), MONDAY) == "1 min ago"


def test_a_numbered_window_and_a_place_are_spoken_of_differently() -> None:
    assert JA.counter("3番") == "3番窓口へ"
    assert JA.counter("会場") == "会場へ"
    assert EN.counter("3") == "Counter 3"
