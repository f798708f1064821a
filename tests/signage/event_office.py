"""An office with an event (申請イベント会場) whose whole equipment is one button on a battery."""

from datetime import UTC, datetime, timedelta

from models.contract.observations import Press, SetLevel
from models.site import Site, parse
from models.state.office import Office
from tests.models.offices import Hand
from tests.signage.office import HandClock, Hub

TEXT = """
[site]
id = "minami"
name = { ja = "南区役所", en = "Minami Ward Office" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
languages = ["ja", "en"]

[[services]]
id = "certificates"
name = { ja = "住民票・証明", en = "Certificates" }
counters = ["c1"]

[[services]]
id = "tax-hall"
name = { ja = "確定申告 申請会場", en = "Tax return hall" }
counters = ["h1"]
dates = ["2027-02-16/2027-02-26"]
hours = [{ days = "tue-sat", open = "09:00", close = "16:00" }]
place = { ja = "みなと野市民ホール", en = "Minatono Civic Hall" }
address = { ja = "南区中央 1-2-3 2階", en = "1-2-3 Chuo, Minami, 2nd floor" }
map = "https://map.example.jp/hall"

[[counters]]
id = "c1"
[[counters]]
id = "h1"

[[buttons]]
id = "hall"
short = { next = "h1" }
double = { level = 3, services = ["tax-hall"] }

[[devices]]
id = "hall-button"
"""
SITE = parse(TEXT)


def tokyo(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of 2027 in Tokyo."""
    return datetime(2027, month, day, hour, minute, tzinfo=SITE.zone_info).astimezone(UTC)


class Event:
    """A hub that believes what is pressed, and says it to a mirror."""

    def __init__(self, site: Site = SITE) -> None:
        self.clock = HandClock(tokyo(2, 1, 10))
        self.hub = Hub(site, self.clock)
        self.hub.ready()
        self.hand = Hand(Office(site), site)

    def at(self, now: datetime) -> None:
        """It is now so late, and the hub says what it believes."""
        self.clock.at = now
        self.say()

    def say(self) -> None:
        """All that the hub believes, also of what is not of today."""
        for key, result in self.hand.office.results(self.clock.now()).items():
            self.hub.say(key, result)

    def pressed(self, minutes: float, every: float = 6.0) -> None:
        """The next one is called every few minutes."""
        end = self.clock.at + timedelta(minutes=minutes)
        while self.clock.at < end:
            self.hand.see("hall", Press(gesture="short"), self.clock.at, device="hall-button")
            self.clock.at += timedelta(minutes=every)
        self.hand.see("hall", Press(gesture="short"), self.clock.at, device="hall-button")
        self.say()

    def busy(self) -> None:
        """The clerk says that it is busy, by the button."""
        self.hand.see("hall", Press(gesture="double"), self.clock.at, device="hall-button")
        self.say()

    def by_phone(self, level: int) -> None:
        """The clerk says so on the staff's page."""
        self.hand.see("tax-hall", SetLevel(level=level), self.clock.at, device="web")
        self.say()
