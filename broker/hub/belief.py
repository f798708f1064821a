"""The office as the journal tells it, and what to do with what cannot be folded."""

import logging
from contextlib import closing

import msgspec

from broker.hub.history.sqlite import Journal, Record
from broker.hub.ingest import Taken
from models.contract.codec import decode_envelope, decode_reading
from models.contract.observations import Observation
from models.contract.results import Call
from models.errors import BadPayload, MachiaiError
from models.site import Site
from models.state.accuracy import Came
from models.state.office import Office

logger = logging.getLogger("machiai.belief")

_STEP = 500  # folded between two copies of the office while it is restored


class Belief:
    """The office: what the journal holds, and in this order what is about to be written to it.

    A fold that fails is our own bug. It must not stop an office, nor leave it changed by half, so
    a copy from before is loaded and what came since folded again.

    Args:
        site: the site file.
        journal: what it is restored from; blocks.
        office: which fold.
    """

    def __init__(self, site: Site, journal: Journal, office: type[Office] = Office) -> None:
        self._site, self._kind = site, office
        self._calls: list[Call] = []
        self._came: list[tuple[str, Came]] = []
        self._copy = b""
        self._since: list[Taken] = []
        self.office = office(site)
        self._restore(journal)

    def begin(self) -> None:
        """All that was folded until now is safe."""
        self._calls += self.office.new_calls()
        self._came += self.office.new_came()
        self._copy = self.office.dump()
        self._since.clear()

    def fold(self, taken: Taken) -> Taken:
        """Fold what is new.

        Returns:
            The same, or if it cannot be folded what to keep instead: it says why.
        """
        try:
            self._apply(taken)
        except Exception as error:  # noqa: BLE001  whatever it is, the office stays open
            self.office = self._kind.load(self._site, self._copy)
            for one in self._since:
                self._apply(one)
            self.begin()  # who sends such again and again shall not keep us busy
            why = f"cannot fold: {type(error).__name__}: {error}"[:500]
            return Taken(msgspec.structs.replace(taken.record, refused=why), None)
        self._since.append(taken)
        return taken

    def new_calls(self) -> list[Call]:
        """Calls to be called out, since this was last asked."""
        calls, self._calls = [*self._calls, *self.office.new_calls()], []
        return calls

    def new_came(self) -> list[tuple[str, Came]]:
        """Told waits that came true since this was last asked, each with its service.

        Kept with the very observations that made them true, they are neither lost nor doubled:
        what is folded again after a restart is not asked for.
        """
        came, self._came = [*self._came, *self.office.new_came()], []
        return came

    def _apply(self, taken: Taken) -> None:
        if taken.observation is not None:
            record = taken.record
            self.office.fold(taken.observation, record.at_ms / 1000, record.received_ms / 1000)

    def _restore(self, journal: Journal) -> None:
        """The last snapshot, and what the journal has behind it."""
        after, snapshot = journal.snapshot() or (0, None)
        if snapshot is not None:
            try:
                self.office = self._kind.load(self._site, snapshot)
            except BadPayload as error:  # of another version: the journal tells it all again
                logger.warning("%s; folding the whole journal", error)
                after = 0
        poison: list[Record] = []
        with closing(journal.records(after)) as records:
            for number, record in enumerate(records):
                if number % _STEP == 0:
                    self.begin()
                    self._calls.clear()  # they were called while nobody listened: not news
                    self._came.clear()
                taken = Taken(record, _observation(self._site.id, record))
                kept = self.fold(taken)
                if kept is not taken:
                    poison.append(kept.record)
        for record in poison:
            logger.error("%s, from %s; it is passed over", record.refused, record.device)
            journal.refuse(record)
        self.new_calls()
        self.new_came()


def _observation(site: str, record: Record) -> Observation | None:
    """The observation of a journal's record; None where there is nothing to fold."""
    if record.refused is not None or record.kind == "skip":
        return None
    try:
        return Observation(
            site=site,
            device=record.device,
            kind=record.kind,
            name=record.name,
            envelope=decode_envelope(record.payload),
            reading=decode_reading(record.kind, record.payload),
        )
    except MachiaiError:
        return None
