"""The city's provider of accounts: where it answers, its keys, and what it says of somebody.

Source: OpenID Connect Core 1.0 (3.1.3.7) and Discovery 1.0; RFC 7636 (PKCE); RFC 8725 (algorithms).
"""

import base64
import hmac
import ssl
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import jwt
import msgspec

from broker.clock import Clock
from broker.service import secret
from models.errors import BadUsage, Unavailable
from models.site import Oidc

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST_BYTES = 1 << 20
_KEPT_S = 3600.0  # what it says of itself
_AGAIN_S = 60.0  # so seldom are its keys asked for because of one that we do not know
_OFF_S = 120.0  # its clock may be
_FRESH_S = 600.0  # a token is older than this only if somebody kept it
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "EdDSA"})
_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class Places(msgspec.Struct, frozen=True):
    """Where it answers, by its own document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


_Said = TypeVar("_Said", Places, _Tokens, _Keys)


class Provider:
    """The provider of one office. Reads its secret: make it outside a loop.

    Raises:
        Missing: a file that the site file names is not there.
    """

    def __init__(self, table: Oidc, clock: Clock) -> None:
        self.table = table
        self._clock = clock
        self._secret = None if table.secret_file is None else secret(table.secret_file)
        self._tls = ssl.create_default_context(
            cadata=None if table.ca is None else secret(table.ca)
        )
        self._places: tuple[Places, float] | None = None
        self._keys: dict[str | None, dict[str, Any]] = {}
        self._asked_s: float | None = None

    async def places(self) -> Places:
        """Where it answers.

        Raises:
            Unavailable: it does not answer, or says nothing that can be used.
        """
        now_s = self._clock.monotonic()
        if self._places is not None and now_s - self._places[1] < _KEPT_S:
            return self._places[0]
        base = self.table.issuer.rstrip("/")
        found = await self._ask("GET", f"{base}/.well-known/openid-configuration", Places)
        ends = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        if found.issuer != self.table.issuer:
            raise Unavailable(f"want the issuer {self.table.issuer}, got {found.issuer[:200]!r}")
        if not all(end.startswith("https://") for end in ends):
            raise Unavailable(f"want https:// alone from {self.table.issuer}")
        self._places = found, now_s
        return found

    async def claims(self, code: str, verifier: str, nonce: str, back: str) -> dict[str, Any]:
        """What it says of whoever brought a code.

        Args:
            code: what it gave to the browser.
            verifier: what only whoever asked for the code knows.
            nonce: what was asked to stand in the token.
            back: our address to which it sent the browser.

        Raises:
            Unavailable: it does not answer.
            BadUsage: it refuses the code, or its token is not for us, or not of now.
        """
        places = await self.places()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        if self._secret is None:
            form["client_id"] = self.table.client_id
        tokens = await self._ask("POST", places.token_endpoint, _Tokens, form)
        claims = await self._checked(tokens.id_token)
        said = claims["nonce"]
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise BadUsage("want our nonce, got another")
        return claims

    async def _checked(self, token: str) -> dict[str, Any]:
        """The claims of a token that it has signed, for us, now."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm = str(header.get("alg"))
            if algorithm not in _ALGORITHMS:
                raise BadUsage(f"want a signature by a public key, got {algorithm[:20]!r}")
            key = jwt.PyJWK(await self._key(header.get("kid")), algorithm=algorithm)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.table.client_id,
                issuer=[self.table.issuer],
                options={
                    "require": _CLAIMS,
                    "verify_exp": False,  # by our clock, below
                    "verify_iat": False,
                    "verify_nbf": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.PyJWTError as error:
            raise BadUsage(f"want a token for us, got: {error}") from None
        self._timely(claims, self._clock.now())
        mine, others = self.table.client_id, isinstance(claims["aud"], list)
        asked_by = claims.get("azp", None if others and len(claims["aud"]) > 1 else mine)
        if asked_by != mine:
            raise BadUsage("want a token that we asked for, got another's")
        return claims

    def _timely(self, claims: dict[str, Any], now: datetime) -> None:
        now_s = now.timestamp()
        times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
        if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in times):
            raise BadUsage("want times as numbers")
        until_s, since_s, from_s = times
        if not (now_s - _OFF_S < until_s and max(since_s, from_s) < now_s + _OFF_S):
            raise BadUsage("want a token of now")
        if since_s < now_s - _FRESH_S - _OFF_S:
            raise BadUsage("want a token of now, got an old one")

    async def _key(self, name: object) -> dict[str, Any]:
        """The key of this name. Keys change: an unknown one is asked for, but not each time."""
        known = name if isinstance(name, str) else None
        now_s = self._clock.monotonic()
        is_due = self._asked_s is None or now_s - self._asked_s > _AGAIN_S
        if (known not in self._keys and is_due) or self._is_old(now_s):
            places = await self.places()
            found = await self._ask("GET", places.jwks_uri, _Keys)
            usable = [key for key in found.keys if key.get("use", "sig") == "sig"]
            self._keys = {key.get("kid"): key for key in usable}
            if len(usable) == 1:
                self._keys[None] = usable[0]  # a token need not name the only one
            self._asked_s = now_s
        if known not in self._keys:
            raise BadUsage("want a key that the provider has, got another")
        return self._keys[known]

    def _is_old(self, now_s: float) -> bool:
        return self._asked_s is not None and now_s - self._asked_s > _KEPT_S

    async def _ask(
        self, method: str, url: str, kind: type[_Said], form: dict[str, str] | None = None
    ) -> _Said:
        """One request, and what is answered."""
        headers = {}
        if form is not None and self._secret is not None:
            both = ":".join(quote(text, safe="") for text in (self.table.client_id, self._secret))
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        connector = aiohttp.TCPConnector(ssl=self._tls)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session,
                session.request(
                    method, url, data=form, headers=headers, allow_redirects=False
                ) as answer,
            ):
                body = await answer.content.read(_MOST_BYTES + 1)
                while len(body) <= _MOST_BYTES and (more := await answer.content.read(_MOST_BYTES)):
                    body += more
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"want an answer of {url}, got: {error!r:.200}") from None
        if form is not None and answer.status == HTTPStatus.BAD_REQUEST:
            raise BadUsage("want a code that the provider takes")
        try:
            if answer.status != HTTPStatus.OK or len(body) > _MOST_BYTES:
                raise Unavailable(f"want an answer of {url}, got {answer.status}, {len(body)} B")
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"want JSON of {url}, {error}") from None
