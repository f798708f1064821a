"""An office whose results are put into a mirror as the hub would publish them."""

import asyncio
import math
import tempfile
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

from broker.clock import Clock
from models.contract import codec, topics
from models.contract.results import (
    AccessibleResult,
    BestTime,
    Call,
    CallsResult,
    Free,
    HalfHour,
    LineResult,
    LineTicket,
    LotResult,
    Message,
    NoticeResult,
    People,
    ServiceForecast,
    ServiceResult,
    ServiceStep,
    Spread,
    State,
    ZoneResult,
)
from models.site import Site
from signage.display.server import display_app, parts_of
from signage.display.station import Part, Station
from signage.mirror import Mirror
from signage.web import web_app

EXAMPLE = Path(__file__).resolve().parents[2] / "ansible" / "sites" / "example.toml"
NOON = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)
"""Tuesday 10:32 in Tokyo."""
TUESDAY = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)
SATURDAY = 5


class HandClock(Clock):
    """A clock that a test moves by hand; browsers are told that it runs at `speed`."""

    def __init__(self, now: datetime = NOON, speed: float = 1.0) -> None:
        super().__init__(shown=now, speed=speed)
        self.at = now
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


class Hub:
    """Says to a mirror what the hub would, in the same bytes."""

    def __init__(self, site: Site, clock: HandClock) -> None:
        self.site = site
        self.clock = clock
        self.mirror = Mirror(site, clock)
        self.listed: tuple[str, ...] = ()

    def ready(self) -> None:
        self.mirror.connection(True)
        self.say("state", State(state="ready", at=self.clock.now()))

    def say(self, kind: str, message: Message | None) -> None:
        topic = topics.result(self.site.id, kind)
        self.mirror.apply(topic, b"" if message is None else codec.encode(message), retain=False)

    def times(self, age_s: float = 0.0, valid_s: float = 90.0) -> dict[str, Any]:
        """Observed `age_s` ago, valid for `valid_s` from then."""
        seen = self.clock.now() - timedelta(seconds=age_s)
        return {"at": seen, "observed_at": seen, "valid_until": seen + timedelta(seconds=valid_s)}

    def service(self, name: str, level: int, waiting: int, wait_min: tuple[float, ...]) -> None:
        p10, p50, p90 = (60.0 * m for m in wait_min)
        self.say(
            f"service/{name}",
            ServiceResult(
                **self.times(),
                state="open",
                level=level,
                waiting=waiting,
                called="A102",
                counters_open=2,
                wait=Spread(p10_s=p10, p50_s=p50, p90_s=p90),
                basis="tickets",
            ),
        )

    def call(self, *numbers: str, service: str = "moving", counter: str = "c3") -> None:
        """The list of calls as it stands, newest first; what it did not have is called now."""
        calls = tuple(
            Call(number=n, service=service, counter=counter, at=self.clock.now()) for n in numbers
        )
        recent = tuple(call for call in calls if self.listed and call.number not in self.listed)
        self.listed = numbers
        self.say("calls", CallsResult(**self.times(valid_s=600), calls=calls, recent=recent))

    def line(
        self, service: str, *numbers: str, minutes: float = 4.0, valid_s: float = 90.0
    ) -> None:
        """Tickets that wait for a service: so many minutes for each that is ahead."""
        tickets = tuple(
            LineTicket(number=number, ahead=n, wait=_minutes(0.8 * n, 1.0 * n, 1.3 * n, minutes))
            for n, number in enumerate(numbers)
        )
        self.say(f"line/{service}", LineResult(**self.times(valid_s=valid_s), tickets=tickets))

    def busy(self) -> None:
        """A morning on which each level is somewhere."""
        self.ready()
        self.service("certificates", 1, 2, (2, 4, 6))
        self.service("moving", 2, 8, (14, 19, 27))
        self.service("insurance", 3, 15, (22, 35, 52))
        self.service("mynumber", 4, 31, (70, 95, 120))
        self.service("tax-return", 2, 12, (10, 22, 38))
        self.say(
            "lot/front",
            LotResult(
                **self.times(),
                state="open",
                vacancy="vacant",
                free=Free(p10=10, p50=12, p90=14),
                capacity=40,
                accessible=AccessibleResult(
                    vacancy="few", free=Free(p10=1, p50=1, p90=1), capacity=2
                ),
                basis="gates",
            ),
        )
        self.say(
            "zone/lobby",
            ZoneResult(**self.times(), state="open", people=42, capacity=60, level=3, over=False),
        )
        self.call("A123", "A122", "B045", "C007")
        for most, service in enumerate(self.site.services):
            self.forecast(service.id, 2.0 + 6 * most)

    def forecast(self, service: str, most: float) -> None:
        """A morning busier than usual, and a quiet hour from 15:00."""
        opens, now = self.clock.at.replace(hour=23, minute=30) - DAY, self.clock.now()
        usual = [most * abs(math.sin(i / 2.5)) for i in range(17)]
        halves = [(opens + i * HALF_HOUR, value) for i, value in enumerate(usual)]
        today = tuple(
            HalfHour(at=at, usual=value, came=1.3 * value if at <= now else None)
            for at, value in halves
        )
        coming = [(at, People(p10=v / 2, p50=v, p90=1.5 * v)) for at, v in halves if at > now]
        best = BestTime(
            since=NOON.replace(hour=6, minute=0),
            until=NOON.replace(hour=7, minute=0),
            waiting=People(p10=0, p50=1, p90=3),
        )
        later = [
            (at + day * DAY, who)
            for day in range(1, 15)
            for at, who in coming
            if (at + day * DAY).weekday() < SATURDAY
        ]
        steps = tuple(
            ServiceStep(at=at, waiting=who, wait=_wait(who)) for at, who in [*coming, *later]
        )
        self.say(
            f"forecast/service/{service}",
            ServiceForecast(**self.times(valid_s=1800), steps=steps, best=best, today=today),
        )

    def full(self) -> None:
        """More people in the lobby than may be."""
        self.busy()
        self.say(
            "zone/lobby",
            ZoneResult(**self.times(), state="open", people=63, capacity=60, level=4, over=True),
        )

    def crowded(self) -> None:
        """The longest numbers that a table must hold."""
        self.busy()
        for service in self.site.services:
            self.service(service.id, 1, 128, (31, 55, 110))
        self.service("moving", 4, 999, (121, 150, 300))
        self.call("A1234", "B2345", "C3456", "D4567")

    def ageing(self) -> None:
        """Busy as ever, but the newest was seen a good while ago."""
        self.busy()
        self.clock.move(70)

    def stale(self) -> None:
        """What was seen has run out, and the hub has gone."""
        self.busy()
        self.clock.move(660)
        self.say("state", State(state="lost"))

    def closed(self) -> None:
        """A holiday: open again on Tuesday."""
        self.clock.at = TUESDAY - timedelta(days=1, hours=-3)
        self.ready()
        until: dict[str, Any] = {
            "at": self.clock.now(),
            "valid_until": TUESDAY,
            "opens_at": TUESDAY,
        }
        for service in self.site.services:
            self.say(f"service/{service.id}", ServiceResult(**until, state="closed"))
        self.say("lot/front", LotResult(**until, state="closed", capacity=40))
        until.pop("opens_at")
        self.say("zone/lobby", ZoneResult(**until, state="closed", capacity=60))

    def no_data(self) -> None:
        """The hub is there, but no sensor has ever said anything."""
        self.ready()
        until: dict[str, Any] = {
            "at": self.clock.now(),
            "valid_until": NOON + timedelta(hours=6),
        }
        for service in self.site.services:
            self.say(f"service/{service.id}", ServiceResult(**until, state="no_data"))
        self.say("lot/front", LotResult(**until, state="no_data", capacity=40))
        self.say("zone/lobby", ZoneResult(**until, state="no_data", capacity=60))

    def paused(self) -> None:
        """Two counters rest over noon; the car park is full; there are two notices."""
        self.busy()
        back = self.clock.now() + timedelta(minutes=73)
        for name in ("insurance", "mynumber"):
            paused = ServiceResult(**self.times(valid_s=7200), state="paused", opens_at=back)
            self.say(f"service/{name}", paused)
        full = Free(p10=0, p50=0, p90=1)
        lot = LotResult(**self.times(), state="open", vacancy="full", free=full, capacity=40)
        self.say("lot/front", lot)
        self.notice("hall", "info", "12月1日から、確定申告の相談は3階の大会議室で受け付けます。")
        water = "本日14時から断水します。1階のお手洗いは使えません。" * 4
        self.notice("water", "warning", water)

    def hub_gone(self) -> None:
        """A busy morning whose hub has just been lost: what it said holds to its end."""
        self.busy()
        self.say("state", State(state="lost"))

    def emergency(self) -> None:
        """The building is to be left."""
        self.busy()
        texts = {
            "ja": "地震が発生しました。係員の指示に従い、落ち着いて屋外へ避難してください。",
            "en": "An earthquake has struck. Follow the staff and leave the building calmly.",
        }
        quake = NoticeResult(**self.times(valid_s=7200), severity="emergency", texts=texts)
        self.say("notice/quake", quake)

    def notice(self, name: str, severity: Literal["info", "warning"], ja: str) -> None:
        """An announcement of two hours."""
        texts = {"ja": ja, "en": "The water is cut from 14:00 today. " * (len(ja) // 24)}
        notice = NoticeResult(**self.times(valid_s=7200), severity=severity, texts=texts)
        self.say(f"notice/{name}", notice)


def _minutes(p10: float, p50: float, p90: float, each: float) -> Spread:
    return Spread(p10_s=60 * each * p10, p50_s=60 * each * p50, p90_s=60 * each * p90)


def _wait(people: People) -> Spread:
    """Four minutes for each of them."""
    return Spread(p10_s=240 * people.p10, p50_s=240 * people.p50, p90_s=240 * people.p90)


def station_of(hub: Hub, folder: Path, display: str | None = None, **places: Any) -> Station:  # noqa: ANN401  Station's
    """A display of the site, the first if none is named, that hears this hub."""
    shown = hub.site.display(display or hub.site.displays[0].id)
    return Station(hub.site, shown, hub.mirror, folder, **places)


class Served:
    """Both processes' pages over HTTP, in a loop of their own as browsers are in theirs."""

    def __init__(self, hub: Hub, *, demo: bool = False, **places: Any) -> None:  # noqa: ANN401  Station's
        self.hub = hub
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="served")
        self._thread.start()
        self.web = web_app(hub.site, hub.mirror, hub.clock, demo=demo)
        self._runners: list[web.AppRunner] = []
        self._folder = tempfile.TemporaryDirectory(prefix="machiai-display-")
        self._steps: list[Future[None]] = []
        self.parts: list[Part] = []
        self.station = station_of(hub, Path(self._folder.name), **places)
        self.base = self._start(self.web)
        self.lobby = self._lobby()
        self.display = self._start(self.lobby)

    def start_again(self) -> None:
        """Start both processes once more, where they were."""
        for app, base in (
            (web_app(self.hub.site, self.hub.mirror, self.hub.clock), self.base),
            (self._lobby(), self.display),
        ):
            self._start(app, int(base.rpartition(":")[2]))

    def do(self, step: Callable[[], object]) -> None:
        """Run a step in the server's loop, where the session's callbacks run."""
        done: Future[object] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(step()))
        done.result(10)

    def await_(self, step: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine in the server's loop, to its end."""
        asyncio.run_coroutine_threadsafe(step, self._loop).result(10)

    def stop(self) -> None:
        """End it as SIGTERM would."""
        for step in self._steps:
            step.cancel()
        self._steps.clear()
        for runner in self._runners:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result(10)
        self._runners.clear()

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._folder.cleanup()

    def _lobby(self) -> web.Application:
        self.parts = parts = parts_of(self.station)
        for part in parts:
            for step in part.steps().values():
                self._steps.append(asyncio.run_coroutine_threadsafe(step(), self._loop))
        return display_app(self.station, parts)

    def _start(self, app: web.Application, port: int = 0) -> str:
        async def start() -> str:
            runner = web.AppRunner(app, shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self._runners.append(runner)
            return f"http://127.0.0.1:{runner.addresses[0][1]}"

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)
