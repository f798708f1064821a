"""`machiai demo`: a whole office on this machine, each part a process of its own."""

import asyncio
import contextlib
import importlib.util
import os
import re
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import msgspec

from broker.clock import Clock, starting_at
from broker.embedded import Embedded, prepare
from broker.hub.hub import JOURNAL
from broker.past import remember
from broker.session import ENVIRONMENT as BROKER
from models.calendar import Calendar
from models.errors import BadUsage, Unavailable
from models.site import Site

HUB = "hub"  # its folder
_PAST_DAYS = 21
_READY_S = 120.0
_RESTART_S = 1.0
_RESTARTS = 5  # of one part within the time below; then the demo gives up
_RESTARTS_WITHIN_S = 60.0
_STOP_S = 8.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the person at the shell asked for."""

    site_path: Path
    speed: float = 10.0
    seed: int = 1
    port: int | None = None
    for_s: float | None = None
    camera: str | None = None
    day: date | None = None
    start: time = time(10, 0)


class _Part:
    """One child process that is started again when it dies."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], log: Path
    ) -> None:
        self.name = name
        self._command, self._environment, self._log = command, environment, log
        self.process: asyncio.subprocess.Process | None = None

    async def keep(self, say: Callable[[str], None]) -> None:
        """Run it until cancelled.

        Raises:
            Unavailable: it dies again and again; with the last line that it wrote.
        """
        loop = asyncio.get_running_loop()
        deaths: list[float] = []
        try:
            while True:
                with self._log.open("ab") as log:
                    self.process = await asyncio.create_subprocess_exec(
                        *self._command,
                        env=self._environment,
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,  # Ctrl-C is for us; we end our children in order
                    )
                code = await self.process.wait()
                deaths = [d for d in deaths if loop.time() - d < _RESTARTS_WITHIN_S] + [loop.time()]
                if len(deaths) > _RESTARTS or 0 < code < 128:  # noqa: PLR2004  128 and more, below 0: a signal
                    raise Unavailable(f"{self.name} ended with {code}: {await self.last_line()}")
                say(f"{self.name} was killed; starting it again")
                await asyncio.sleep(_RESTART_S)
        finally:
            await self._stop()

    async def last_line(self) -> str:
        """The last thing it said, or the error that a traceback ended with."""
        text = await asyncio.to_thread(self._log.read_text, encoding="utf-8", errors="replace")
        lines = text.strip().splitlines()
        errors = [line for line in lines if re.match(r"[\s|+-]*[\w.]+(Error|Exception): ", line)]
        return (errors or lines or ["it said nothing"])[-1].strip(" |+-")

    async def _stop(self) -> None:
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def run(site: Site, options: Options, say: Callable[[str], None]) -> None:
    """Start everything, say what to open, and keep it running for `for_s` or until cancelled.

    Raises:
        BadUsage, Unavailable: the port is taken, or a part does not start.
    """
    port = _port(options.port, first=8080)
    with tempfile.TemporaryDirectory(prefix="machiai-demo-") as name:
        folder = Path(name)
        embedded = await asyncio.to_thread(prepare, folder / "broker")
        say(f"broker: {embedded.name} on 127.0.0.1:{embedded.port}")
        start = _start(site, options)
        journal = folder / HUB / JOURNAL
        journal.parent.mkdir()
        await asyncio.to_thread(remember, journal, site, start.date(), _PAST_DAYS, options.seed)
        say(f"hub: remembers {_PAST_DAYS} days")
        clock = starting_at(start, options.speed)
        display_port = _port(None if options.port is None else port + 1, first=port + 1)
        parts = _parts(site, options, embedded, clock, folder, ports=(port, display_port))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.keep(say), name=part.name) for part in parts]
            await _wait_until_served(port, display_port)
            say(_welcome(site, options, clock, port, display_port))
            await asyncio.sleep(options.for_s if options.for_s is not None else float("inf"))
            for task in reversed(tasks):
                task.cancel()
        say("the demo is over")


def _parts(
    site: Site,
    options: Options,
    embedded: Embedded,
    clock: Clock,
    folder: Path,
    *,
    ports: tuple[int, int],
) -> list[_Part]:
    environment = {**os.environ, **clock.environment(), BROKER: embedded.url}
    environment["PYTHONUNBUFFERED"] = "1"
    path, seed = str(options.site_path), str(options.seed)
    edge = ["--simulate", seed, *(["--camera", options.camera] if options.camera else [])]
    display = site.displays[0].id if site.displays else None
    commands = {
        "hub": ["hub", path, "--state", str(folder / HUB)],
        "devices": ["edge", path, "--device", "all", "--state", str(folder / "edge"), *edge],
        "web": ["web", path, "--port", str(ports[0]), "--demo", seed],
    }
    if display is not None:
        shown = ["--display", display, "--port", str(ports[1]), "--state", str(folder / "display")]
        content = options.site_path.with_name(f"{options.site_path.stem}-content")
        shown += ["--content", str(content)] if content.is_dir() else []
        commands["display"] = ["display", path, *shown]
    parts = [_Part("broker", embedded.command, dict(os.environ), folder / "broker.log")]
    for name, words in commands.items():
        command = [sys.executable, "-m", "machiai", *words]
        parts.append(_Part(name, command, environment, folder / f"{name}.log"))
    return parts


def _start(site: Site, options: Options) -> datetime:
    """The moment that the demo begins at: a morning on which the office is open."""
    calendar = Calendar(site)
    day = options.day or calendar.day_of(Clock().now())
    if options.day is None:
        opening = calendar.office_opens(datetime.combine(day, time(0), site.zone_info))
        if opening is None:
            raise BadUsage("want a site that is open within a year - at `$.site.hours`")
        day = opening.date()
    return datetime.combine(day, options.start, site.zone_info)


def _port(wanted: int | None, *, first: int) -> int:
    """The port asked for, or else the first free one from `first`."""
    candidates = [wanted] if wanted is not None else range(first, first + 100)
    for port in candidates:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return port
    raise Unavailable(f"want port {candidates[0]} free on 127.0.0.1, it is taken; try --port")


async def _wait_until_served(*ports: int) -> None:
    """Until the pages answer."""
    try:
        async with asyncio.timeout(_READY_S):
            for port in ports:
                while not await asyncio.to_thread(_answers, port):
                    await asyncio.sleep(0.1)
    except TimeoutError:
        raise Unavailable(
            f"want the demo to be served within {_READY_S:.0f} s, it is not"
        ) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _welcome(site: Site, options: Options, clock: Clock, port: int, display_port: int) -> str:
    shown = clock.now().astimezone(site.zone_info)
    name = site.site.name.get("en") or next(iter(site.site.name.values()))
    end = (
        f"It ends by itself after {timedelta(seconds=options.for_s)}."
        if options.for_s is not None
        else "Ctrl-C ends it."
    )
    return (
        f"\n{name}, {shown:%A %d %B %Y %H:%M}, {options.speed:g} times as fast as life. Open:\n\n"
        f"  http://127.0.0.1:{port}/       the page on a resident's phone\n"
        f"  http://127.0.0.1:{display_port}/       the display in the lobby\n"
        f"  http://127.0.0.1:{port}/demo   the truth beside the estimate\n"
        f"  http://127.0.0.1:{port}/api/v1/sites/{site.id}   the feed\n\n{_cameras()}{end}"
    )


def _cameras() -> str:
    """What the cameras of the demo look at, and what a real one needs."""
    if not all(map(importlib.util.find_spec, ("cv2", "onnxruntime"))):
        return "Its cameras are made up: pip install 'machiai[camera]' lets them look.\n"
    return (
        "Its cameras look at drawn scenes and count in them by a tiny network of our own. For real "
        "ones:\n\n  machiai models pull yolox-nano\n\n"
    )
