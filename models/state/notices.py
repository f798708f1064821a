"""Notices: who may put one up alone, and what stands.

An emergency fills every screen of an office. One of the staff proposes it, and it is told when
another says the same within `CONFIRM_S`. A device that was set up to warn needs nobody: a receiver
of alerts, a display with a switch. To take one down is for anybody who may write notices at all.
"""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from models.contract.observations import Observation, PostNotice
from models.contract.results import NoticeResult, NoticesResult, ProposalResult, Result
from models.site import Site
from models.state.memory import Memory
from models.state.view import DAY, View, time_of

CONFIRM_S = 300.0
"""So long a proposal waits for the second person."""

WARNS = frozenset({"cap", "jma"})
"""Kinds of sensors that put up notices."""

_YEAR = 365 * DAY


class Notices:
    """Folds notices into a memory. Times are seconds since 1970."""

    def __init__(self, memory: Memory, site: Site) -> None:
        self._memory, self._site = memory, site

    def take(self, seen: Observation, reading: PostNotice, at_s: float) -> None:
        """One was put up, proposed, confirmed or taken down."""
        memory = self._memory
        self._forget_old(at_s)
        if reading.cancel:
            memory.proposals.pop(seen.name, None)
            if memory.notices.pop(seen.name, None) is not None:
                self._change()
        elif needs_second(self._site, seen.device, reading):
            proposed = memory.proposals.get(seen.name)
            if proposed is not None and _confirms(reading, at_s, proposed):
                self._put_up(seen.name, reading, at_s)
            else:
                memory.proposals[seen.name] = _proposal(reading, at_s)
        else:
            self._put_up(seen.name, reading, at_s)

    def _put_up(self, name: str, reading: PostNotice, at_s: float) -> None:
        at = time_of(at_s)
        self._memory.proposals.pop(name, None)
        self._memory.notices[name] = NoticeResult(
            at=at,
            observed_at=at,
            valid_until=reading.until or at,
            severity=reading.severity,
            drill=reading.drill,
            since=reading.since,
            until=reading.until,
            texts=reading.texts,
        )
        self._change()

    def _change(self) -> None:
        """Another edition of what stands; later than any before, whatever the clock says."""
        memory = self._memory
        memory.edition = max(memory.edition + 1, int(memory.now_s * 1000))

    def _forget_old(self, now_s: float) -> None:
        proposals = self._memory.proposals
        for name in [name for name, one in proposals.items() if not _is_open(one, now_s)]:
            del proposals[name]


def needs_second(site: Site, device: str, reading: PostNotice) -> bool:
    """Whether what this device says waits for a second person."""
    if reading.severity != "emergency" or (reading.drill and site.emergency.drills_by_one):
        return False
    return not _warns(site, device)


def results(view: View) -> Iterator[tuple[str, Result]]:
    """All notices that hold, what is proposed, and last the list of what stands."""
    memory, now = view.memory, view.now
    held = {n: r for n, r in memory.notices.items() if r.until is None or r.until > now}
    for name, notice in held.items():
        yield f"notice/{name}", _told(view, notice)
    for name, proposal in memory.proposals.items():
        if _is_open(proposal, view.now_s):
            yield f"proposal/{name}", msgspec.structs.replace(proposal, at=now)
    yield (
        "notices",
        NoticesResult(
            at=now,
            valid_until=time_of(view.plan.end_s) + DAY,
            edition=memory.edition,
            names=tuple(sorted(held)),
        ),
    )


def forget_after(memory: Memory, now_s: float) -> None:
    """The clock was set back: nobody knows how long ago a later proposal was made."""
    later = [n for n, one in memory.proposals.items() if one.valid_until > _end(now_s)]
    for name in later:
        del memory.proposals[name]


def _told(view: View, notice: NoticeResult) -> NoticeResult:
    """A notice holds until it is cancelled, or until the end that it names.

    An emergency holds on screens that hear nobody for long; other news of yesterday does not.
    """
    lasts = _YEAR if notice.severity == "emergency" else DAY
    until = notice.until or time_of(view.plan.end_s) + lasts
    return msgspec.structs.replace(notice, at=view.now, valid_until=until)


def _proposal(reading: PostNotice, at_s: float) -> ProposalResult:
    return ProposalResult(
        at=time_of(at_s),
        observed_at=time_of(at_s),
        valid_until=_end(at_s),
        by=reading.by,
        drill=reading.drill,
        since=reading.since,
        until=reading.until,
        texts=reading.texts,
    )


def _confirms(reading: PostNotice, at_s: float, proposed: ProposalResult) -> bool:
    """Whether this is another person who says the same in time."""
    same = (reading.drill, reading.since, reading.until, reading.texts) == (
        proposed.drill,
        proposed.since,
        proposed.until,
        proposed.texts,
    )
    who, first = person(reading.by), person(proposed.by)
    apart_s = abs(at_s + CONFIRM_S - proposed.valid_until.timestamp())
    return same and bool(who and first) and who != first and apart_s < CONFIRM_S


def person(by: str) -> str:
    """Who it is, however it was typed."""
    return "".join(unicodedata.normalize("NFKC", by).casefold().split())


def _is_open(proposal: ProposalResult, now_s: float) -> bool:
    return now_s < proposal.valid_until.timestamp()


def _end(at_s: float) -> datetime:
    return time_of(at_s) + timedelta(seconds=CONFIRM_S)


def _warns(site: Site, device: str) -> bool:
    """Whether staff have set this device up to warn by itself."""
    by_sensor = any(
        one.id == device and any(sensor.get("kind") in WARNS for sensor in one.sensors)
        for one in site.devices
    )
    return by_sensor or any(one.id == device and one.switch is not None for one in site.displays)
