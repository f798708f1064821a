"""Many readers of a stream in one process: `python -m bench.web.readers PORT COUNT`.

It says `ready` when all are connected. Then for each line `N` of its standard input it waits until
every reader has got the snapshot with N people in the lobby, and writes when: `perf_counter`, which
is CLOCK_MONOTONIC and so the same in all processes.
"""

import json
import select
import socket
import sys
import time

from bench.web.office import STREAM

_TAIL = 32  # bytes of a chunk that are looked at again with the next one
_LONGEST_S = 20.0


class Readers:
    """Connections, and how far each has got."""

    def __init__(self, port: int, count: int) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._tails: dict[int, bytes] = {}
        self._buffer = bytearray(1 << 16)
        request = f"GET {STREAM} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        for _ in range(count):
            made = socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S)
            made.sendall(request)
            made.setblocking(False)
            self._sockets[made.fileno()] = made
            self._tails[made.fileno()] = b""
            self._epoll.register(made.fileno(), select.EPOLLIN)

    def wait(self, marker: bytes) -> list[float]:
        """Read until all have got it; when each did, of those that did in time."""
        waiting = set(self._sockets)
        times: list[float] = []
        end_s = time.perf_counter() + _LONGEST_S
        while waiting and time.perf_counter() < end_s:
            for number, _ in self._epoll.poll(1.0, 512):
                size = self._sockets[number].recv_into(self._buffer)
                if not size:
                    self._epoll.unregister(number)
                    continue
                if self._has(marker, number, size) and number in waiting:
                    times.append(time.perf_counter())
                    waiting.discard(number)
                self._tails[number] = bytes(self._buffer[max(0, size - _TAIL) : size])
        return times

    def _has(self, marker: bytes, number: int, size: int) -> bool:
        found = self._buffer.find(marker, 0, size) >= 0
        return found or marker in self._tails[number] + bytes(self._buffer[:_TAIL])


def main() -> None:
    """Serve the bench."""
    readers = Readers(int(sys.argv[1]), int(sys.argv[2]))
    readers.wait(b"event: ping")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        times = readers.wait(b'"people":%d,' % int(line))
        sys.stdout.write(json.dumps(times) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
