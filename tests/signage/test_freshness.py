from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.freshness import Life, State
from tests.signage.cases import CASES, Case

START = datetime(2026, 11, 24, tzinfo=UTC)
STATES: list[State] = ["open", "paused", "closed", "no_data"]

moments = st.none() | st.integers(0, 400_000)


def at(ms: int | None) -> datetime | None:
    return None if ms is None else START + timedelta(milliseconds=ms)


def now_at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rule_by_table(case: Case) -> None:
    state, observed, until, opens, now, phase = case
    assert Life(state, at(observed), at(until), at(opens)).phase(now_at(now)) == phase


@given(st.sampled_from(STATES), moments, moments, moments, st.integers(0, 400_000))
def test_no_value_is_shown_past_its_end(
    state: State, observed: int | None, until: int | None, opens: int | None, now: int
) -> None:
    phase = Life(state, at(observed), at(until), at(opens)).phase(now_at(now))
    if until is None or now >= until:
        assert phase not in ("fresh", "ageing", "paused")


@given(st.sampled_from(STATES), moments, moments, moments, st.integers(0, 400_000))
def test_the_phase_changes_only_at_the_moments_it_names(
    state: State, observed: int | None, until: int | None, opens: int | None, now: int
) -> None:
    life = Life(state, at(observed), at(until), at(opens))
    here = now_at(now)
    following = min(life.changes(here), default=here + timedelta(days=1))
    last = max(here, following - timedelta(milliseconds=1))
    assert life.phase(last) == life.phase(here)
