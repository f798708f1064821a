"""What became of the tickets, and how true the told waits were."""

from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np

from models.report.chance import Floats, Versus, versus
from models.report.kept import Kept
from models.report.plan import Plan, Span

_FATES = ("issued", "called", "absent", "cancelled")
_SCORES = ("error_s", "within", "came_s")
PROMISED = 0.8
"""The share of waits that should come within the range that was told."""


class Fates(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of one service in one month."""

    service: str
    days: int
    issued: int
    called: int
    absent: int  # called, and nobody came
    cancelled: int
    before: Versus | None  # absent, of those called
    year: Versus | None

    @property
    def came(self) -> int:
        """Called, and somebody came."""
        return max(self.called - self.absent, 0)

    @property
    def never_called(self) -> int:
        """Neither called nor given back."""
        return max(self.issued - self.called - self.cancelled, 0)

    @property
    def absent_share(self) -> float:
        """Of those called."""
        return self.absent / self.called if self.called else 0.0


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Told waits of one service that have come true."""

    service: str
    days: int
    count: int
    error_s: float  # mean, without its sign
    came_s: float
    within: float  # share that came within the range that was told
    before: Versus | None  # of the mean error


def fates(kept: Kept, plan: Plan, service: str, spans: Sequence[Span]) -> Fates | None:
    """Of one service; None if it gave no tickets."""
    months = [_daily(kept, plan, ("ticket", service), _FATES, span) for span in spans]
    if not months[0]:
        return None
    sums = np.concatenate(months[0]).sum(axis=0).astype(int).tolist()
    _, issued, called, absent, cancelled = sums
    return Fates(
        service=service,
        days=len(months[0]),
        issued=issued,
        called=called,
        absent=absent,
        cancelled=cancelled,
        before=versus(_called(months[0]), _called(months[1]), _absent_share),
        year=versus(_called(months[0]), _called(months[2]), _absent_share),
    )


def truth(kept: Kept, plan: Plan, service: str, spans: Sequence[Span]) -> Truth | None:
    """Of one service; None if no told wait came true."""
    now, before = (_daily(kept, plan, ("service", service), _SCORES, span) for span in spans[:2])
    now, before = ([day for day in days if day[0, 0] > 0] for days in (now, before))
    if not now:
        return None
    count, error_s, within, came_s = np.concatenate(now).sum(axis=0).tolist()
    return Truth(
        service=service,
        days=len(now),
        count=round(count),
        error_s=error_s / count,
        came_s=came_s / count,
        within=within / count,
        before=versus(now, before, _mean_error),
    )


def _daily(
    kept: Kept, plan: Plan, source: tuple[str, str], measures: Sequence[str], span: Span
) -> list[Floats]:
    """Of each day on which there was any: how often the first, and the sums of all measures.

    Each is (1, 1 + measures). `source` is kind and name.
    """
    since_ms, until_ms = plan.edges_ms(span)
    days: dict[date, list[float]] = {}
    for column, measure in enumerate(measures, 1):
        for ms, cell in kept.of(*source, measure).items():
            if since_ms <= ms < until_ms:
                sums = days.setdefault(plan.day_of(ms), [0.0] * (len(measures) + 1))
                sums[column] += cell.sum
                sums[0] += cell.count if column == 1 else 0
    return [np.array([days[day]]) for day in sorted(days)]


def _called(days: list[Floats]) -> list[Floats]:
    return [day for day in days if day[0, 2] > 0]


def _absent_share(rows: Floats) -> float:
    _, _, called, absent, _ = rows.sum(axis=0).tolist()
    return float(absent / called)


def _mean_error(rows: Floats) -> float:
    count, error_s, *_ = rows.sum(axis=0).tolist()
    return float(error_s / count)
