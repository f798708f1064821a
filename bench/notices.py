"""Do notices come in time? Synthetic days played through hub, rules and a real mail server.

    .venv/bin/python -m bench.notices [--days 5] [--seed 1]

Every ticket of three offices has a holder who asks as it is issued, and says that coming back takes
10 minutes. The hub's fold hears each event, its lines and calls go through the rules; truth says
how many tickets were still before the holder's when the notice came, and how long it was until the
call. A notice counts as there 2 s after the line was told. Then, over a real server on the
loopback: how long it is from a line that is told to the server's having the mail.
"""

import argparse
import asyncio
import math
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from aiosmtpd.controller import Controller
from tqdm import tqdm

from broker.clock import Clock
from broker.past import observations
from models.calendar import Calendar
from models.contract import codec, topics
from models.contract.results import CallsResult, LineResult, LineTicket, Result
from models.site import MailTable, Site, parse
from models.state.office import Office
from models.turn import LATE_AHEAD, NEAR_AHEAD, Hold, What, step
from models.world.day import TicketTruth
from models.world.office import live
from signage.mirror import Mirror
from signage.notify.mail import Mail
from signage.notify.notices import Notices
from signage.notify.store import Holder, Store

SITES = Path(__file__).resolve().parents[1] / "ansible/sites"
HALL = """
[site]
id = "hall"
name = { en = "Tax hall" }
hours = [{ days = "mon-fri", open = "09:00", close = "16:00" }]
[[services]]
id = "tax"
name = { en = "Tax return" }
counters = ["h1", "h2", "h3", "h4", "h5", "h6"]
service_minutes = 14
"""
COUNTERS = "".join(f'[[counters]]\nid = "h{n}"\n' for n in range(1, 7))
FIRST = date(2026, 10, 5)
LEARNT_DAYS = 5
WALK_S, AFTER_S = 600.0, 2.0
HOLDERS = 300


class Came(msgspec.Struct, frozen=True):
    """A notice that the turn is near: tickets still before it, and minutes until the call.

    `asked_s` is how long before it was asked for: at once if it was near already.
    """

    before: int
    minutes: float
    asked_s: float


class Found(msgspec.Struct):
    """What came of all holders."""

    near: list[Came] = msgspec.field(default_factory=list)
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)

    def report(self, name: str) -> str:
        """In one line."""
        minutes = sorted(came.minutes for came in self.near)
        in_time = share([came.before >= LATE_AHEAD for came in self.near])
        back = share([c.minutes >= WALK_S / 60 for c in self.near if c.asked_s > 0])
        out = self.outcomes
        return (
            f"{name:12} {len(self.near):6} near: {in_time:6.2%} with {LATE_AHEAD} or more before,"
            f" {back:6.2%} {WALK_S / 60:.0f} min or more ahead if not near at once;"
            f" minutes p10 {at(minutes, 0.1):.0f} p50 {at(minutes, 0.5):.0f}"
            f" p90 {at(minutes, 0.9):.0f};"
            f" now {out['now']} of {out['called']};"
            f" passed told to {out['passed absent']} of {out['absent']} absent and to"
            f" {out['passed served']} of {out['served']} served; too late to ask {out['late']}"
        )


def main() -> int:
    """Play, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    every = Found()
    for site in offices():
        found = Found()
        play(site, given.days, given.seed, found)
        print(found.report(site.id))
        every.near += found.near
        every.outcomes += found.outcomes
    print(every.report("all"))
    seconds = sorted(asyncio.run(latency(next(offices()))))
    told = ", ".join(f"p{q * 100:g} {1000 * at(seconds, q):.0f} ms" for q in (0.5, 0.9, 0.99))
    print(f"from a line that is told to the server's having the mail: {told} of {len(seconds)}")
    return 0


def offices() -> Iterator[Site]:
    """A ward office with shared clerks, a small one, and a hall with one long line."""
    for name in ("example.toml", "kita.toml"):
        yield parse((SITES / name).read_text("utf-8"), name)
    yield parse(HALL + COUNTERS, "hall")


def play(site: Site, days: int, seed: int, found: Found, until: float = math.inf) -> None:
    """Live so many open days after some from which the hub learns.

    Args:
        site: the office.
        days: how many are measured.
        seed: any integer.
        found: takes what came.
        until: local hour at which the last day ends.
    """
    calendar, office = Calendar(site), Office(site, assume_alive=True)
    day, lived = FIRST, 0
    with tqdm(total=LEARNT_DAYS + days, desc=site.id, unit="day", disable=None) as progress:
        while lived < LEARNT_DAYS + days:
            day += timedelta(days=1)
            if not calendar.office(day):
                continue
            is_measured = lived >= LEARNT_DAYS
            _live(site, office, day, seed + lived, found if is_measured else None, until)
            lived += 1
            progress.update()


def _live(  # noqa: PLR0917
    site: Site, office: Office, day: date, seed: int, found: Found | None, until: float
) -> None:
    truth = {(t.service, t.number): t for t in live(site, day, seed).tickets}
    usual_s = {service.id: 60.0 * service.service_minutes for service in site.services}
    holds: dict[tuple[str, str], Hold] = {}
    for seen in observations(site, day, seed):
        now = seen.envelope.at
        if now is None:
            continue
        local = now.astimezone(site.zone_info)
        if local.hour >= until:
            break
        office.fold(seen, now.timestamp(), now.timestamp())
        if found is None or seen.kind != "ticket":
            continue
        _look(office.results(now), truth, holds, usual_s, now, found)
    end = datetime.combine(day, datetime.max.time(), site.zone_info).astimezone(UTC)
    if found is not None:
        _count(truth, holds, end, found)


def _look(  # noqa: PLR0917
    results: dict[str, Result],
    truth: dict[tuple[str, str], TicketTruth],
    holds: dict[tuple[str, str], Hold],
    usual_s: dict[str, float],
    now: datetime,
    found: Found,
) -> None:
    """All holders take a look; whoever is new to the line asks, unless it is too late."""
    calls = cast("CallsResult", results["calls"])
    for service, service_s in usual_s.items():
        line = cast("LineResult | None", results.get(f"line/{service}"))
        for ticket in line.tickets if line else ():
            key = (service, ticket.number)
            if key in holds:
                continue
            is_late = ticket.ahead < LATE_AHEAD
            found.outcomes["late"] += is_late
            holds[key] = Hold(
                service=service, number=ticket.number, walk_s=WALK_S, seen_at=now,
                since=now - timedelta(hours=9), is_over=is_late,
            )  # fmt: skip
        for key in [key for key in holds if key[0] == service and not holds[key].is_over]:
            before = holds[key]
            holds[key], what = step(before, line, calls, now, service_s)
            asked_s = (now - before.seen_at).total_seconds() if before.place is None else math.inf
            _note(what, truth[key], truth, now + timedelta(seconds=AFTER_S), asked_s, found)


def _note(  # noqa: PLR0917
    what: What | None,
    own: TicketTruth,
    truth: dict[tuple[str, str], TicketTruth],
    there: datetime,
    asked_s: float,
    found: Found,
) -> None:
    if what == "near" and own.called_at is not None:
        before = sum(
            other.service == own.service
            and other.issued_at < own.issued_at
            and other.called_at is not None
            and other.called_at > there
            for other in truth.values()
        )
        left_s = (own.called_at - there).total_seconds()
        found.near.append(Came(before, left_s / 60, asked_s))
    elif what == "passed":
        found.outcomes["passed absent" if own.absent else "passed served"] += 1
    elif what == "now":
        found.outcomes["now"] += 1


def _count(
    truth: dict[tuple[str, str], TicketTruth],
    holds: dict[tuple[str, str], Hold],
    end: datetime,
    found: Found,
) -> None:
    """What truly came of those who were to be told."""
    for key, hold in holds.items():
        own = truth[key]
        if own.called_at is None or own.called_at > end or "near" not in hold.told:
            continue
        found.outcomes["called"] += 1
        found.outcomes["absent" if own.absent else "served"] += 1


async def latency(site: Site) -> list[float]:
    """Seconds from a line that is told to the server's having the mail, of each of many."""
    taken: dict[str, float] = {}

    class Server:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802
            _ = server, session
            taken[envelope.rcpt_tos[0].partition("@")[0]] = time.perf_counter()
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Server(), hostname="127.0.0.1", port=port)
    controller.start()
    numbers, told = [f"a{n:03}" for n in range(HOLDERS)], {}
    with tempfile.TemporaryDirectory() as folder:
        mirror, store = Mirror(site, Clock()), Store(Path(folder) / "notices.sqlite")
        _fill(store, site, numbers, mirror.clock.now())
        table = MailTable(sender="turn@minami.example.jp", host="127.0.0.1", port=port, tls="none")
        senders = {"mail": Mail(table, site, Path(folder))}
        notices = Notices(site, mirror, store, senders, "https://machiai.example.jp")
        task = asyncio.create_task(notices.run())
        for moved in tqdm(range(HOLDERS), desc="mails", disable=None):
            _tell(site, mirror, numbers, moved)
            told[numbers[moved]] = time.perf_counter()
            await asyncio.sleep(0.05)
        while len(taken) < HOLDERS:
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        store.close()
    controller.stop()
    return [taken[number] - told[number] for number in numbers]


def _fill(store: Store, site: Site, numbers: Sequence[str], now: datetime) -> None:
    day = now.astimezone(site.zone_info).date().isoformat()
    for number in numbers:
        holder = Holder(
            token=number, way="mail", language="ja", service="moving", number=number, walk_s=300,
            day=day, since_s=0, asked_s=now.timestamp(), confirmed=True,
        )  # fmt: skip
        store.ask(holder, f"{number}@example.jp")


def _tell(site: Site, mirror: Mirror, numbers: Sequence[str], moved: int) -> None:
    """The line has moved so far that one more is near."""
    now = mirror.clock.now()
    tickets = tuple(
        LineTicket(number=number, ahead=max(NEAR_AHEAD + n - moved, 0))
        for n, number in enumerate(numbers)
    )
    line = LineResult(at=now, valid_until=now + timedelta(seconds=90), tickets=tickets)
    mirror.apply(topics.result(site.id, "line/moving"), codec.encode(line), retain=False)


def share(yes: Sequence[bool]) -> float:
    """How many of them are so, 0 to 1."""
    return sum(yes) / len(yes) if yes else 0.0


def at(ordered: Sequence[float], quantile: float) -> float:
    """The value at a quantile."""
    return ordered[min(int(quantile * len(ordered)), len(ordered) - 1)] if ordered else math.nan


if __name__ == "__main__":
    raise SystemExit(main())
