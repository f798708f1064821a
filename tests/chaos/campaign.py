"""One seed's run: an office under fire, then peace, then the books."""

import asyncio
import signal
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

import msgspec

from broker.session import Address, Session
from models.site import parse
from tests.chaos.audit import Audit, has_ended, inspect
from tests.chaos.faults import Campaign
from tests.chaos.office import FRESH_S, Office
from tests.chaos.peers import TOTAL
from tests.chaos.schedule import KINDS, Fault, schedule
from tests.chaos.watcher import Watcher

SETTLE_S = 120
"""After the last fault all that was promised must be at the hub within so long."""

PEER_SETTLE_S = 20
"""What a peer has not counted so long after the last fault it never will."""

_LOOK_S = 1.0  # a screen looks ten times a second, and may be held up


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it."""

    seconds: float
    faults: int
    rate_per_s: float
    kinds: tuple[str, ...]
    agents: int = 3
    real_disks: bool = False


class Outcome(msgspec.Struct, kw_only=True):
    """What one seed has shown. Times in seconds; `recovery_s` by the row of the table."""

    seed: int
    faults: dict[str, int]
    recovery_s: dict[str, list[float]]
    audit: Audit
    stale_s: float = 0.0
    stale_clock_s: float = 0.0
    shown_s: float = 0.0
    replayed: int = 0
    refused: int = 0
    settled_s: float = 0.0


async def run(
    seed: int,
    plan: Plan,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    *,
    faults: list[Fault] | None = None,
) -> Outcome:
    """One seed from start to audit, or these faults instead; `folder` must not exist."""
    office = Office(
        folder,
        agents=plan.agents,
        rate_per_s=plan.rate_per_s,
        real_disks=plan.real_disks,
        seed=seed,
    )
    site = parse(office.site_path.read_text(encoding="utf-8"))
    async with office:
        watcher = Watcher(site, Address(host="127.0.0.1", port=office.broker.port))
        watching = asyncio.create_task(watcher.run(), name="watcher")
        campaign = Campaign(office, watcher, say)
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(*(watcher.moves_on(a.name, None) for a in office.agents))
            await campaign.suffer(_schedule(seed, plan) if faults is None else faults)
            settled_s = await _settled(office, say)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        for part in office.parts.values():
            await asyncio.to_thread(part.end, signal.SIGTERM)
        say("the books")
        audit = await asyncio.to_thread(
            inspect,
            site,
            office.journal(),
            {agent.name: office.ledger(agent.name) for agent in office.agents},
            campaign.rollbacks,
            watcher.acks,
        )
    audit.wrong += campaign.wrong
    if watcher.shown != {lot.id for lot in site.lots}:
        audit.wrong.append(f"the screen has shown {sorted(watcher.shown)} only")
    for part in office.parts.values():
        if "Traceback" in part.said():
            audit.wrong.append(f"{part.name} crashed: see {part.log}")
    if watcher.shown_s > FRESH_S + _LOOK_S:
        audit.wrong.append(f"a value stood {watcher.shown_s:.1f} s after what it rests on was seen")
    if settled_s >= SETTLE_S:
        audit.wrong.append(f"not all was at the hub {SETTLE_S} s after the last fault")
    return Outcome(
        seed=seed,
        faults=dict(campaign.faults),
        recovery_s=dict(campaign.recovery_s),
        audit=audit,
        stale_s=watcher.stale_s[False],
        stale_clock_s=watcher.stale_s[True],
        shown_s=watcher.shown_s,
        replayed=watcher.replayed,
        refused=campaign.refused,
        settled_s=settled_s,
    )


async def run_peer(
    peer: str, seed: int, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None
) -> tuple[int, int]:
    """The same faults upon a counter of others: how many cars passed, and how many it counted."""
    office = Office(
        folder,
        agents=plan.agents,
        rate_per_s=plan.rate_per_s,
        real_disks=False,
        seed=seed,
        peer=peer,
    )
    async with office:
        counted: list[int] = [0]
        session = Session(
            Address(host="127.0.0.1", port=office.broker.port),
            "watcher",
            on_message=lambda _topic, payload, _retain: counted.append(int(payload)),
            subscriptions=[TOTAL],
        )
        watching = asyncio.create_task(session.run(), name="watcher")
        try:
            async with asyncio.timeout(60):  # until it counts
                while counted[-1] == 0:
                    await asyncio.sleep(0.1)
            await Campaign(office, None, say).suffer(_schedule(seed, plan))
            for agent in office.agents:
                agent.tell(signal.SIGHUP)
            await asyncio.sleep(PEER_SETTLE_S)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    passed = sum(office.ledger(agent.name).read_bytes().count(b"\n") for agent in office.agents)
    return passed, counted[-1]


def _schedule(seed: int, plan: Plan) -> list[Fault]:
    kinds: Collection[str] = [
        name for name in plan.kinds if plan.real_disks or not KINDS[name].needs_disk
    ]
    return schedule(seed, seconds=plan.seconds, faults=plan.faults, agents=plan.agents, kinds=kinds)


async def _settled(office: Office, say: Callable[[str], None]) -> float:
    """Let no more happen, and wait until every outbox is empty; returns how long that took."""
    start_s = _now_s()
    while (took_s := _now_s() - start_s) < SETTLE_S:
        for part in office.parts.values():
            part.supervise()
        for agent in office.agents:
            agent.tell(signal.SIGHUP)  # again, should it just have started
        depths = [await asyncio.to_thread(_depth, office.outbox(a.name)) for a in office.agents]
        kept = [has_ended(office.ledger(a.name)) for a in office.agents]
        say(f"settling, {sum(depths)} to go")
        if all(kept) and not any(depths):
            break
        await asyncio.sleep(0.5)
    return took_s


def _depth(path: Path) -> int:
    """How many pulses wait in an outbox."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        (depth,) = db.execute("SELECT count(*) FROM observation WHERE kind = 'pulse'").fetchone()
        return int(depth)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
