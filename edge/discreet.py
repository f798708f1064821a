"""What a process that holds frames owes: no core dump, and no more memory than it needs."""

import ctypes
import resource
import sys

_LIBC = ctypes.CDLL(None)
_PR_SET_DUMPABLE = 4  # prctl(2)
_M_MMAP_THRESHOLD = -3  # mallopt(3)
_M_ARENA_MAX = -8


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
    """Give back what loading has freed."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
