"""Today's curve: usual, come and to come, and nothing that is past its time."""

from datetime import timedelta

import pytest

from models.contract.results import ServiceForecast
from models.site import Site
from signage.curve import HIGH, WIDE, Curve, best_of, curve_of
from signage.wording import Words
from tests.signage.office import NOON, Hub


@pytest.fixture
def words(site: Site) -> Words:
    return Words("ja", site.zone_info)


@pytest.fixture
def forecast(hub: Hub) -> ServiceForecast:
    hub.forecast("moving", 8.0)
    found = hub.mirror.service_forecast("moving")
    assert found is not None
    return found


@pytest.fixture
def curve(forecast: ServiceForecast, words: Words) -> Curve:
    found = curve_of(forecast, words, NOON)
    assert found is not None
    return found


def test_each_half_hour_has_come_or_is_to_come(curve: Curve) -> None:
    came = [bar.came is not None for bar in curve.bars]
    assert came == [bar.expected is None for bar in curve.bars]
    assert sorted(came, reverse=True) == came
    assert 0 < sum(came) < len(came)
    assert all(bar.usual is not None for bar in curve.bars)


def test_nothing_leaves_the_drawing_and_the_highest_reaches_its_top(curve: Curve) -> None:
    heights = [
        height
        for bar in curve.bars
        for height in (bar.usual, bar.came, bar.expected, bar.low, bar.high)
        if height is not None
    ]
    assert min(heights) >= 0
    assert max(heights) == HIGH
    assert curve.wide == pytest.approx(WIDE, rel=0.1)
    assert all(0 < bar.x < curve.wide for bar in curve.bars)
    assert curve.bars[-1].x + curve.unit / 2 == curve.wide
    assert curve.now is not None
    assert 0 < curve.now < curve.wide


def test_the_table_says_the_same_in_words(curve: Curve, forecast: ServiceForecast) -> None:
    first, half = curve.rows[2], forecast.today[2]
    assert half.came is not None
    assert half.usual is not None
    assert (first.time, first.is_to_come) == ("9:30", False)
    assert first.people == str(round(half.came))
    assert first.usual == str(round(half.usual))
    assert curve.rows[-1].is_to_come


def test_hours_are_told_on_the_hour(curve: Curve) -> None:
    assert [hour for _, hour in curve.hours] == [str(hour) for hour in range(9, 17)]


def test_what_is_past_its_time_or_unknown_is_no_curve(
    forecast: ServiceForecast, words: Words
) -> None:
    later = forecast.valid_until
    assert curve_of(None, words, NOON) is None
    assert curve_of(forecast, words, later) is None
    assert best_of(None, words, NOON) == best_of(forecast, words, later) == ""


def test_a_quiet_hour_is_told_until_it_begins(forecast: ServiceForecast, words: Words) -> None:
    assert best_of(forecast, words, NOON) == "15時ごろが空く見込みです"
    assert forecast.best is not None
    lasting = ServiceForecast(
        at=NOON, valid_until=NOON + timedelta(days=1), steps=forecast.steps, best=forecast.best
    )
    assert best_of(lasting, words, forecast.best.since) == ""
