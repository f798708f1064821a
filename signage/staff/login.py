"""How one comes in by a name and a password, and what everybody gets who has come in."""

import asyncio
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from aiohttp import web

from models.errors import BadUsage
from models.site import Staff
from signage.staff.accounts import Account, Accounts
from signage.staff.asked import Scheme, fields_of, language_of, next_of, source_of
from signage.staff.audit import Audit
from signage.staff.room import Role, Room
from signage.staff.sessions import Sessions
from signage.staff.store import Store
from signage.staff.tries import Tries, place_of

_KNOWN = timedelta(days=30)
_QUEUE = 8  # that wait for argon2; more are sent away
_LONGEST_NAME = 64
_WHY = frozenset({"out", "ended", "changed"})


class Login:
    """The log-in of one office."""

    def __init__(self, room: Room, store: Store, staff: Staff, audit: Audit) -> None:
        self._room = room
        self._staff = staff
        self._audit = audit
        self.accounts = Accounts(store)
        self.sessions = Sessions(store, staff)
        self.tries = Tries()
        self._one = asyncio.Semaphore(1)  # argon2 takes 64 MiB
        self._waiting = 0

    async def page(self, request: web.Request, scheme: Scheme) -> web.Response:
        """`/staff/login`."""
        token = request.cookies.get(self.cookie(scheme), "")
        after = request.query.get("next", "")
        now = self._room.clock.now()
        if token and await asyncio.to_thread(self.sessions.find, token, now) is not None:
            return self.to(next_of(after))
        why = request.query.get("why", "")
        return await self.form(request, f"login.{why}" if why in _WHY else "", after=after)

    async def by_password(self, request: web.Request, scheme: Scheme) -> web.Response:
        """The form, filled in."""
        if not self._staff.local:
            raise BadUsage("want no password where all come by the city's accounts")
        fields = await fields_of(request)
        entered, after = fields.get("name", "")[:_LONGEST_NAME], fields.get("next", "")
        wait_s, account = await self.check(request, entered, fields.get("password", ""))
        if account is not None:
            return await self.let_in(request, scheme, account.name, None, after=after)
        if wait_s:
            minutes = int(wait_s // 60) + 1
            form = await self.form(
                request, "login.wait", name=entered, after=after, minutes=minutes
            )
            form.set_status(HTTPStatus.TOO_MANY_REQUESTS)
            form.headers["Retry-After"] = str(int(wait_s) + 1)
            return form
        await self.note(request, "", "refused", "wrong name or password")
        form = await self.form(request, "login.wrong", name=entered, after=after)
        form.set_status(HTTPStatus.UNAUTHORIZED)
        return form

    async def check(
        self, request: web.Request, entered: str, password: str
    ) -> tuple[float, Account | None]:
        """Whose name and password these are.

        Returns:
            For how many seconds nobody may try, and the account.
        """
        client, now_s = source_of(request), self._room.clock.monotonic()
        name = await asyncio.to_thread(self.accounts.kept, entered)
        since = self._room.clock.now() - _KNOWN
        came = await asyncio.to_thread(self._audit.came_from, name, since)
        is_known = place_of(client) in set(map(place_of, came))
        wait_s = self.tries.wait_s(name, client, now_s, is_known=is_known)
        if wait_s > 0:
            return wait_s, None
        if self._waiting >= _QUEUE:
            return 1.0, None
        self.tries.wrong(name, client, now_s, is_known=is_known)  # before others can try beside it
        self._waiting += 1
        try:
            async with self._one:
                account = await asyncio.to_thread(self.accounts.entered, name, password)
        finally:
            self._waiting -= 1
        if account is not None:
            self.tries.right(name, client, is_known=is_known)
        return 0.0, account

    async def let_in(
        self,
        request: web.Request,
        scheme: Scheme,
        name: str,
        role: Role | None,
        *,
        after: str,
    ) -> web.Response:
        """Let somebody in who has shown who they are: by a new token, whatever they had before.

        Args:
            request: theirs.
            scheme: how they are connected.
            name: who they are.
            role: what they may; None is what their local account says.
            after: the page that they had asked for.
        """
        before = request.cookies.get(self.cookie(scheme), "")
        if before:
            await asyncio.to_thread(self.sessions.end, before)
        now, language = self._room.clock.now(), language_of(request)
        token = await asyncio.to_thread(self.sessions.begin, name, role, language, now)
        how = "password" if role is None else f"the city's account, {role}"
        await self.note(request, name, "done", how)
        response = self.to(next_of(after))
        self.give(response, scheme, token)
        return response

    def cookie(self, scheme: Scheme) -> str:
        """The cookie's name: with the prefix no other host and no page without TLS can set it."""
        own = self._room.root.replace("/", "-")
        return f"__Host-machiai{own}" if scheme == "https" else f"machiai{own}"

    def give(self, response: web.StreamResponse, scheme: Scheme, token: str) -> None:
        """Set the cookie, until the browser is closed; an empty token takes it away."""
        response.set_cookie(
            self.cookie(scheme),
            token,
            max_age=None if token else 0,
            path="/",
            secure=scheme == "https",
            httponly=True,
            samesite="Strict",
        )

    def to(self, path: str) -> web.Response:
        """To a page of ours: whatever the path is, it stays below `/staff`."""
        place = f"{self._room.root}/staff{path}"
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})

    async def note(self, request: web.Request, who: str, outcome: str, what: str) -> None:
        """A line for a log-in."""
        line = partial(
            self._audit.note,
            self._room.clock.now(),
            who=who,
            source=source_of(request),
            act="log-in",
            outcome=outcome,
            what=what,
        )
        await asyncio.to_thread(line)

    async def form(
        self, request: web.Request, key: str, *, name: str = "", after: str = "", minutes: int = 0
    ) -> web.Response:
        """The page of the log-in, with a sentence above it by its key."""
        has_city = self._staff.oidc is not None
        return self._room.plain(
            language_of(request),
            "staff_login.html",
            key=key,
            minutes=minutes,
            name=name,
            after=next_of(after).lstrip("/"),
            local=self._staff.local,
            oidc=has_city,
            nobody=not has_city and await asyncio.to_thread(self.accounts.are_none),
        )
