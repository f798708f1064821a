"""`/notify`: asking for notices, confirming, and having enough of them. No cookie, no account.

A mail's links are opened by scanners too, so to open one changes nothing: each leads to a page
with one button. There is no session to abuse; a form that a foreign page sends is still refused.
"""

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from aiohttp import web

from models.errors import BadPayload
from signage.assets import environment
from signage.mirror import Mirror
from signage.notify.notices import WALKS_MINUTES, Asked, Notices, Wish
from signage.notify.senders import Chat, Heard, Letter
from signage.pages.page import Page, html
from signage.pages.ticket_page import Head
from signage.ticket import meant, tickets
from signage.wording import Words

_USUAL_WALK = WALKS_MINUTES[1]
_MOST_BYTES = 8192
_STATUS = {
    "asked": HTTPStatus.OK,
    "bad": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unseen": HTTPStatus.SERVICE_UNAVAILABLE,
    "late": HTTPStatus.CONFLICT,
    "limit": HTTPStatus.TOO_MANY_REQUESTS,
    "full": HTTPStatus.SERVICE_UNAVAILABLE,
    "foreign": HTTPStatus.FORBIDDEN,
}

Short = Annotated[str, msgspec.Meta(max_length=64)]


class PushWish(msgspec.Struct, frozen=True):
    """What notify.js sends."""

    subscription: msgspec.Raw
    number: Short
    service: Short
    minutes: Short
    lang: Short


class NotifyPages:
    """The pages of one office."""

    def __init__(self, notices: Notices, mirror: Mirror, page: Page, root: str = "") -> None:
        self._notices = notices
        self._mirror = mirror
        self._page = page
        self._root = root
        page.notify = tuple(notices.senders)

    def add_to(self, app: web.Application) -> None:
        """Register all addresses."""
        root, router = f"{self._root}/notify", app.router
        router.add_get(root, self._offer)
        router.add_post(root, self._by_mail)
        router.add_get(f"{root}/key", self._key)
        router.add_post(f"{root}/push", self._by_push)
        for way, sender in self._notices.senders.items():
            if isinstance(sender, Chat):
                router.add_post(f"{root}/{way}", partial(self._by_chat, sender))
        router.add_get(f"{root}/confirm/{{token}}", self._may_confirm)
        router.add_post(f"{root}/confirm/{{token}}", self._confirm)
        router.add_get(f"{root}/stop/{{token}}", self._may_stop)
        router.add_post(f"{root}/stop/{{token}}", self._stop)
        if self._inbox is not None:
            router.add_get(f"{root}/inbox", self._show_inbox)
        router.add_get(f"{root}/{{service}}/{{number}}", self._offer)

    async def _offer(self, request: web.Request) -> web.Response:
        """The form, for a ticket that is named or for any."""
        info = request.match_info
        given = {"service": info.get("service", ""), "number": info.get("number", "")}
        return self._response(request, "notify_form.html", lambda words: self._choice(words, given))

    async def _by_mail(self, request: web.Request) -> web.Response:
        """The form, filled in."""
        sender = self._notices.senders.get("mail")
        if is_foreign(request) or sender is None:
            return self._said(request, "foreign")
        if (request.content_length or 0) > _MOST_BYTES:
            return self._said(request, "bad")
        fields = {name: str(value) for name, value in (await request.post()).items()}
        try:
            address = sender.check(fields.get("mail", ""))
        except BadPayload:
            return self._said(request, "bad")
        service, number = self._ticket(fields.get("service", ""), fields.get("number", ""))
        wish = Wish(
            way="mail",
            address=address,
            service=service,
            number=number,
            language=self._page.language(request),
            walk_s=_walk_s(fields.get("minutes", "")),
        )
        asked = await self._notices.ask(wish, client_of(request))
        return self._said(request, asked.outcome, asked)

    async def _by_push(self, request: web.Request) -> web.Response:
        """What notify.js sends; the answer is a sentence for the page."""
        words = self._words(request)
        sender = self._notices.senders.get("push")
        if is_foreign(request) or sender is None:
            return _sentence(words, "foreign")
        if (request.content_length or 0) > _MOST_BYTES:
            return _sentence(words, "bad")
        try:
            sent = msgspec.json.decode(await request.read(), type=PushWish)
            address = sender.check(bytes(sent.subscription).decode())
        except (msgspec.MsgspecError, BadPayload, UnicodeDecodeError):
            return _sentence(words, "bad")
        service, number = self._ticket(sent.service, sent.number)
        wish = Wish(
            way="push",
            address=address,
            service=service,
            number=number,
            language=sent.lang,
            walk_s=_walk_s(sent.minutes),
        )
        asked = await self._notices.ask(wish, client_of(request))
        return _sentence(words, asked.outcome, number, asked)

    async def _by_chat(self, sender: Chat, request: web.Request) -> web.Response:
        """Somebody has written to the office's account. Their number is enough."""
        try:
            signed = request.headers.get(sender.signature, "")
            heard = sender.heard(await request.read(), signed)
        except BadPayload:
            raise web.HTTPForbidden from None
        for said in heard:
            await sender.reply(said, await self._answer(sender, said))
        return web.Response()

    async def _answer(self, sender: Chat, said: Heard) -> str:
        words = self._notices.letters.words("")
        service, number = self._ticket("", said.text)
        try:
            address = sender.check(said.user)
        except BadPayload:
            return words("notify.bad")
        wish = Wish(
            way="line",
            address=address,
            service=service,
            number=number,
            language=words.language,
            walk_s=60.0 * _USUAL_WALK,
        )
        asked = await self._notices.ask(wish, f"line {address}")
        if asked.holder is None:
            return words(f"notify.{asked.outcome}", number=number, count=asked.ahead or 0)
        stop = self._notices.letters.stop(asked.holder)
        return "\n\n".join(
            [words("notify.on", number=number), words("notify.kept"), words("notify.no_more"), stop]
        )

    async def _key(self, request: web.Request) -> web.Response:
        """What a browser subscribes with."""
        _ = request
        sender = self._notices.senders.get("push")
        if sender is None:
            raise web.HTTPNotFound
        return web.json_response({"key": sender.key}, headers={"Cache-Control": "no-store"})

    @property
    def _inbox(self) -> Sequence[Letter] | None:
        """The demo's outgoing mail."""
        return getattr(self._notices.senders.get("mail"), "letters", None)

    async def _show_inbox(self, request: web.Request) -> web.Response:
        letters = list(self._inbox or ())
        return self._response(request, "notify_inbox.html", lambda _: {"letters": letters})

    async def _may_confirm(self, request: web.Request) -> web.Response:
        """Opened from the first mail, perhaps by a machine: only a button."""
        holder = self._notices.holder(request.match_info["token"])
        if holder is None:
            return self._over(request)
        if holder.confirmed:
            return self._on(request, Asked(outcome="asked", holder=holder))
        return self._message(
            request,
            "notify.confirm.title",
            "notify.confirm.ask",
            button="notify.confirm.button",
            number=holder.number,
        )

    async def _confirm(self, request: web.Request) -> web.Response:
        if is_foreign(request):
            return self._said(request, "foreign")
        asked = await self._notices.confirm(request.match_info["token"])
        return self._over(request) if asked is None else self._on(request, asked)

    async def _may_stop(self, request: web.Request) -> web.Response:
        """Opened from any mail: only a button."""
        if self._notices.holder(request.match_info["token"]) is None:
            return self._over(request)
        return self._message(
            request, "notify.stop.title", "notify.stop.ask", button="notify.stop.button"
        )

    async def _stop(self, request: web.Request) -> web.Response:
        """By the button, or by a mail program that was asked to (RFC 8058).

        That one comes from elsewhere; but nobody else knows the token.
        """
        await self._notices.stop(request.match_info["token"])
        return self._message(request, "notify.stopped.title", "notify.stopped")

    def _on(self, request: web.Request, asked: Asked) -> web.Response:
        """It is confirmed: what will come."""
        number = asked.holder.number if asked.holder else ""
        text = "notify.late" if asked.outcome == "late" else "notify.on"
        return self._message(
            request, "notify.on.title", text, "notify.kept", number=number, count=asked.ahead or 0
        )

    def _over(self, request: web.Request) -> web.Response:
        return self._message(request, "notify.stopped.title", "notify.over")

    def _said(self, request: web.Request, outcome: str, asked: Asked | None = None) -> web.Response:
        """What came of a form."""
        count = asked.ahead or 0 if asked else 0
        title = "notify.asked.title" if outcome == "asked" else "notify.refused.title"
        response = self._message(request, title, f"notify.{outcome}", count=count)
        response.set_status(_STATUS[outcome])
        return response

    def _message(
        self,
        request: web.Request,
        title: str,
        *texts: str,
        button: str | None = None,
        number: str = "",
        count: int = 0,
    ) -> web.Response:
        """A page of a few sentences, and perhaps one button that posts to where it stands."""

        def more(words: Words) -> dict[str, Any]:
            return {
                "title": words(title),
                "texts": [words(text, number=number, count=count) for text in texts],
                "button": None if button is None else words(button),
                "inbox": self._inbox is not None,
            }

        return self._response(request, "notify.html", more)

    def _choice(self, words: Words, given: dict[str, str]) -> dict[str, Any]:
        names = {s.id: words.name(s.name) for s in self._notices.site.services}
        return given | {"name": names.get(given["service"], "")}

    def _response(
        self, request: web.Request, template: str, more: Callable[[Words], dict[str, Any]]
    ) -> web.Response:
        language, now = self._page.language(request), self._mirror.clock.now()
        context = self._page.frame(language, now, "/part")
        words = context["words"]
        site = words.name(self._notices.site.site.name)
        board = Head(site=site, as_of=words.time(now), hub_gone=self._mirror.hub_gone)
        context |= {"board": board} | more(words)
        body = environment().get_template(template).render(context)
        return html(body.encode(), self._mirror)

    def _words(self, request: web.Request) -> Words:
        return self._page.words(self._page.language(request))

    def _ticket(self, service: str, said: str) -> tuple[str, str]:
        """The ticket that somebody means, as the line tells it; as they wrote it if there is none.

        Without a service it is looked for in all lines.
        """
        waiting = [t for t in tickets(self._mirror) if t.waiting and service in {"", t.service}]
        found, is_sure = meant(waiting, said)
        if len(found) == 1 and is_sure:
            return found[0].service, found[0].number
        return service or next((t.service for t in waiting), ""), said


def is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another site's page sent this.

    Our pages send no referrer, so that their `Origin` may be `null`: `Sec-Fetch-Site` says more,
    and what has neither is no browser, or one in which there is no session to abuse either.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.host


def client_of(request: web.Request) -> str | None:
    """The client's IP address; what a proxy says of it counts only from one on this machine."""
    remote = request.remote
    forwarded = request.headers.get("X-Forwarded-For")
    if remote in {"127.0.0.1", "::1"} and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return remote


def _walk_s(minutes: str) -> float:
    wanted = int(minutes) if minutes.isdecimal() else _USUAL_WALK
    return 60.0 * (wanted if wanted in WALKS_MINUTES else _USUAL_WALK)


def _sentence(
    words: Words, outcome: str, number: str = "", asked: Asked | None = None
) -> web.Response:
    """An answer to a script: what to say, and where to stop it."""
    key = "notify.on" if outcome == "asked" else f"notify.{outcome}"
    holder = asked.holder if asked else None
    count = asked.ahead or 0 if asked else 0
    return web.json_response(
        {
            "text": words(key, number=number, count=count),
            "stop": holder and f"notify/stop/{holder.token}",
        },
        status=_STATUS[outcome],
        headers={"Cache-Control": "no-store"},
    )
