"""A browser as a process: files 3 and 4, a group of its own, and how it ends."""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Mapping

_ABOVE = 10  # 3 and 4 must be free in the child when they are made


class Process:
    """One running program with two pipes. `on_end` is called in the loop."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], on_end: Callable[[], None]
    ) -> None:
        """Start it; call it in a running loop.

        Raises:
            OSError: there is no such program.
        """
        child_reads, self.writing = _pipe()
        self.reading, child_writes = _pipe()
        try:
            self.pid = os.posix_spawn(
                command[0],
                command,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, child_reads, 3),
                    (os.POSIX_SPAWN_DUP2, child_writes, 4),
                ],
                setpgroup=0,
            )
        except OSError:
            os.close(self.reading)
            os.close(self.writing)
            raise
        finally:
            os.close(child_reads)
            os.close(child_writes)
        self.gone = asyncio.Event()
        self._on_end = on_end
        self._handle = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._handle, self._ended)

    async def end(self, patience_s: float) -> None:
        """Wait so long for it to end by itself, then end it and all that it started."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.gone.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.gone.wait()

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.gone.set()
        self._on_end()


def _pipe() -> tuple[int, int]:
    """Reading and writing end, both above the numbers that the child wants."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
