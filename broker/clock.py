"""The one module that reads the time."""

import asyncio
import ctypes
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.errors import BadUsage

ENVIRONMENT = "MACHIAI_CLOCK"
"""Set by `machiai demo` for the processes that it starts: "<real s> <shown RFC 3339> <speed>"."""

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this nobody ran machiai: a clock that says so has not been set."""

_TIME_ERROR = 5  # adjtimex(2): the kernel knows of no synchronisation
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


class Clock:
    """Wall time, monotonic time and sleep; in the demo both run faster by `speed`."""

    def __init__(
        self, *, real_s: float = 0.0, shown: datetime | None = None, speed: float = 1.0
    ) -> None:
        self._real_s = real_s
        self._shown = None if shown is None else shown.astimezone(UTC)
        self.speed = speed

    @property
    def is_simulated(self) -> bool:
        """Whether this is not the machine's own clock."""
        return self._shown is not None

    def now(self) -> datetime:
        """Aware UTC, cut to milliseconds as on the wire."""
        if self._shown is None:
            now = datetime.now(UTC)
        else:
            now = self._shown + timedelta(seconds=(time.time() - self._real_s) * self.speed)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Seconds for durations, from an arbitrary start; never steps back."""
        return time.monotonic() * self.speed

    def up_ms(self) -> int:
        """Milliseconds since this machine booted."""
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000 * self.speed)

    async def sleep(self, seconds: float) -> None:
        """Sleep that long by this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def is_set(self) -> bool:
        """Whether the clock can be right at all: a Pi without a battery starts in 1970."""
        return self.now() >= FIRST_DAY

    def synchronised(self) -> bool:
        """Whether something keeps this clock right, so that `at` may be trusted."""
        if not self.is_set():
            return False
        return self.is_simulated or _TIMESYNCD.exists() or _kernel_is_synchronised()

    def environment(self) -> dict[str, str]:
        """What a child process needs to see the same time."""
        if self._shown is None:
            return {}
        return {ENVIRONMENT: f"{self._real_s!r} {self._shown.isoformat()} {self.speed!r}"}


def starting_at(shown: datetime, speed: float) -> Clock:
    """A clock that shows `shown` now and runs `speed` times as fast as the true one."""
    return Clock(real_s=time.time(), shown=shown, speed=speed)


def from_environment() -> Clock:
    """The machine's clock, or the one that `machiai demo` gave to this process.

    Raises:
        BadUsage: the variable is not of the form that `Clock.environment` writes.
    """
    written = os.environ.get(ENVIRONMENT)
    if not written:
        return Clock()
    try:
        real_s, shown, speed = written.split()
        return Clock(real_s=float(real_s), shown=datetime.fromisoformat(shown), speed=float(speed))
    except ValueError as error:
        raise BadUsage(f"want {ENVIRONMENT}='<s> <RFC 3339> <speed>', {error}") from None


def boot_id() -> str:
    """Eight letters that are new at each boot of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return f"{int(time.time() - time.monotonic()):08x}"[:8]


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2), only its size matters: mode 0 reads."""

    _fields_ = [("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 256)]


def _kernel_is_synchronised() -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return int(libc.adjtimex(ctypes.byref(_Timex()))) not in (-1, _TIME_ERROR)
    except (OSError, AttributeError):
        return False
