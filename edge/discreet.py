"""What a process that holds frames owes: no core dump, and no more memory than it needs."""

import ctypes
import resource
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_DUMPABLE = 4  # prctl(2)
_M_MMAP_THRESHOLD = -3  # mallopt(3)
_M_ARENA_MAX = -8
_MADV_DONTNEED = 4  # madvise(2)


def leave_no_dump() -> None:
    """Let nothing write this process's memory to a file, nor others of its user read it.

    The limit keeps cores of this process and its children off the disk; the kernel does not ask it
    where a program such as systemd-coredump takes them, so the process is also made undumpable.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_little() -> None:
    """Give freed frames back at once, and let threads share one heap."""
    if hasattr(_LIBC, "mallopt"):  # glibc's
        _LIBC.mallopt(_M_MMAP_THRESHOLD, 1 << 17)  # setting it stops glibc from raising it
        _LIBC.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give back what loading has freed, and the code that only loading has run.

    Code is mapped from its file and never written to: what is needed again comes back by itself.
    """
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
    if sys.platform == "linux":
        for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
            span, rights, *_, name = line.split(maxsplit=5)
            if rights == "r-xp" and name.startswith("/"):
                start, end = (int(address, 16) for address in span.split("-"))
                _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
