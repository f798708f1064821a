"""What is done about a screen that does not paint, by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signage.kiosk.ladder import (
    FIRST_S,
    SILENT_S,
    STEADY_S,
    Climb,
    Rung,
    Sight,
    Trouble,
    climbed,
    is_over,
    rung,
    trouble,
)

HOUR_S = 3600.0
FULL = {Rung.RELOAD: 2, Rung.BROWSER: 3, Rung.COMPOSITOR: 2}


@pytest.mark.parametrize(
    ("sight", "wrong"),
    [
        (Sight(opened_s=60, beat_s=1.9, painted_s=1.9), None),
        (Sight(opened_s=60, beat_s=SILENT_S, painted_s=SILENT_S), None),
        (Sight(opened_s=60, beat_s=SILENT_S + 0.1, painted_s=SILENT_S + 0.1), Trouble.SILENT),
        (Sight(opened_s=FIRST_S, beat_s=None, painted_s=None), None),
        (Sight(opened_s=FIRST_S + 0.1, beat_s=None, painted_s=None), Trouble.SILENT),
        (Sight(opened_s=60, beat_s=1, painted_s=SILENT_S + 0.1), Trouble.STILL),
        (Sight(opened_s=FIRST_S + 0.1, beat_s=1, painted_s=None), Trouble.STILL),
        (Sight(opened_s=60, beat_s=1, painted_s=3600, asleep=True), None),
        (Sight(opened_s=60, beat_s=9, painted_s=9, asleep=True), Trouble.SILENT),
        (Sight(opened_s=1, beat_s=1, crashed=True), Trouble.CRASHED),
        (Sight(opened_s=1, beat_s=1, runs=False, crashed=True), Trouble.GONE),
    ],
    ids=[
        "well",
        "at the limit",
        "silent",
        "opened a while ago",
        "never began",
        "beats, but paints nothing",
        "beats, but never painted",
        "no frames of a panel that is off",
        "even that beats",
        "crashed",
        "gone",
    ],
)
def test_what_is_wrong_by_table(sight: Sight, wrong: Trouble | None) -> None:
    assert trouble(sight) is wrong


@pytest.mark.parametrize(
    ("wrong", "climb", "up_s", "step"),
    [
        (Trouble.CRASHED, None, 100, Rung.RELOAD),
        (Trouble.SILENT, None, 100, Rung.RELOAD),
        (Trouble.GONE, None, 100, Rung.BROWSER),
        (Trouble.SILENT, Climb(80, 90, {Rung.RELOAD: 1}), 100, Rung.RELOAD),
        (Trouble.SILENT, Climb(80, 90, {Rung.RELOAD: 2}), 100, Rung.BROWSER),
        (Trouble.CRASHED, Climb(99, 99.5, {Rung.RELOAD: 2}), 100, None),
        (Trouble.GONE, Climb(90, 99, {Rung.BROWSER: 3}), 100, None),
        (Trouble.GONE, Climb(90, 98, {Rung.BROWSER: 3}), 100, Rung.COMPOSITOR),
        (Trouble.SILENT, Climb(90, 90, FULL), 100, None),
        (Trouble.SILENT, Climb(60, 60, FULL), 100, Rung.BROWSER),
        (Trouble.SILENT, Climb(60, 60, FULL), HOUR_S - 1, Rung.BROWSER),
        (Trouble.SILENT, Climb(HOUR_S - 299, HOUR_S - 60, FULL), HOUR_S, Rung.BROWSER),
        (Trouble.SILENT, Climb(HOUR_S - 300, HOUR_S - 60, FULL), HOUR_S, Rung.REBOOT),
        (Trouble.GONE, Climb(HOUR_S - 300, HOUR_S - 60, FULL), HOUR_S, Rung.REBOOT),
        (Trouble.STILL, Climb(60, HOUR_S, FULL), 2 * HOUR_S, Rung.BROWSER),
        (Trouble.GONE, Climb(60, HOUR_S, FULL | {Rung.REBOOT: 1}), HOUR_S + 119, None),
        (Trouble.GONE, Climb(60, HOUR_S, FULL | {Rung.REBOOT: 1}), HOUR_S + 120, Rung.WATCHDOG),
    ],
    ids=[
        "a crash is reloaded at once",
        "so is a page that hangs",
        "a browser that is gone cannot reload",
        "twice",
        "then a new browser",
        "with pauses",
        "that grow",
        "then the compositor",
        "then it waits",
        "and tries the browser",
        "no reboot in the first hour",
        "nor for a trouble of less than five minutes",
        "then the machine",
        "a browser that does not start as well",
        "no reboot for a panel that somebody unplugged",
        "a reboot takes a while",
        "it did not come: the watchdog",
    ],
)
def test_what_is_done_by_table(
    wrong: Trouble, climb: Climb | None, up_s: float, step: Rung | None
) -> None:
    assert rung(wrong, climb, up_s) is step


def test_a_page_that_was_well_for_five_minutes_begins_at_the_lowest_rung() -> None:
    climb = climbed(climbed(None, Rung.RELOAD, 10), Rung.BROWSER, 20)
    assert climb == Climb(10, 20, {Rung.RELOAD: 1, Rung.BROWSER: 1})
    assert not is_over(climb, 20 + STEADY_S - 1)
    assert is_over(climb, 20 + STEADY_S)


@given(
    wrongs=st.lists(st.sampled_from(list(Trouble)), min_size=1),
    steps_s=st.lists(st.floats(0.1, 100), min_size=50, max_size=300),
    booted_s=st.floats(0, 2 * HOUR_S),
)
def test_a_machine_boots_at_most_once_an_hour_and_never_for_a_dark_panel_alone(
    wrongs: list[Trouble], steps_s: list[float], booted_s: float
) -> None:
    climb, up_s = None, booted_s
    for i, wait_s in enumerate(steps_s):
        up_s += wait_s
        wrong = wrongs[i % len(wrongs)]
        step = rung(wrong, climb, up_s)
        if step is Rung.REBOOT:
            assert up_s >= HOUR_S
            assert set(wrongs) != {Trouble.STILL}
            assert climb is not None
            assert sum(climb.tried.values()) >= sum(FULL.values()) - FULL[Rung.RELOAD]
        if step is not None:
            climb = climbed(climb, step, up_s)
    assert climb is None or climb.tried.get(Rung.REBOOT, 0) <= 1
