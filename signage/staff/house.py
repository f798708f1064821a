"""The staff's pages of one office, put together. A new part is one file and one line here."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from models.site import Site, Staff
from signage.mirror import Mirror
from signage.serving import Step
from signage.staff.audit import Audit, AuditPage
from signage.staff.desk import DeskPart
from signage.staff.devices import Devices
from signage.staff.door import Door, Open
from signage.staff.emergencies import Emergencies
from signage.staff.login import Login
from signage.staff.metrics import Metrics
from signage.staff.notices import Notices
from signage.staff.oidc import BACK, WAY, OidcPages
from signage.staff.parking import Parking
from signage.staff.programme import ProgrammePart
from signage.staff.room import Observe, Part, Room
from signage.staff.store import Store

PARTS: dict[str, Callable[[Room], Part]] = {
    "devices": Devices,
    "desk": DeskPart,
    "parking": Parking,
    "notices": Notices,
    "emergency": Emergencies,
    "programme": ProgrammePart,
}
"""In the order of the navigation; the first that somebody may see is where they come in."""


class House:
    """The door, and the parts behind it. Reads and makes files: call it outside a loop."""

    def __init__(
        self,
        site: Site,
        mirror: Mirror,
        folder: Path,
        observe: Observe,
        root: str = "",
    ) -> None:
        """Take where what must outlive the process is kept, and who sends what staff enter.

        Raises:
            Unavailable: there is no place to keep accounts.
            Missing: a secret that the site file names is not there.
        """
        staff = site.staff or Staff()
        self.store = Store(folder)
        self.room = Room(site, mirror, folder, observe, root)
        self.audit = Audit(self.store, staff.audit_days)
        self.parts: dict[str, Part] = {name: made(self.room) for name, made in PARTS.items()}
        self.parts["audit"] = AuditPage(self.room, self.audit)
        self.login = Login(self.room, self.store, staff, self.audit)
        self._door = Door(self.room, self.login, self.audit)
        file = staff.metrics_token_file
        self._metrics = None if file is None else Metrics(self.room, file)
        self._ways: dict[str, Open] = {}
        if staff.oidc is not None:
            city = OidcPages(self.room, self.login, staff.oidc)
            self._ways = {WAY: city.there, BACK: city.back}

    def add_to(self, app: web.Application) -> None:
        """Register all addresses."""
        self._door.add_to(app, self.parts.values(), self._ways)
        if self._metrics is not None:
            self._metrics.add_to(app)

    def steps(self) -> Mapping[str, Step]:
        """What runs as long as the process does."""
        return {
            f"staff {self.room.site.id} {name} {step}": run
            for name, part in self.parts.items()
            for step, run in part.steps().items()
        }

    def close(self) -> None:
        """No more."""
        self.store.close()
