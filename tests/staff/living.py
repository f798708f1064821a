"""Staff's pages of an office that answers: what they enter is folded, and told as a hub would."""

from collections.abc import Sequence
from pathlib import Path

from models.contract.observations import KIND_OF, Envelope, Observation, Reading
from models.contract.results import Result
from models.site import Site
from models.state.office import Office
from signage.staff.room import Role
from tests.staff.house import NAMES, PASSWORD, Client, Said, StaffHouse


class Living(StaffHouse):
    """A house whose hub is the real fold; `see` is what a sensor tells it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._seq = 0
        self._told: dict[str, Result] = {}
        super().__init__(site, folder, people=False)
        self.office = Office(self.site)
        self.do(self.hub.ready)
        self.do(self.tell)

    def do(self, step: object) -> None:
        assert callable(step)
        self.served.do(step)

    def see(self, name: str, reading: Reading, device: str = "desk") -> None:
        """One observation, folded and told."""
        self.do(lambda: self._take(name, reading, device))

    def pass_(self, seconds: float) -> None:
        """Time goes by, and the hub tells what has changed by it."""
        self.clock.move(seconds)
        self.do(self.tell)

    def tell(self) -> None:
        results = self.office.results(self.clock.now())
        for key, result in results.items():
            self.hub.say(key, result)
        for key in self._told.keys() - results.keys():
            self.hub.say(key, None)
        self._told = results

    def client(self, role: Role) -> Client:
        """Somebody of this role, who reads English; the same one each time."""
        if role not in self._clients:
            name = next(name for name, its in NAMES.items() if its == role)
            self._clients[role] = self._in(name, role)
        return self._clients[role]

    def _in(self, name: str, role: Role) -> Client:
        self.house.login.accounts.add(name, role, PASSWORD, self.clock.now())
        client = self.stranger()
        assert client.login(name).status == 303
        client.get("/account?lang=en")
        return client

    def _take(self, name: str, reading: Reading, device: str) -> None:
        self._seq += 1
        now_s = self.clock.now().timestamp()
        seen = Observation(
            site=self.site.id,
            device=device,
            kind=KIND_OF[type(reading)],
            name=name,
            envelope=Envelope(stream="s", seq=self._seq, boot="b", up_ms=0, at=self.clock.now()),
            reading=reading,
        )
        self.office.fold(seen, now_s, now_s)
        self.tell()

    async def _observe(self, name: str, reading: Reading) -> None:
        await super()._observe(name, reading)
        self._take(name, reading, "web")


def follow(client: Client, said: Said) -> Said:
    """The page that an act leads to."""
    assert said.status == 303, said.text
    path = said.place.partition("#")[0].removeprefix(f"{client.root}/staff")
    return client.get(path)


HOSTILE: Sequence[str] = (
    *("", " ", "0", "5", "-1", "1e3", "９９９９９９９９９", "true", "null", "../../etc/passwd"),
    *("<script>", "' OR 1=1 --", "moving\n", "\u202egnivom", "\ufeff1", "desk-1", "a" * 5000),
    *("2026-02-30T10:00", "25:61"),
)
"""What nobody may enter anywhere."""
