"""A process of an office: signals, systemd, logging, and how it ends."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from models.errors import MachiaiError, Missing

logger = logging.getLogger("machiai")

HEARD, CONNECTED = "heard by the hub", "connected to"
"""What `systemctl status` tells of a process, and what machiai-update waits for."""


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run a process until it ends, or until SIGTERM or SIGINT; returns its exit code."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname).1s %(name)s: %(message)s"
    )
    errors: list[MachiaiError] = []
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signal(main))
    except* MachiaiError as group:
        errors = _leaves(group)
    for line in dict.fromkeys(str(error) for error in errors):
        print(f"machiai: {line}", file=sys.stderr)  # noqa: T201  what the person at the shell reads
    return errors[0].exit_code if errors else 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Make loops by uvloop where it is installed (hub, web, display), else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  a device does without
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _until_signal(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.ensure_future(main())
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        notify("STOPPING=1")
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise


async def until_cancelled(goodbye: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait in the body of a TaskGroup; at the end part well, while its tasks still run."""
    try:
        await asyncio.Event().wait()
    finally:
        await goodbye()


def _leaves(group: BaseExceptionGroup[MachiaiError]) -> list[MachiaiError]:
    leaves: list[MachiaiError] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def notify(state: str) -> None:
    """Tell systemd, if it started us. Source: sd_notify(3)."""
    where = os.environ.get("NOTIFY_SOCKET")
    if not where:
        return
    address = "\0" + where[1:] if where.startswith("@") else where
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(address)
            sock.sendall(state.encode())
        except OSError as error:
            logger.warning("want to tell systemd %s, got: %s", state, error)


def say(line: str) -> None:
    """Tell systemd how it is, in a line."""
    notify(f"STATUS={line}")


async def watchdog() -> None:
    """Tell systemd that the loop turns, twice as often as it wants to hear it."""
    period_us = os.environ.get("WATCHDOG_USEC")
    if not period_us:
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(period_us) / 2_000_000)


def secret_file(path: str) -> str:
    """Where a secret that the site file names can be read.

    It is root's; systemd hands it over by the name of its file (`LoadCredential=`).
    """
    handed = os.environ.get("CREDENTIALS_DIRECTORY")
    own = Path(handed) / Path(path).name if handed else Path(path)
    return str(own) if own.exists() else path


def secret(path: str) -> str:
    """What a file holds that the site file names for a secret, and nothing more. Blocks.

    Raises:
        Missing: it cannot be read.
    """
    try:
        return Path(secret_file(path)).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Missing(f"want a secret, got: {error.strerror} - {path}") from None
    except UnicodeDecodeError:
        raise Missing(f"want a secret, got no text - {path}") from None


def state_folder(role: str, given: str | None) -> Path:
    """Where a process keeps what must survive it: as told, systemd's, or `var/` here."""
    if given:
        return Path(given)
    systemd = os.environ.get("STATE_DIRECTORY")
    return Path(systemd) if systemd else Path("var") / role
