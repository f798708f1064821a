"""What was promised against what the hub has, event by event."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import cast

import msgspec

from broker.hub.history.sqlite import Journal, Record
from models.contract.codec import decode_envelope, decode_reading
from models.contract.observations import Observation, Pulse, Skip
from models.contract.topics import observation as topic_of
from models.errors import MachiaiError
from models.site import Site
from models.state.office import Office

_EXAMPLES = 3


class Audit(msgspec.Struct, kw_only=True):
    """What an inspection found.

    Attributes:
        events: observations in the journal.
        promised: events that an agent had said were safe.
        lost: promised events that are not in the journal, but for those of `rolled_back`.
        doubled: events, or places in a stream, that stand in the journal twice.
        extra: events in the journal of which the agent died before it could say so.
        rolled_back: promised events that only the part of a disk held which was put back to an
            older copy; nobody can have them.
        holes: places in a stream that are missing without a `gap` that says so.
        wrong: everything else that must not be, in words.
    """

    events: int = 0
    promised: int = 0
    lost: int = 0
    doubled: int = 0
    extra: int = 0
    rolled_back: int = 0
    holes: int = 0
    wrong: list[str] = []

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.holes or self.wrong)


def promises(ledger: Path) -> set[int]:
    """The numbers that an outbox kept; a last line that a kill has torn is none."""
    lines = ledger.read_bytes().split(b"\n")[:-1] if ledger.exists() else []
    return {int(line) for line in lines if line != b"end"}


def has_ended(ledger: Path) -> bool:
    """Whether the last line says that all was kept."""
    return ledger.exists() and _tail(ledger).endswith(b"\nend\n")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        return file.read()


def number_of(payload: bytes) -> int:
    """An event's own millisecond."""
    at = decode_envelope(payload).at
    return 0 if at is None else round(at.timestamp() * 1000)


def inspect(
    site: Site,
    journal_path: Path,
    ledgers: dict[str, Path],
    rollbacks: dict[str, set[int]],
    acks: dict[tuple[str, str], int],
) -> Audit:
    """Hold the journal against the ledgers. The hub must have ended."""
    audit = Audit()
    journal = Journal(journal_path)
    try:
        seen: dict[str, Counter[int]] = {device: Counter() for device in ledgers}
        at: dict[tuple[str, str], int] = {}
        totals: Counter[tuple[str, str, str, str]] = Counter()
        fresh = Office(site)
        for record in journal.records():
            audit.events += 1
            _place(audit, at, record)
            observation = _observation(site.id, record, audit)
            if observation is None:
                continue
            fresh.fold(observation, record.at_ms / 1000, record.received_ms / 1000)
            if isinstance(observation.reading, Pulse):
                seen[record.device][number_of(record.payload)] += 1
                _total(audit, totals, record, observation.reading)
        fresh.new_calls()
        _compare(audit, site, journal, fresh)
        for mark in journal.marks():
            if acks.get((mark.device, mark.stream), 0) > mark.seq:
                audit.wrong.append(
                    f"{mark.device}: acknowledged {acks[mark.device, mark.stream]}, "
                    f"the journal has {mark.seq}"
                )
    finally:
        journal.close()
    for device, ledger in ledgers.items():
        gone = rollbacks.get(device, set())
        _settle(audit, device, promises(ledger), seen[device], gone)
        if not has_ended(ledger):
            _note(audit, f"{device}: it took events that it never kept")
    return audit


def _place(audit: Audit, at: dict[tuple[str, str], int], record: Record) -> None:
    """Each stream counts 1, 2, 3; only what a gap or a skip tells of may be missing."""
    key = (record.device, record.stream)
    before = at.get(key, 0)
    if record.seq <= before:
        audit.doubled += 1
        return
    at[key] = record.seq
    if record.kind == "skip":
        at[key] = cast("Skip", decode_reading(record.kind, record.payload)).upto
    told = (record.device, "told")
    if record.seq != before + 1 and not at.pop(told, 0):
        audit.holes += record.seq - before - 1
    if (record.kind, record.name) == ("gap", "all"):
        at[told] = 1


def _total(
    audit: Audit, totals: Counter[tuple[str, str, str, str]], record: Record, pulse: Pulse
) -> None:
    """`total` counts the pulses of a stream; where a gap was admitted it may only jump ahead."""
    key = (record.device, record.stream, record.name, pulse.direction)
    if pulse.total <= totals[key]:
        audit.doubled += 1
    totals[key] = max(totals[key], pulse.total)


def _observation(site: str, record: Record, audit: Audit) -> Observation | None:
    try:
        return Observation(
            site=site,
            device=record.device,
            kind=record.kind,
            name=record.name,
            envelope=decode_envelope(record.payload),
            reading=decode_reading(record.kind, record.payload),
        )
    except MachiaiError as error:
        _note(audit, f"{topic_of(site, record.device, record.kind, record.name)}: {error}")
        return None


def _compare(audit: Audit, site: Site, journal: Journal, fresh: Office) -> None:
    """The state that the hub saved at its end is the journal folded from its first row."""
    snapshot = journal.snapshot()
    if snapshot is None:
        audit.wrong.append("the hub saved no state at its end")
    elif Office.load(site, snapshot[1]).dump() != fresh.dump():
        audit.wrong.append("the saved state is not what the journal folds to")


def _settle(audit: Audit, device: str, kept: set[int], seen: Counter[int], gone: set[int]) -> None:
    audit.promised += len(kept)
    missing = kept - seen.keys()
    audit.rolled_back += len(missing & gone)
    lost = sorted(missing - gone)
    audit.lost += len(lost)
    twice = sum(count - 1 for count in seen.values())
    audit.doubled += twice
    audit.extra += len(seen.keys() - kept)
    if lost:
        _note(audit, f"{device}: lost {len(lost)}, such as {lost[:_EXAMPLES]}")
    if twice:
        examples = [number for number, count in seen.items() if count > 1][:_EXAMPLES]
        _note(audit, f"{device}: {twice} doubled, such as {examples}")


def _note(audit: Audit, line: str) -> None:
    if len(audit.wrong) < 10:
        audit.wrong.append(line)


def rows(path: Path) -> frozenset[int]:
    """The numbers of the pulses in an outbox file; none if it is damaged or not there.

    It reads a copy's copy, never a file that a process still has to open.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return frozenset()
            found = db.execute("SELECT payload FROM observation WHERE kind = 'pulse'").fetchall()
            return frozenset(number_of(payload) for (payload,) in found)
    except sqlite3.DatabaseError:
        return frozenset()


def journalled(path: Path) -> dict[str, set[int]] | None:
    """The numbers of each device's pulses in a journal; None if SQLite finds it damaged."""
    try:
        with closing(sqlite3.connect(path)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return None
            found: dict[str, set[int]] = {}
            for device, payload in db.execute(
                "SELECT device, payload FROM journal JOIN stream ON stream.id = journal.stream "
                "WHERE kind = 'pulse'"
            ):
                found.setdefault(device, set()).add(number_of(payload))
            return found
    except sqlite3.DatabaseError:
        return None
