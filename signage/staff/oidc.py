"""Log-in by the city's own accounts: to the provider, and back.

The browser is bound to its own way there by one random secret in the cookie, from which all else is
derived: `state`, `nonce` and the verifier of PKCE. Nothing is kept of those who never return.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from models.errors import BadUsage, Unavailable
from models.site import Oidc
from signage.staff.asked import Scheme, language_of, next_of, source_of
from signage.staff.login import Login
from signage.staff.provider import Provider
from signage.staff.room import ROLES, Role, Room

WAY, BACK = "/oidc", "/oidc/back"

_PREFIX = "way."  # no session's token has a dot
_BYTES = 32
_LONGEST = 64  # characters of a name, as `by` on the wire


class OidcPages:
    """The way there, and back."""

    def __init__(self, room: Room, login: Login, table: Oidc) -> None:
        """Take the table; reads the secret's file."""
        self._room = room
        self._login = login
        self._table = table
        self._provider = Provider(table, room.clock)
        self._back = f"{(room.site.site.url or '').rstrip('/')}/staff{BACK}"

    async def there(self, request: web.Request, scheme: Scheme) -> web.Response:
        """`/staff/oidc`: to the provider."""
        try:
            places = await self._provider.places()
        except Unavailable:
            return await self._failed(request, scheme, "oidc.unavailable", HTTPStatus.BAD_GATEWAY)
        before = request.cookies.get(self._login.cookie(scheme), "")
        if before:
            await asyncio.to_thread(self._login.sessions.end, before)
        way = f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"
        after = next_of(request.query.get("next", "")).lstrip("/")
        asked = {
            "response_type": "code",
            "client_id": self._table.client_id,
            "redirect_uri": self._back,
            "scope": " ".join(self._table.scopes),
            "state": _state(way, after),
            "nonce": _derived(way, "nonce"),
            "code_challenge": _challenge(way),
            "code_challenge_method": "S256",
            "ui_locales": language_of(request),
        }
        sign = "&" if "?" in places.authorization_endpoint else "?"
        place = f"{places.authorization_endpoint}{sign}{urlencode(asked)}"
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})
        self._login.give(response, scheme, way)
        return response

    async def back(self, request: web.Request, scheme: Scheme) -> web.Response:
        """`/staff/oidc/back`: the provider has sent the browser here."""
        way = request.cookies.get(self._login.cookie(scheme), "")
        if not way.startswith(_PREFIX) and "again" not in request.query:
            return self._once_more(request)
        now_s = self._room.clock.monotonic()
        if self._login.tries.network_wait_s(source_of(request), now_s) > 0:
            return await self._failed(request, scheme, "oidc.failed", HTTPStatus.TOO_MANY_REQUESTS)
        failed = partial(self._failed, request, scheme)
        try:
            after, name, role = await self._entered(request, way)
        except BadUsage as error:
            return await failed("oidc.failed", HTTPStatus.FORBIDDEN, what=str(error))
        except Unavailable as error:
            return await failed("oidc.unavailable", HTTPStatus.BAD_GATEWAY, what=str(error))
        if role is None:
            what = "in no group of ours"
            return await failed("oidc.none", HTTPStatus.FORBIDDEN, what=what, who=name)
        return await self._login.let_in(request, scheme, name, role, after=after)

    async def _entered(self, request: web.Request, way: str) -> tuple[str, str, Role | None]:
        """Which page they wanted, who they are, and what they may.

        Raises:
            BadUsage: this is not the way on which we sent this browser.
            Unavailable: the provider does not answer.
        """
        query = request.query
        state = query.get("state", "")
        after = state.partition(".")[2]
        if not way.startswith(_PREFIX) or not _same(state, _state(way, after)):
            raise BadUsage("want the state of this browser, got another")
        if query.get("iss", self._table.issuer) != self._table.issuer:  # RFC 9207
            raise BadUsage("want an answer of our provider, got another's")
        if "code" not in query:
            raise BadUsage(f"want a code, got {query.get('error', 'none')[:40]!r}")
        claims = await self._provider.claims(
            query["code"], _verifier(way), _derived(way, "nonce"), self._back
        )
        subject = f"{self._table.issuer} {claims['sub']}"
        name = self._name(claims)
        kept = await asyncio.to_thread(self._login.accounts.subject, subject, name)
        return after, kept, self._role(claims)

    def _name(self, claims: dict[str, Any]) -> str:
        """What they are called here: with an `@`, as no local account is.

        Raises:
            BadUsage: the provider tells no name that can stand in a log.
        """
        told = claims.get(self._table.name_claim)
        name = unicodedata.normalize("NFKC", told).strip() if isinstance(told, str) else ""
        if name and "@" not in name:
            name = f"{name}@{urlsplit(self._table.issuer).hostname}"
        if not name or len(name) > _LONGEST or not name.isprintable():
            raise BadUsage(f"want a name of at most {_LONGEST} signs as {self._table.name_claim}")
        return name

    def _role(self, claims: dict[str, Any]) -> Role | None:
        """The most that one of their groups may."""
        told = claims.get(self._table.groups_claim)
        listed = [told] if isinstance(told, str) else told if isinstance(told, list | dict) else ()
        groups = {group for group in listed if isinstance(group, str)}
        theirs = [role for role in ROLES if groups & set(getattr(self._table, role))]
        return theirs[-1] if theirs else None

    def _once_more(self, request: web.Request) -> web.Response:
        """A page that leads to itself.

        Our cookie does not come along from another site's page (SameSite=Strict), but from ours.
        """
        again = urlencode([*request.query.items(), ("again", "1")])
        place = f"{self._room.root}/staff{BACK}?{again}"
        return self._room.plain(language_of(request), "staff_once_more.html", place=place)

    async def _failed(
        self,
        request: web.Request,
        scheme: Scheme,
        key: str,
        status: HTTPStatus,
        *,
        what: str = "the provider does not answer",
        who: str = "",
    ) -> web.Response:
        """The log-in again, with why; what was begun is over."""
        if status == HTTPStatus.FORBIDDEN and not who:
            self._login.tries.network_wrong(source_of(request), self._room.clock.monotonic())
        if status != HTTPStatus.TOO_MANY_REQUESTS:
            await self._login.note(request, who, "refused", what)
        response = await self._login.form(request, key)
        response.set_status(status)
        if request.cookies.get(self._login.cookie(scheme), "").startswith(_PREFIX):
            self._login.give(response, scheme, "")
        return response


def _derived(way: str, what: str) -> str:
    """A secret of one way for one purpose; none tells another."""
    digest = hmac.digest(way.encode(), what.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _state(way: str, after: str) -> str:
    """What comes back with the browser: it is bound to the page that they want."""
    return f"{_derived(way, f'state {after}')}.{after}"


def _verifier(way: str) -> str:
    return _derived(way, "verifier")


def _challenge(way: str) -> str:
    digest = hashlib.sha256(_verifier(way).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
