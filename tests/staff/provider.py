"""A provider of accounts as a city has one: OpenID Connect over TLS, with real keys, and its lies.

It lets everybody in as `user` without asking. What a test changes in `lies`, `sign` or `keys` is
wrong in just that way.
"""

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from broker.clock import Clock
from models.site import Oidc

CLIENT, SECRET = "machiai", "a secret: of +/% signs"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


class Key:
    """One key pair of the provider's."""

    def __init__(self, name: str | None, private: Private, algorithm: str) -> None:
        self.name, self.private, self.algorithm = name, private, algorithm

    def public(self) -> dict[str, Any]:
        """As it stands among its keys."""
        made = jwt.get_algorithm_by_name(self.algorithm)
        told: dict[str, Any] = json.loads(made.to_jwk(self.private.public_key()))
        told |= {"use": "sig", "alg": self.algorithm}
        return told if self.name is None else told | {"kid": self.name}

    def sign(self, claims: dict[str, Any]) -> str:
        headers = {} if self.name is None else {"kid": self.name}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=headers)


class Provider:
    """The server, in a thread of its own."""

    def __init__(self, folder: Path, clock: Clock, back: str) -> None:
        """Take the address that is registered for us."""
        self._clock = clock
        self.back = back
        self.user: dict[str, Any] = {
            "sub": "4711",
            "preferred_username": "hanako",
            "groups": ["madoguchi"],
        }
        self.lies: dict[str, Any] = {}
        self.found: dict[str, Any] = {}  # lies in the document
        self.status = 200
        self.has_secret = True
        self.keys = [Key("one", rsa_key(), "RS256")]
        self.sign: Callable[[dict[str, Any]], str] = self._honest
        self.codes: dict[str, dict[str, str]] = {}
        self.asked = {"keys": 0, "token": 0}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="provider")
        self._thread.start()
        self.ca = folder / "provider.pem"
        self._runner, port = self._await(self._start(_certificate(self.ca)))
        self.issuer = f"https://localhost:{port}"
        secret = folder / "secret"
        secret.write_text(f"{SECRET}\n", "utf-8")
        self.table = Oidc(
            issuer=self.issuer,
            client_id=CLIENT,
            secret_file=str(secret),
            ca=str(self.ca),
            viewer=("shokuin",),
            counter=("madoguchi", "desk"),
            facility=("shisetsu",),
        )

    def _honest(self, claims: dict[str, Any]) -> str:
        """By the newest key."""
        return self.keys[-1].sign(claims)

    def close(self) -> None:
        self._await(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _await(self, step: Any) -> Any:  # noqa: ANN401  whatever it answers
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(10)

    async def _start(self, tls: ssl.SSLContext) -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._document)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._public)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return runner, runner.addresses[0][1]

    async def _document(self, request: web.Request) -> web.Response:
        _ = request
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
        }
        return web.json_response(told | self.found, status=self.status)

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        good = (
            asked["response_type"] == "code"
            and asked["client_id"] == CLIENT
            and asked["redirect_uri"] == self.back
            and asked["code_challenge_method"] == "S256"
            and "openid" in asked["scope"].split()
        )
        if not good:
            return web.Response(status=400, text=str(asked))
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return web.Response(status=303, headers={"Location": f"{self.back}?{told}"})

    async def _token(self, request: web.Request) -> web.Response:
        self.asked["token"] += 1
        form = {name: str(value) for name, value in (await request.post()).items()}
        if self.has_secret:
            given = request.headers.get("Authorization", "").removeprefix("Basic ")
            name, _, word = base64.b64decode(given).decode().partition(":")
            known = (unquote(name), unquote(word)) == (CLIENT, SECRET)
        else:
            known = form.get("client_id") == CLIENT and "Authorization" not in request.headers
        if not known:
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now_s = self._clock.now().timestamp()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": int(now_s),
            "exp": int(now_s) + 300,
            "nonce": asked["nonce"],
            **self.user,
            **self.lies,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return web.json_response({"id_token": self.sign(claims), "token_type": "Bearer"})

    async def _public(self, request: web.Request) -> web.Response:
        _ = request
        self.asked["keys"] += 1
        return web.json_response({"keys": [key.public() for key in self.keys]})


def unsigned(claims: dict[str, Any]) -> str:
    """`alg: none`."""
    return jwt.encode(claims, "", algorithm="none")


def by_public_key(key: Key) -> Callable[[dict[str, Any]], str]:
    """HS256 with what everybody knows: the public key."""
    public = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def sign(claims: dict[str, Any]) -> str:
        head = _part({"alg": "HS256", "typ": "JWT", "kid": key.name})
        signed = f"{head}.{_part(claims)}"
        digest = hmac.digest(public, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return sign


def _part(told: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def _certificate(path: Path) -> ssl.SSLContext:
    """A certificate of `localhost` that nobody but the test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = path.with_suffix(".key")
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, private)
    return context
