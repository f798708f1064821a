"""The campaign's figures, as a person reads them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from tests.chaos.campaign import Outcome


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines: faults by kind with their recoveries, then a line a seed, then the sum."""
    counts: Counter[str] = Counter()
    recoveries: dict[str, list[float]] = {}
    for outcome in outcomes:
        counts.update(outcome.faults)
        for title, times in outcome.recovery_s.items():
            recoveries.setdefault(title, []).extend(times)
    yield f"{'fault':<18}{'times':>7}{'recovery s: median':>20}{'max':>8}"
    for title in sorted(counts):
        times = recoveries.get(title, [])
        told = f"{median(times):>20.2f}{max(times):>8.2f}" if times else f"{'–':>20}{'–':>8}"
        yield f"{title:<18}{counts[title]:>7}{told}"
    yield ""
    columns = ("faults", "events", "promised", "lost", "doubled", "extra", "put back", "holes")
    yield (
        f"{'seed':<8}"
        + "".join(f"{c:>10}" for c in columns)
        + f"{'stale s':>10}{'(clock)':>10}{'shown s':>10}"
    )
    for outcome in outcomes:
        yield _row(str(outcome.seed), [outcome])
    if len(outcomes) > 1:
        yield _row("all", outcomes)
    yield ""
    replayed, refused = sum(o.replayed for o in outcomes), sum(o.refused for o in outcomes)
    yield f"{replayed} observations replayed by a stranger, {refused} damaged journals refused"
    for outcome in outcomes:
        for line in outcome.audit.wrong:
            yield f"seed {outcome.seed}: {line}"


def _row(title: str, outcomes: Sequence[Outcome]) -> str:
    audits = [outcome.audit for outcome in outcomes]
    numbers = [
        sum(sum(o.faults.values()) for o in outcomes),
        *(
            sum(getattr(audit, name) for audit in audits)
            for name in ("events", "promised", "lost", "doubled", "extra", "rolled_back", "holes")
        ),
    ]
    seconds = [
        max(getattr(outcome, name) for outcome in outcomes)
        for name in ("stale_s", "stale_clock_s", "shown_s")
    ]
    told = [f"{number:>10}" for number in numbers] + [f"{second:>10.1f}" for second in seconds]
    return f"{title:<8}" + "".join(told)
