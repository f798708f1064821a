"""Notices from a shell: put one up, confirm another's emergency, take one down."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from broker.acl import NOTICE
from broker.clock import Clock, boot_id
from broker.delivery import Delivery
from broker.outbox import Outbox
from broker.session import Address, Session
from broker.version import VERSION
from models.contract import topics
from models.contract.codec import encode
from models.contract.ids import Id, Short, Text
from models.contract.observations import PostNotice
from models.contract.results import About, ProposalResult
from models.errors import BadUsage, Unavailable
from models.site import Names, Site
from models.state.notices import person
from signage.display.switch import leave
from signage.mirror import Mirror
from signage.wording import as_drill, drill_words

Act = Literal["post", "drill", "confirm", "cancel"]
Severity = Literal["info", "warning", "emergency"]
Tell = Callable[[str], None]

_PATIENCE_S = 20.0
_PROPOSAL_S = 2.0  # what is retained comes in any order


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants done. `by` is a role or desk; without `texts` people are to leave."""

    act: Act
    name: Id
    by: Annotated[Short, msgspec.Meta(min_length=1)]
    texts: dict[str, Text] = {}
    severity: Severity = "emergency"
    minutes: float | None = None  # for how long; None is until it is cancelled


def wish(**given: object) -> Wish:
    """A wish from a command line.

    Raises:
        BadUsage: something that no notice can have.
    """
    try:
        made = msgspec.convert(given, Wish)
    except msgspec.ValidationError as error:
        raise BadUsage(str(error)) from None
    if made.act == "post" and made.severity != "emergency" and not made.texts:
        raise BadUsage(f"want --text for a notice of severity {made.severity}")
    return made


def texts_of(written: Sequence[str]) -> Names:
    """Texts from `ja=...`.

    Raises:
        BadUsage: no language before the text.
    """
    pairs = [item.partition("=") for item in written]
    if wrong := next((item for item, pair in zip(written, pairs, strict=True) if not pair[2]), ""):
        raise BadUsage(f"want --text LANGUAGE=TEXT, got {wrong!r}")
    return {language: text for language, _, text in pairs}


def notice_words() -> None:
    """Read what notices say in each language: call it once outside a loop."""
    drill_words()
    leave()


class Errand:
    """One wish on its way, as the device `notice`. Opens a file: make it in a thread.

    What the hub does not answer is kept, and goes out with the next wish.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(self, site: Site, clock: Clock, address: Address, folder: Path) -> None:
        notice_words()
        self._mirror = Mirror(site, clock)
        self._outbox = Outbox(folder / "outbox.sqlite")
        self._delivery = Delivery(self._outbox, site=site.id, device=NOTICE, clock=clock)
        self._site, self._clock = site, clock
        self._session = Session(
            address,
            NOTICE,
            subscriptions=[*self._mirror.subscriptions, self._delivery.ack_topic],
            on_message=self._message,
            on_connection=self._connection,
        )

    async def run(self, wish: Wish, tell: Tell) -> None:
        """Do it, and tell what became of it.

        Raises:
            Unavailable: nobody answers.
            BadUsage: there is nothing to confirm, or it is one's own.
        """
        tasks = [
            asyncio.create_task(self._delivery.run(self._session), name="delivery"),
            asyncio.create_task(self._session.run(), name="mqtt"),
        ]
        done = asyncio.create_task(self._do(wish, tell), name="wish")
        try:
            await asyncio.wait([*tasks, done], return_when=asyncio.FIRST_COMPLETED)
            for task in (done, *tasks):
                if task.done():
                    task.result()
        finally:
            for task in (*tasks, done):
                task.cancel()
            await asyncio.gather(*tasks, done, return_exceptions=True)
            await asyncio.to_thread(self._outbox.close)

    async def _do(self, wish: Wish, tell: Tell) -> None:
        mirror = self._mirror
        await self._until(lambda: mirror.edition is not None, "to be there")
        if wish.act == "cancel":
            await self._cancel(wish, tell)
            return
        if wish.act == "confirm":
            with suppress(Unavailable):
                await self._until(lambda: wish.name in mirror.proposals(), "", _PROPOSAL_S)
        reading = self._reading(wish, tell)
        await self._delivery.keep(wish.name, reading)
        await self._until(lambda: self._outcome(wish.name, reading) is not None, "to answer")
        tell(str(self._outcome(wish.name, reading)))

    async def _cancel(self, wish: Wish, tell: Tell) -> None:
        mirror = self._mirror
        await self._delivery.keep(wish.name, PostNotice(by=wish.by, cancel=True))
        await self._until(
            lambda: wish.name not in {*mirror.notices(), *mirror.proposals()}, "to take it down"
        )
        tell(f"{wish.name}: taken down")

    def _reading(self, wish: Wish, tell: Tell) -> PostNotice:
        if wish.act == "confirm":
            found = self._proposed(wish)
            for language, text in found.texts.items():
                tell(f"  {language}: {text}")
            return confirmed(found, wish.by)
        until = None
        if wish.minutes is not None:
            until = self._clock.now() + timedelta(minutes=wish.minutes)
        return PostNotice(
            by=wish.by,
            severity="emergency" if wish.act == "drill" else wish.severity,
            drill=wish.act == "drill",
            until=until,
            texts=wish.texts or leave(),
        )

    def _proposed(self, wish: Wish) -> ProposalResult:
        """The proposal of another."""
        found = self._mirror.proposals().get(wish.name)
        if found is None:
            others = ", ".join(self._mirror.proposals()) or "none"
            raise BadUsage(f"want a proposal to confirm, got {wish.name!r}; there is: {others}")
        if person(found.by) == person(wish.by):
            raise BadUsage(f"want another person than {found.by}, who proposed it")
        return found

    def _outcome(self, name: str, said: PostNotice) -> str | None:
        """What became of it, None while the hub has not said."""
        notice = self._mirror.notices().get(name)
        texts = as_drill(said.texts) if said.drill else said.texts
        if notice is not None and (notice.texts, notice.until) == (texts, said.until):
            return f"{name}: shown"
        proposal = self._mirror.proposals().get(name)
        if isinstance(proposal, ProposalResult) and _same(proposal, said):
            return (
                f"{name}: proposed by {said.by}. Within 5 minutes another person must confirm it:\n"
                f"  machiai notice SITE.toml confirm {name} --by ANOTHER"
            )
        return None

    async def _until(
        self, is_so: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S
    ) -> None:
        """Wait for the hub."""
        try:
            async with asyncio.timeout(patience_s):
                while not is_so():
                    await self._mirror.changed(self._mirror.version)
        except TimeoutError:
            wanted = f"want the hub {what} within {patience_s:.0f} s"
            raise Unavailable(f"{wanted}, got nothing; what was said is kept") from None

    def _connection(self, up: bool) -> None:  # noqa: FBT001  the session's callback
        self._mirror.connection(up)
        if up:
            stream, oldest = self._outbox.named(1)
            about = About(
                version=VERSION,
                boot=boot_id(),
                up_ms=self._clock.up_ms(),
                stream=stream,
                oldest=oldest,
                site_hash=self._site.digest,
            )
            topic = topics.device(self._site.id, NOTICE, "about")
            self._session.publish(topic, encode(about), retain=True)
        self._delivery.connection(up)

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic == self._delivery.ack_topic:
            self._delivery.acknowledged(payload, retained=retain)
        else:
            self._mirror.apply(topic, payload, retain)


async def post(  # noqa: PLR0917
    site: Site, clock: Clock, address: Address, folder: Path, wanted: Wish, tell: Tell
) -> None:
    """Do what somebody wants.

    Raises:
        SensorFailed: the outbox cannot be opened.
        Unavailable: nobody answers.
        BadUsage: there is nothing to confirm.
    """
    errand = await asyncio.to_thread(Errand, site, clock, address, folder)
    await errand.run(wanted, tell)


def confirmed(found: ProposalResult, by: str) -> PostNotice:
    """The same words as a proposal, by another."""
    return PostNotice(
        by=by,
        severity="emergency",
        drill=found.drill,
        since=found.since,
        until=found.until,
        texts=found.texts,
    )


def _same(proposal: ProposalResult, said: PostNotice) -> bool:
    return (proposal.by, proposal.drill, proposal.until, proposal.texts) == (
        said.by,
        said.drill,
        said.until,
        said.texts,
    )
