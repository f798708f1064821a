"""The agent of one device on mock pins, which are driven as `in` or `out` comes on standard input.

Run by test_kill.py: `python pulse_agent.py SITE.toml DEVICE STATE`. All but the pins is real.
"""

import sys
import threading
import time
from pathlib import Path

from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from broker import service
from broker.clock import Clock
from broker.session import address_of
from edge.agent import run_all
from edge.sensors import sensors_of
from models.site import parse

BOUNCE_S = 0.002
PASS_S = 0.06


def drive(factory: MockFactory, pins: list[int]) -> None:
    """A car meets the loops in this order and leaves them in the same; every contact bounces."""
    for level in ("drive_low", "drive_high"):
        for number in pins:
            pin = factory.pin(number)
            for step in (level, "drive_high" if level == "drive_low" else "drive_low", level):
                getattr(pin, step)()
                time.sleep(BOUNCE_S)
            time.sleep(PASS_S)


def obey(factory: MockFactory, pins: list[int]) -> None:
    for line in sys.stdin:
        drive(factory, pins if line.strip() == "in" else pins[::-1])


def main() -> int:
    site_path, device_id, state = sys.argv[1:]
    site = parse(Path(site_path).read_text(encoding="utf-8"))
    device = site.device(device_id)
    factory = Device.pin_factory = MockFactory()
    pins: list[int] = device.sensors[0]["pins"]
    threading.Thread(target=obey, args=(factory, pins), daemon=True).start()
    made = [(device, sensors_of(site, device))]
    return service.run(
        lambda: run_all(
            site, made, clock=Clock(), address=address_of(site.broker), folder=Path(state)
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
