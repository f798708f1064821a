"""A day at a display, with a real browser: does anything grow, and is anything shown too long?"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from playwright.sync_api import Browser, CDPSession, Page

from broker.clock import Clock
from tests.browsing import Watched
from tests.conftest import Mosquitto
from tests.display.real import Office, open_office
from tests.signage.office import EXAMPLE

KIB = 1024
LATE_MS = 500
"""Of true time: so late a browser's timer may be before a value counts as shown past its end."""

_WATCH = """([shown_ms, real_ms, speed, late_ms]) => {
  const found = (window.soak = { late: [], most_ms: 0, looks: 0, values: 0, ended: 0, swaps: 0 });
  const ends = ["open", "paused"].map((state) => `[data-state="${state}"][data-until]`).join();
  const isRead = (value) => value.checkVisibility() && value.innerText.trim();
  setInterval(() => {
    found.looks += 1;
    const now = shown_ms + (Date.now() - real_ms) * speed;
    for (const item of document.querySelectorAll(ends)) {
      const [value] = [...item.querySelectorAll("[data-value]")].filter(isRead);
      const past_ms = (now - Number(item.dataset.until)) / speed;
      found.values += value ? 1 : 0;
      found.ended += past_ms > 0 ? 1 : 0;
      if (!value || past_ms <= 0) continue;
      found.most_ms = Math.max(found.most_ms, past_ms);
      if (past_ms < late_ms || found.late.length > 20) continue;
      found.late.push(`${item.id || item.className}: ${value.innerText} ${Math.round(past_ms)} ms`);
    }
  }, 50);
  const swapped = new MutationObserver(() => (found.swaps += 1));
  swapped.observe(document.getElementById("live"), { childList: true });
}"""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one moment, in bytes and counts."""

    hour: float
    server: int
    hub: int
    heap: int
    nodes: int
    listeners: int


class Soaked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found."""

    hours: float
    true_s: float
    samples: tuple[Sample, ...]
    looks: int
    values: int
    ended: int
    late: tuple[str, ...]
    latest_ms: float
    errors: tuple[str, ...]
    alerts: tuple[str, ...]
    alarmed: int  # samples at which one stood
    swaps: int

    def slope(self, of: str) -> float:
        """How much something grows in an hour of the office's, after a first fifth to warm up.

        The median of all slopes between two samples (Theil, Sen): one that is off moves nothing.
        """
        rest = self.samples[len(self.samples) // 5 :]
        slopes = [
            (getattr(later, of) - getattr(one, of)) / (later.hour - one.hour)
            for i, one in enumerate(rest)
            for later in rest[i + 1 :]
        ]
        return float(median(slopes))


class _Glass:
    """The page as the browser measures it."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable")
        self._cdp.send("HeapProfiler.enable")

    def metrics(self) -> Mapping[str, float]:
        self._cdp.send("HeapProfiler.collectGarbage")
        found = self._cdp.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}


def _rss(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = [line for line in text.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * KIB


def soak(
    broker: Mosquitto, folder: Path, browser: Browser, clock: Clock, *, hours: float, samples: int
) -> Soaked:
    """Run the example office, made up as in the demo, and look at its display for so many hours."""
    with open_office(broker, folder, clock, site_file=EXAMPLE, display="lobby-1") as office:
        devices = office.process(
            *("edge", str(EXAMPLE), "--device", "all", "--simulate", "1"),
            *("--state", str(folder / "edge")),
        )
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
        try:
            return _looked_at(office, page, clock, hours, samples)
        finally:
            page.close()
            devices.end()


def _looked_at(office: Office, page: Page, clock: Clock, hours: float, samples: int) -> Soaked:
    watched = Watched(page)
    alerts: set[str] = set()
    alarmed = 0
    watched.open(office.url)
    began, started_s = clock.now(), clock.monotonic()
    page.evaluate(_WATCH, [_ms(began), page.evaluate("Date.now()"), clock.speed, LATE_MS])
    glass = _Glass(page)
    taken: list[Sample] = []
    while len(taken) < samples:
        page.wait_for_timeout(hours * 3600e3 / samples / clock.speed)
        hour = (clock.now() - began).total_seconds() / 3600
        taken.append(_sample(office, glass, hour))
        standing = set(_alerts(office))
        alerts |= standing
        alarmed += bool(standing)
    found: dict[str, Any] = page.evaluate("window.soak")
    return Soaked(
        hours=taken[-1].hour,
        true_s=(clock.monotonic() - started_s) / clock.speed,
        samples=tuple(taken),
        looks=found["looks"],
        values=found["values"],
        ended=found["ended"],
        late=tuple(found["late"]),
        latest_ms=found["most_ms"],
        errors=tuple(watched.errors),
        alerts=tuple(sorted(alerts)),
        alarmed=alarmed,
        swaps=found["swaps"],
    )


def _sample(office: Office, glass: _Glass, hour: float) -> Sample:
    metrics = glass.metrics()
    return Sample(
        hour=hour,
        server=_rss(office.processes["display"].pid),
        hub=_rss(office.processes["hub"].pid),
        heap=int(metrics["JSHeapUsedSize"]),
        nodes=int(metrics["Nodes"]),
        listeners=int(metrics["JSEventListeners"]),
    )


def _alerts(office: Office) -> Iterator[str]:
    """What the hub tells staff of the screen now."""
    for key, told in list(office.told.retained.items()):
        if key.startswith("hub/alert/") and told["what"] == "screen":
            yield str(told["why"])


def _ms(at: datetime) -> float:
    return at.timestamp() * 1000
