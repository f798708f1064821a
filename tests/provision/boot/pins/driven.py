"""Pins of a machine that has none, as gpiozero's mock, moved by who writes into a fifo.

A line `17 3` is three closings of pin 17, each with its bounces.
"""

import os
import threading
import time
from pathlib import Path

from gpiozero.pins.mock import MockFactory

FIFO = "pins"
BOUNCE_S = 0.002
CLOSED_S = 0.3


class DrivenFactory(MockFactory):  # type: ignore[misc]
    """gpiozero finds it by GPIOZERO_PIN_FACTORY=driven."""

    def __init__(self) -> None:
        super().__init__()
        fifo = Path(os.environ["RUNTIME_DIRECTORY"]) / FIFO
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        threading.Thread(target=self._obey, args=(fifo,), name="driven", daemon=True).start()

    def _obey(self, fifo: Path) -> None:
        while True:
            for line in fifo.read_text().splitlines():  # it lasts until somebody has written
                number, times = line.split()
                for _ in range(int(times)):
                    self._close(int(number))

    def _close(self, number: int) -> None:
        pin = self.pin(number)
        for step in ("drive_low", "drive_high", "drive_low"):
            getattr(pin, step)()
            time.sleep(BOUNCE_S)
        time.sleep(CLOSED_S)
        pin.drive_high()
        time.sleep(CLOSED_S)
