"""Notices as a process has them: which ways there are, and where they are kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from broker.clock import Clock
from broker.service import state_folder
from models.site import Site
from signage.mirror import Mirror
from signage.notify.notices import Notices
from signage.notify.senders import Sender, senders_of
from signage.notify.store import Store

FILE = "notices.sqlite"
_PREFIX = "machiai-notices-"


@asynccontextmanager
async def looked_after(
    mirrors: Sequence[Mirror], clock: Clock, *, demo: str | None = None
) -> AsyncIterator[dict[str, Notices]]:
    """The notices of each office that has any, by its id.

    Args:
        mirrors: of the offices.
        clock: of this process; where time is made up nobody is told, but in the demo.
        demo: where the demo's pages are: its mails are shown there, and sent to nobody.

    Raises:
        Missing: a secret that a site file names is not there.
        Unavailable: there is no place to keep them.
    """
    stores: list[Store] = []
    folder = None if demo is None else await asyncio.to_thread(TemporaryDirectory, prefix=_PREFIX)
    try:
        if demo is not None and folder is not None:
            (mirror,) = mirrors
            made = await asyncio.to_thread(_shown, mirror, Path(folder.name), demo, stores)
            yield {mirror.site.id: made}
        elif clock.is_simulated:
            yield {}
        else:
            asked = [mirror for mirror in mirrors if mirror.site.notify is not None]
            yield {m.site.id: await asyncio.to_thread(_sent, m, stores) for m in asked}
    finally:
        for store in stores:
            await asyncio.to_thread(store.close)
        if folder is not None:
            await asyncio.to_thread(folder.cleanup)


def _sent(mirror: Mirror, stores: list[Store]) -> Notices:
    site = mirror.site
    folder = state_folder("web", None) / "notify" / site.id
    senders = senders_of(site, folder)
    stores.append(Store(folder / FILE))
    return Notices(site, mirror, stores[-1], senders, base_of(site))


def _shown(mirror: Mirror, folder: Path, base: str, stores: list[Store]) -> Notices:
    from signage.notify.inbox import Inbox  # noqa: PLC0415  a real office does without

    stores.append(Store(folder / FILE))
    senders: dict[str, Sender] = {"mail": Inbox()}
    return Notices(mirror.site, mirror, stores[-1], senders, base)


def base_of(site: Site) -> str:
    """Where an office's pages are, for links in notices."""
    return (site.site.url or "").rstrip("/")
