"""A small office to fold observations into, and a hand to write them."""

from datetime import UTC, datetime, timedelta

from models.contract.observations import KIND_OF, Envelope, Observation, Reading, Ticket
from models.site import Site, parse
from models.state.office import Office

SITE = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"

[[services]]
id = "tax"
name = { en = "Tax" }
counters = ["c1", "c2"]
[[services]]
id = "moving"
name = { en = "Moving" }
counters = ["c2"]
[[services]]
id = "hall"
name = { en = "Hall" }
counters = ["c3"]
dates = ["2026-11-26"]

[[counters]]
id = "c1"
open = [
  { days = "mon-fri", from = "08:30", to = "11:30" },
  { days = "mon-fri", from = "12:30", to = "17:15" },
]
[[counters]]
id = "c2"
[[counters]]
id = "c3"

[[zones]]
id = "lobby"
capacity = 60
services = ["tax"]

[[lots]]
id = "front"
capacity = 40
few = 5
accessible = 2
[[gates]]
id = "front-in"
lot = "front"

[[buttons]]
id = "busy"
short = { level = 3, services = ["moving"] }
long = { toggle = "c2" }
""")

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
"""Ten o'clock in Tokyo on a Tuesday."""


def after(seconds: float) -> datetime:
    """So long after ten."""
    return TEN + timedelta(seconds=seconds)


class Hand:
    """Folds readings into an office as if the hub had just received them."""

    def __init__(self, office: Office | None = None, site: Site = SITE) -> None:
        self.office = office or Office(site)
        self._seq = 0

    def see(
        self,
        name: str,
        reading: Reading,
        at: datetime = TEN,
        *,
        device: str = "desk",
        received_at: datetime | None = None,
    ) -> None:
        """One observation."""
        self._seq += 1
        observation = Observation(
            site="minami",
            device=device,
            kind=KIND_OF[type(reading)],
            name=name,
            envelope=Envelope(stream="s", seq=self._seq, boot="b", up_ms=0, at=at),
            reading=reading,
        )
        self.office.fold(observation, at.timestamp(), (received_at or at).timestamp())

    def issue(self, number: str, at: datetime = TEN, service: str = "tax") -> None:
        """A ticket is drawn."""
        self.see(service, Ticket(number=number, event="issued"), at)

    def call(self, number: str, counter: str | None, at: datetime, service: str = "tax") -> None:
        """A ticket is called."""
        self.see(service, Ticket(number=number, event="called", counter=counter), at)

    def serve(self, number: str, at: datetime, service: str = "tax") -> None:
        """A ticket has been served."""
        self.see(service, Ticket(number=number, event="served"), at)
