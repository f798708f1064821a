"""A display for hours: nothing grows, nothing breaks, nothing is shown past its end.

A minute stands here for the day that `MACHIAI_SOAK=whole` looks at in 24 true minutes.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from broker.clock import starting_at
from tests.conftest import Mosquitto
from tests.display.soak import Soaked, soak

pytestmark = [pytest.mark.browser, pytest.mark.timeout(3600)]

WHOLE = os.environ.get("MACHIAI_SOAK") == "whole"
MORNING = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
"""Tuesday 9:00 in Tokyo."""
SPEED = float(os.environ.get("MACHIAI_SOAK_SPEED", "60")) if WHOLE else 600.0
HOURS, SAMPLES = (24.0, 144) if WHOLE else (2.0, 12)
MB = 1e6
GROWS = ("server", "hub", "heap", "nodes", "listeners")


def told(run: Soaked) -> str:
    """The figures, for whoever reads the test's output."""
    first, last = run.samples[len(run.samples) // 5], run.samples[-1]
    lines = [
        f"{run.hours:.1f} h of the office in {run.true_s:.0f} s, {run.swaps} swaps",
        f"{run.looks} looks, {run.values} values, {run.ended} ended, {run.latest_ms:.0f} ms late",
        *(f"alert: {alert}" for alert in run.alerts),
        f"{run.alarmed} of {len(run.samples)} samples with an alert",
    ]
    for name in GROWS:
        grown = run.slope(name)
        lines.append(
            f"{name}: {getattr(first, name)} -> {getattr(last, name)}, {grown:+.0f} an hour"
        )
    return "\n".join(lines)


def test_hours_at_a_display_leave_nothing_behind(
    mosquitto: Mosquitto,
    tmp_path: Path,
    browser: Browser,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = starting_at(MORNING, SPEED)
    run = soak(mosquitto, tmp_path, browser, clock, hours=HOURS, samples=SAMPLES)
    said = told(run)
    if WHOLE:
        with capsys.disabled():
            sys.stdout.write(f"\n{said}\n")
    assert run.swaps > 10, said
    assert run.values > 0, said
    assert run.ended > 0, said
    assert run.errors == (), said
    assert run.late == (), said
    assert run.alarmed <= max(1, SAMPLES // 20), said  # a busy machine may be late for once
    first, last = run.samples[0], run.samples[-1]
    if WHOLE:
        assert max(run.slope("server"), run.slope("heap")) < MB, said
        assert run.slope("nodes") < 100, said
    else:  # an hour of the office is six seconds here: what is new (the voice) is no leak
        assert last.server < 300 * MB, said
        assert last.heap - first.heap < 10 * MB, said
        assert last.nodes < 10_000, said
    assert last.listeners < 500, said
