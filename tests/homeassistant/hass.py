"""A real Home Assistant without a screen, on the loopback: `make test-ha` installs it.

Its user, token and MQTT integration are put where it keeps them itself, in `.storage`.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import aiohttp

from broker.clock import Clock
from broker.embedded import free_port

_KEY = "a key of this test"
_ISSUER = "machiai"
_START_S = 180.0
_PLAIN: Mapping[str, str] = MappingProxyType({})
_CONFIGURATION = """\
homeassistant:
  name: Minami
  time_zone: Asia/Tokyo
  unit_system: metric
  country: JP
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
logger:
  default: warning
"""


def _storage(key: str, version: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"version": version, "minor_version": 1, "key": key, "data": data}


def _auth() -> dict[str, Any]:
    user = {
        "id": "owner",
        "group_ids": ["system-admin"],
        "is_owner": True,
        "is_active": True,
        "name": "test",
        "system_generated": False,
        "local_only": False,
    }
    token = {
        "id": _ISSUER,
        "user_id": "owner",
        "client_id": None,
        "client_name": "test",
        "client_icon": None,
        "token_type": "long_lived_access_token",
        "created_at": "2026-01-01T00:00:00+00:00",
        "access_token_expiration": 315360000.0,
        "token": "00",
        "jwt_key": _KEY,
        "last_used_at": None,
        "last_used_ip": None,
        "credential_id": None,
        "version": "2024.3",
    }
    groups = [{"id": name, "name": name} for name in ("system-admin", "system-users")]
    return {"users": [user], "groups": groups, "credentials": [], "refresh_tokens": [token]}


def _entry(port: int, more: Mapping[str, str]) -> dict[str, Any]:
    return {
        "entry_id": "mqtt",
        "version": 1,
        "minor_version": 1,
        "domain": "mqtt",
        "title": "MQTT",
        "data": {"broker": "127.0.0.1", "port": port, "discovery": True, **more},
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "unique_id": None,
        "disabled_by": None,
    }


def token() -> str:
    """A token of the user that is in its storage (RFC 7519, HS256)."""

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(Clock().now().timestamp())
    claims = {"iss": _ISSUER, "iat": now - 60, "exp": now + 86_400}
    head = {"alg": "HS256", "typ": "JWT"}
    signed = part(json.dumps(head).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.digest(_KEY.encode(), signed, hashlib.sha256))).decode()


class HomeAssistant:
    """One, that listens at a broker; it can be killed and started again."""

    def __init__(
        self, venv: Path, folder: Path, broker_port: int, tls: Mapping[str, str] = _PLAIN
    ) -> None:
        self._program = venv / "bin" / "hass"
        self.folder = folder
        self.port = free_port()
        storage = folder / ".storage"
        storage.mkdir(parents=True)
        (folder / "configuration.yaml").write_text(_CONFIGURATION.format(port=self.port), "utf-8")
        for made in (
            _storage("auth", 1, _auth()),
            _storage("core.config_entries", 1, {"entries": [_entry(broker_port, tls)]}),
            _storage(
                "onboarding", 4, {"done": ["user", "core_config", "analytics", "integration"]}
            ),
        ):
            (storage / made["key"]).write_text(json.dumps(made), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._client: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {token()}"}
        self._client = aiohttp.ClientSession(self.url, headers=headers)
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.kill)
        assert self._client is not None
        await self._client.close()

    async def start(self) -> None:
        """Run it, and wait until it has started."""
        await asyncio.to_thread(self._run)
        async with asyncio.timeout(_START_S):
            while await self._state() != "RUNNING":
                assert self._process is not None
                assert self._process.poll() is None, self.said()
                await asyncio.sleep(0.2)

    def _run(self) -> None:
        with (self.folder / "hass.out").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self.folder), "--skip-pip"],
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )

    async def _state(self) -> str:
        with contextlib.suppress(aiohttp.ClientError, socket.error):
            return str((await self.get("/api/config"))["state"])
        return ""

    async def get(self, path: str) -> Any:  # noqa: ANN401  JSON
        """Ask its REST API."""
        assert self._client is not None
        async with self._client.get(path) as response:
            response.raise_for_status()
            return await response.json()

    async def states(self) -> dict[str, dict[str, Any]]:
        """All entities of the office."""
        found = {one["entity_id"]: one for one in await self.get("/api/states")}
        return {name: one for name, one in found.items() if ".minami_" in name}

    async def ask(self, kind: str) -> list[dict[str, Any]]:
        """Ask its websocket, as its pages do."""
        assert self._client is not None
        async with self._client.ws_connect("/api/websocket") as socket_:
            await socket_.receive_json()
            await socket_.send_json({"type": "auth", "access_token": token()})
            await socket_.receive_json()
            await socket_.send_json({"id": 1, "type": kind})
            answer = await socket_.receive_json()
        assert answer["success"], answer
        result: list[dict[str, Any]] = answer["result"]
        return result

    def said(self) -> str:
        """Its log."""
        return (self.folder / "hass.out").read_text("utf-8", errors="replace")

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """End it, and wait until it has ended."""
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(timeout=60)
            self._process = None
