"""What is watched while a target is fed: what it raises, how long it takes, how it grows."""

import faulthandler
import resource
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

One = Callable[[bytes], None]
"""Takes one input."""

SLOW_S = 1.0
"""Of the processor's time, so that a busy machine is no finding."""

GROWTH_MIB = 48.0
"""How much a process may grow after its first fifth."""

_STUCK_S = 90
_PAGE_BYTES = resource.getpagesize()


class Finding(Exception):
    """An input that a target did not take well."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a run shows."""

    inputs: int
    seconds: float
    slowest_s: float
    peak_mib: float
    growth_mib: float


class Watched:
    """A target that is watched while it is fed."""

    def __init__(self, one: One, seconds: float) -> None:
        self._one = one
        self._seconds = seconds
        self._began = time.perf_counter()
        self._base_mib: float | None = None
        self.inputs = 0
        self.slowest_s = 0.0

    def __call__(self, data: bytes) -> None:
        """Feed one input.

        Raises:
            Finding: it raised, took too long, or the process has grown too much.
        """
        if self.inputs % 256 == 0:
            self._look()
        before = time.process_time()
        try:
            self._one(data)
        except BaseException as error:
            raise Finding(f"{error!r:.500} of {data!r:.2000}") from error
        took_s = time.process_time() - before
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > SLOW_S:
            raise Finding(f"want an answer in {SLOW_S} s, got {took_s:.1f} s for {data!r:.2000}")

    @property
    def elapsed_s(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began

    def _look(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        faulthandler.dump_traceback_later(_STUCK_S, exit=True)
        if self._base_mib is None and self.elapsed_s >= self._seconds / 5:
            self._base_mib = resident_mib()
        growth_mib = self.growth_mib
        if growth_mib > GROWTH_MIB:
            raise Finding(f"want at most {GROWTH_MIB} MiB of growth, got {growth_mib:.0f}")

    @property
    def growth_mib(self) -> float:
        """Since the first fifth of the time."""
        return 0.0 if self._base_mib is None else resident_mib() - self._base_mib

    def figures(self) -> Figures:
        """So far."""
        return Figures(
            inputs=self.inputs,
            seconds=round(self.elapsed_s, 1),
            slowest_s=round(self.slowest_s, 3),
            peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            growth_mib=round(self.growth_mib, 1),
        )


def resident_mib() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * _PAGE_BYTES / 2**20
