"""How soon a display's page is on the screen: from the browser's start to its first paint.

    python -m bench.kiosk --rounds 9

A real `machiai display` with neither hub nor broker, and the browser as `machiai kiosk` starts it,
with no screen: each time a new one with an empty profile.
"""

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from models.errors import Unavailable
from signage.kiosk.browser import Browser
from signage.kiosk.server import Server

SITE = Path(__file__).resolve().parents[1] / "ansible" / "sites" / "example.toml"
PAINTED = """new Promise((done) => {
  new PerformanceObserver((list, observer) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (!paint) return;
    observer.disconnect();
    const [way] = performance.getEntriesByType("navigation");
    done({ from: performance.timeOrigin, answered: way.responseEnd, painted: paint.startTime });
  }).observe({ type: "paint", buffered: true });
})"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        words = ["display", str(SITE), "--display", "lobby-1", "--port", str(port)]
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "machiai", *words, "--state", folder],
            env={**os.environ, "MACHIAI_BROKER": "mqtt://127.0.0.1:1"},
            stderr=subprocess.DEVNULL,
        ) as display:
            try:
                asyncio.run(measure(port, rounds, began))
            finally:
                display.terminate()


async def measure(port: int, rounds: int, began: float) -> None:
    """Print medians."""
    async with Server(port) as server:
        while not await server.serves_page():
            await asyncio.sleep(0.01)
        print(f"server: {1000 * (time.perf_counter() - began):.0f} ms from its start to the page")
        taken = [await start(server.page("bench")) for _ in range(rounds)]
    for name in taken[0]:
        each = [one[name] for one in taken]
        median, least, most = statistics.median(each), min(each), max(each)
        print(f"{name}: median {median:.0f} ms, {least:.0f} to {most:.0f}")


async def start(url: str) -> dict[str, float]:
    """One browser: milliseconds from its start."""
    browser = Browser(lambda: None, headless=(1920, 1080))
    began_ms = 1000 * time.time()  # noqa: TID251  the browser tells wall time
    try:
        await browser.start(url)
        driven_ms = 1000 * time.time()  # noqa: TID251
        said = await painted(browser)
    finally:
        await browser.end()
    origin_ms = said["from"]
    return {
        "browser asks for the page": origin_ms - began_ms,
        "browser can be driven": driven_ms - began_ms,
        "page answered": origin_ms + said["answered"] - began_ms,
        "first contentful paint": origin_ms + said["painted"] - began_ms,
    }


async def painted(browser: Browser) -> dict[str, Any]:
    """What the page knows of its first paint."""
    while True:
        try:
            return dict(await browser.evaluate(PAINTED))
        except Unavailable:  # it has not begun yet, or goes from the blank page to ours
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    main()
