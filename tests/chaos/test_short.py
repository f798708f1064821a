"""The short form of the campaign; the long one is `make chaos` (docs/reliability.md)."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.chaos.campaign import Plan, run
from tests.chaos.disk import is_possible
from tests.chaos.office import mosquitto_program
from tests.chaos.schedule import KINDS, schedule
from tests.chaos.table import table

PLAN = Plan(seconds=10, faults=14, rate_per_s=450, kinds=tuple(KINDS))


@pytest.mark.broker
@pytest.mark.timeout(150)
def test_nothing_is_lost_or_doubled_while_everything_fails(tmp_path: Path) -> None:
    if mosquitto_program() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    plan = msgspec.structs.replace(PLAN, real_disks=is_possible(tmp_path) is None)
    outcome = asyncio.run(run(1, plan, tmp_path / "office"))
    assert outcome.audit.is_clean, "\n".join(table([outcome]))
    assert sum(outcome.faults.values()) == PLAN.faults
    assert outcome.audit.promised > PLAN.seconds * PLAN.rate_per_s / 4


def test_a_seed_is_the_same_schedule_each_time() -> None:
    first, again, other = (
        schedule(seed, seconds=60, faults=200, agents=3, kinds=KINDS) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert {fault.kind for fault in first} == set(KINDS)
    assert [f.at_s for f in first] == sorted(f.at_s for f in first)
