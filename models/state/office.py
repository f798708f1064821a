"""The office as a fold over observations. Pure: it gets every moment, and gives values."""

from datetime import datetime

from models.contract.observations import Observation
from models.contract.results import Call, Result, Spread
from models.site import Site
from models.state.accuracy import Came
from models.state.folding import Folding
from models.state.forecasts import forecasts_of
from models.state.house import House
from models.state.memory import Memory, dumped, fitted, loaded
from models.state.results import results_of
from models.state.setback import STEP_S, forget_after
from models.state.view import View


class Office:
    """What the hub believes.

    Args:
        site: the office's site file.
        assume_alive: a log is replayed: until its first beat silence means that nothing happened.
    """

    def __init__(self, site: Site, *, assume_alive: bool = False) -> None:
        self._house = House(site)
        self._folding = Folding(fitted(Memory(), self._house), self._house)
        self._assume_alive = assume_alive
        self._seen: View | None = None

    @property
    def site(self) -> Site:
        """The site file."""
        return self._house.site

    @property
    def unknown(self) -> dict[str, int]:
        """How often something came of which the site file knows nothing, by kind/name."""
        return dict(self._folding.memory.unknown)

    def fold(self, observation: Observation, at_s: float, received_s: float) -> None:
        """Take in one observation.

        Args:
            observation: what was seen.
            at_s: when, in seconds since 1970; what is later than `received_s` counts as then.
            received_s: when the hub got it.
        """
        self._seen = None
        if observation.kind == "beat":
            self._assume_alive = False
        self._folding.apply(observation, at_s, received_s)

    def results(self, now: datetime) -> dict[str, Result]:
        """All that can be said now, by the topic below `hub/`: "service/tax", "lot/front", "calls".

        Everything that the site file declares has a result; a notice only while it holds, and a
        line ("line/tax") only while it is known who waits with a ticket.
        """
        return results_of(self._view(now))

    def forecasts(self, now: datetime) -> dict[str, Result]:
        """What can be said of the coming hours and days, by the topic below `hub/`.

        It costs as much as a hundred estimates: ask every few minutes, not at each observation.
        """
        return forecasts_of(self._view(now))

    def new_calls(self) -> list[Call]:
        """Calls to be called out, since this was last asked; calls that came late are not."""
        clerks = self._folding.clerks
        calls, clerks.calls = clerks.calls, []
        return calls

    def new_came(self) -> list[tuple[str, Came]]:
        """Told waits that came true since this was last asked, each with its service.

        Folded again, the same observations make the same ones true.
        """
        came = list(self._folding.came)
        self._folding.came.clear()
        return came

    def next_change(self, now: datetime) -> datetime | None:
        """When results change next though nothing happens: something ages, opens or closes."""
        return min((r.valid_until for r in self.results(now).values()), default=None)

    def wait(self, service: str, now: datetime, *, counted: bool = False) -> Spread | None:
        """How long somebody waits who comes now, None if nobody knows.

        Args:
            service: for what.
            now: when they come.
            counted: whether they already stand in the newest `queue` observation.
        """
        return self._view(now).wait(service, counted=counted)[0]

    def remaining(
        self,
        service: str,
        ticket: str,
        now: datetime,
        before: tuple[Spread, datetime] | None = None,
    ) -> Spread | None:
        """How much longer a ticket waits, None if it does not wait or nobody knows.

        Args:
            service: for what.
            ticket: its number.
            now: when it is asked.
            before: what its holder was told last, and when: not more than 5 min a minute is taken
                off that.
        """
        return self._view(now).remaining(service, ticket, before)

    def cars(
        self, lot: str, now: datetime, ahead_s: float = 0.0
    ) -> tuple[float, float, float] | None:
        """Parked cars at 10, 50 and 90 %, now or so much later; None if nobody knows."""
        return self._view(now).cars(lot, ahead_s)

    def people(
        self, service: str, now: datetime, ahead_s: float
    ) -> tuple[float, float, float] | None:
        """People who wait in the hour around then, at 10, 50 and 90 %; None if nobody knows."""
        return self._view(now).people(service, ahead_s)

    def basis(self, service: str, now: datetime) -> str:
        """What `wait` rests on now."""
        return self._view(now).wait(service)[1]

    def dump(self) -> bytes:
        """All that must survive a restart, what was learnt included."""
        return dumped(self._folding.memory)

    @classmethod
    def load(cls, site: Site, data: bytes, *, assume_alive: bool = False) -> "Office":
        """Go on from a dump; with a changed site file from as much of it as still fits.

        Raises:
            BadPayload: not a dump.
        """
        office = cls(site, assume_alive=assume_alive)
        memory = fitted(loaded(data), office._house)
        office._folding = Folding(memory, office._house)
        return office

    def _view(self, now: datetime) -> View:
        """The office at that moment; asked again it is the same until something is folded."""
        if self._seen is None or self._seen.now != now:
            self._seen = self._viewed(now)
        return self._seen

    def _viewed(self, now: datetime) -> View:
        memory, plan = self._folding.memory, self._house.plans.at(now.timestamp())
        is_new_day = plan.start_s > memory.day_s  # on which nothing was heard yet
        is_set_back = now.timestamp() < memory.now_s - STEP_S
        if is_new_day or is_set_back:
            memory = fitted(loaded(dumped(memory)), self._house)
        if is_new_day:
            memory.begin_day(plan, self._house)
        if is_set_back:
            forget_after(memory, now.timestamp())
        return View(memory, self._house, now, assume_alive=self._assume_alive)
