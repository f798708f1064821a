"""The door to staff's pages: it alone puts them into the app, and asks everybody who they are.

Each page and each act of each part is behind `_guarded`: there is no other way in, and no list of
exceptions. Only the log-in is open.
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from aiohttp import web

from models.errors import BadUsage, MachiaiError, Unavailable
from signage.feed.responses import Handler
from signage.staff.asked import (
    Scheme,
    fields_of,
    is_ours,
    language_of,
    scheme_of,
    source_of,
)
from signage.staff.audit import Audit
from signage.staff.login import Login
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.sessions import Session, form_token
from signage.staff.words import LANGUAGES

logger = logging.getLogger("machiai.staff")

_STRANGERS = 30  # lines a minute for those who are not in: they cost them nothing
_MINUTE_S = 60.0
_MANY = 500
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with `no-referrer` the Origin of a form would be null
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of somebody who is in."""

    request: web.Request
    scheme: Scheme
    person: Person
    session: Session
    token: str
    fields: Mapping[str, str] = {}


Open = Callable[[web.Request, Scheme], Awaitable[web.Response]]
Show = Callable[[Visit], Awaitable[web.Response]]
Deed = Callable[[Visit], Awaitable[tuple[web.Response, str]]]
"""The answer, and the line for the log."""


class Door:
    """Log-in, log-out, and what lies behind, of one office."""

    def __init__(self, room: Room, login: Login, audit: Audit) -> None:
        self._room = room
        self._login = login
        self._audit = audit
        self._base = f"{room.root}/staff"
        self._said: dict[str, str] = {}
        self._strangers: deque[float] = deque()
        self._acting: set[asyncio.Task[web.Response]] = set()

    def add_to(self, app: web.Application, parts: Iterable[Part], ways: Mapping[str, Open]) -> None:
        """Register the log-in, and every page and act of the parts behind it.

        Args:
            app: into which.
            parts: all that there are.
            ways: who answers GET at further paths by which one comes in.
        """
        parts = list(parts)
        pages = {path: each for part in parts for path, each in part.pages().items()}
        acts = {path: each for part in parts for path, each in part.acts().items()}
        menu = [(path, key, pages[path][0]) for part in parts for path, key in part.menu().items()]
        self._room.menu = [*menu, ("/account", "menu.account", "viewer")]
        own: dict[str, Show] = {"": self._home, "/": self._home, "/account": self._account}
        leave: dict[str, Deed] = {
            "/logout": self._logout,
            "/logout-all": self._logout_all,
            "/password": self._password,
        }
        for path, way in {"/login": self._login.page, **ways}.items():
            app.router.add_get(f"{self._base}{path}", self._open(way))
        app.router.add_post(f"{self._base}/login", self._open(self._login.by_password))
        for path, show in own.items():
            app.router.add_get(f"{self._base}{path}", self._shown(path, "viewer", show))
        for path, deed in leave.items():
            app.router.add_post(f"{self._base}{path}", self._acted(path, "viewer", deed))
        for path, (role, view) in pages.items():
            show = partial(_viewed, view)
            app.router.add_get(f"{self._base}{path}", self._shown(path, role, show))
        for path, (role, act) in acts.items():
            deed = partial(self._done, act)
            app.router.add_post(f"{self._base}{path}", self._acted(path, role, deed))

    def _open(self, answer: Open) -> Handler:
        """What anybody may ask for: over TLS, and forms only from our own pages."""

        async def opened(request: web.Request) -> web.StreamResponse:
            try:
                response = await self._answered(request, answer)
            except web.HTTPException as error:
                error.headers.update(_HEADERS)
                raise
            except BadUsage:
                response = self._message(request, "door.bad", HTTPStatus.BAD_REQUEST)
            except Unavailable as error:
                logger.warning("%s", error)
                broken = HTTPStatus.SERVICE_UNAVAILABLE
                response = self._message(request, "door.unavailable", broken)
            response.headers.update(_HEADERS)
            return response

        return opened

    async def _answered(self, request: web.Request, answer: Open) -> web.Response:
        scheme = scheme_of(request)
        if scheme is None:
            return self._message(request, "door.tls", HTTPStatus.FORBIDDEN)
        if request.method == "POST" and not is_ours(request, scheme):
            await self._stranger(request, "from another page")
            return self._message(request, "door.foreign", HTTPStatus.FORBIDDEN)
        return await answer(request, scheme)

    def _shown(self, path: str, role: Role, show: Show) -> Handler:
        """A page, for those who have the role."""

        async def shown(visit: Visit) -> web.Response:
            said = self._said.pop(visit.session.hash, "")
            person = msgspec.structs.replace(visit.person, said=said)
            try:
                return await show(msgspec.structs.replace(visit, person=person))
            except MachiaiError as error:
                return self._failed(visit.person, error)

        return self._guarded(path, role, shown)

    def _acted(self, path: str, role: Role, deed: Deed) -> Handler:
        """An act, for those who have the role: to its end, with its line in the log."""

        async def acted(visit: Visit) -> web.Response:
            fields = await fields_of(visit.request)
            if not hmac.compare_digest(fields.pop("token", "").encode(), _form_token(visit)):
                await self._note(visit.request, visit.person.name, "refused", "wrong token")
                return self._stopped(visit.person, "door.foreign", HTTPStatus.FORBIDDEN)
            task = asyncio.create_task(
                self._do(deed, msgspec.structs.replace(visit, fields=fields))
            )
            self._acting.add(task)
            task.add_done_callback(self._acting.discard)
            return await asyncio.shield(task)  # also if the browser goes away meanwhile

        return self._guarded(path, role, acted)

    async def _do(self, deed: Deed, visit: Visit) -> web.Response:
        outcome, what = "failed", "an error of our own"
        try:
            response, what = await deed(visit)
            outcome = "done"
        except MachiaiError as error:
            outcome, what = "refused" if isinstance(error, BadUsage) else "failed", str(error)
            return self._failed(visit.person, error)
        else:
            return response
        finally:
            await self._note(visit.request, visit.person.name, outcome, what)

    def _guarded(self, path: str, role: Role, show: Show) -> Handler:
        """The one place that lets somebody pass: by a session, and by its role."""

        async def guarded(request: web.Request, scheme: Scheme) -> web.Response:
            now = self._room.clock.now()
            token = request.cookies.get(self._login.cookie(scheme), "")
            session = (
                await asyncio.to_thread(self._login.sessions.find, token, now) if token else None
            )
            if session is None:
                if request.method == "POST":
                    await self._stranger(request, "not logged in")
                return self._to_login(request, had_one=bool(token))
            session = await self._spoken(request, session)
            person = Person(
                name=session.name,
                role=session.role,
                language=session.language,
                token=form_token(token),
                at=path,
            )
            if not person.may(role):
                await self._note(request, person.name, "refused", f"wants the role {role}")
                return self._stopped(person, "door.role", HTTPStatus.FORBIDDEN)
            return await show(
                Visit(request=request, scheme=scheme, person=person, session=session, token=token)
            )

        return self._open(guarded)

    async def _done(self, act: Act, visit: Visit) -> tuple[web.Response, str]:
        """An act of a part."""
        done: Done = await act(visit.fields, visit.person)
        self._say(visit.session, done.said)
        return self._login.to(done.back), done.what

    async def _home(self, visit: Visit) -> web.Response:
        self._say(visit.session, visit.person.said)
        first = next(path for path, _, role in self._room.menu if visit.person.may(role))
        return self._login.to(first)

    async def _account(self, visit: Visit) -> web.Response:
        is_local = visit.session.is_local
        return self._room.page(visit.person, "staff_account.html", is_local=is_local)

    async def _logout(self, visit: Visit) -> tuple[web.Response, str]:
        await asyncio.to_thread(self._login.sessions.end, visit.token)
        return self._out(visit, "out"), ""

    async def _logout_all(self, visit: Visit) -> tuple[web.Response, str]:
        await asyncio.to_thread(self._login.sessions.end_all, visit.session.name)
        return self._out(visit, "out"), ""

    async def _password(self, visit: Visit) -> tuple[web.Response, str]:
        """One's own: then all browsers of theirs log in again."""
        words, name, fields = self._room.words(visit.person), visit.session.name, visit.fields
        if not visit.session.is_local:
            raise BadUsage(words("password.elsewhere"))
        if fields.get("new", "") != fields.get("again", ""):
            raise BadUsage(words("password.differ"))
        wait_s, account = await self._login.check(visit.request, name, fields.get("old", ""))
        if wait_s:
            raise BadUsage(words("login.wait", minutes=int(wait_s // 60) + 1))
        if account is None:
            raise BadUsage(words("password.wrong"))
        now = self._room.clock.now()
        try:
            await asyncio.to_thread(self._login.accounts.change, name, fields.get("new", ""), now)
        except BadUsage:
            raise BadUsage(words("password.weak")) from None
        return self._out(visit, "changed"), ""

    def _out(self, visit: Visit, why: str) -> web.Response:
        self._said.pop(visit.session.hash, None)
        response = self._login.to(f"/login?why={why}&lang={visit.person.language}")
        self._login.give(response, visit.scheme, "")
        return response

    def _say(self, session: Session, said: str) -> None:
        """Keep a sentence for the next page that they see."""
        if said:
            self._said[session.hash] = said
        while len(self._said) > _MANY:
            del self._said[next(iter(self._said))]

    async def _spoken(self, request: web.Request, session: Session) -> Session:
        """The session, in the language that is asked for from now on."""
        asked = request.query.get("lang", "")
        if asked not in LANGUAGES or asked == session.language:
            return session
        await asyncio.to_thread(self._login.sessions.speak, session, asked)
        return msgspec.structs.replace(session, language=asked)

    def _to_login(self, request: web.Request, *, had_one: bool) -> web.Response:
        is_page = request.method != "POST"
        below = request.path.removeprefix(self._base).strip("/") if is_page else ""
        asked = [f"next={quote(below)}"] if below else []
        asked += ["why=ended"] if had_one else []
        return self._login.to(f"/login{'?' if asked else ''}{'&'.join(asked)}")

    def _failed(self, person: Person, error: MachiaiError) -> web.Response:
        """What was not taken, in its own words; or that it cannot be now."""
        if isinstance(error, BadUsage):
            return self._stopped(person, "", HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        logger.warning("%s", error)
        return self._stopped(person, "door.unavailable", HTTPStatus.SERVICE_UNAVAILABLE)

    def _stopped(
        self, person: Person, key: str, status: HTTPStatus, text: str = ""
    ) -> web.Response:
        response = self._room.page(person, "staff_message.html", key=key, text=text)
        response.set_status(status)
        return response

    def _message(self, request: web.Request, key: str, status: HTTPStatus) -> web.Response:
        """The same for anybody."""
        response = self._room.plain(language_of(request), "staff_message.html", key=key, text="")
        response.set_status(status)
        return response

    async def _note(self, request: web.Request, who: str, outcome: str, what: str) -> None:
        line = partial(
            self._audit.note,
            self._room.clock.now(),
            who=who,
            source=source_of(request),
            act=request.path.removeprefix(self._base).strip("/") or "home",
            outcome=outcome,
            what=what,
        )
        await asyncio.to_thread(line)

    async def _stranger(self, request: web.Request, what: str) -> None:
        """A line for somebody who is not in."""
        now_s = self._room.clock.monotonic()
        while self._strangers and self._strangers[0] <= now_s - _MINUTE_S:
            self._strangers.popleft()
        if len(self._strangers) >= _STRANGERS:
            logger.warning("audit: not written, more than %d strangers a minute", _STRANGERS)
            return
        self._strangers.append(now_s)
        await self._note(request, "", "refused", what)


async def _viewed(view: View, visit: Visit) -> web.Response:
    return await view(visit.request, visit.person)


def _form_token(visit: Visit) -> bytes:
    return form_token(visit.token).encode()
