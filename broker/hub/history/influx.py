"""A server that takes points by InfluxDB's write API v2: InfluxDB 2 and 3, VictoriaMetrics.

influxdb-client is used in its synchronous mode only: its batching mode takes without bound, drops
what it has retried often enough, and hangs when it is closed.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from broker.service import secret
from models.errors import Missing, Unavailable
from models.site import Influx

logger = logging.getLogger("machiai.influx")

SLOWLY_S = 300.0
"""What only people can put right is asked for again so often."""

_TIMEOUT_MS = 20_000
_BAD = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Some point among them is wrong, or they are too many."""

_PARTIAL = re.compile(r"partial write.*?dropped=(\d+)", re.DOTALL)
_PARTIAL_3 = re.compile(r"partial write of line protocol")
_LINE_3 = re.compile(r'"line_number"')
_SHOWN = 200


class Refused(Unavailable):
    """It answers, and will not have this: it has lost nothing that it had.

    `again_s` is when to ask again; None is soon.
    """

    def __init__(self, why: str, again_s: float | None = None) -> None:
        super().__init__(why)
        self.again_s = again_s


class InfluxServer:
    """Blocks: use it in a thread.

    Raises:
        Missing: the token or the certificate cannot be read.
    """

    def __init__(self, table: Influx, site: str) -> None:
        self._table, self._site = table, site
        token = "" if table.token_file is None else secret(table.token_file)
        if table.ca is not None and not Path(table.ca).is_file():
            raise Missing(f"want a certificate authority, got no file - {table.ca}")
        self._client = InfluxDBClient(
            url=table.url,
            token=token,
            org=table.org,
            timeout=_TIMEOUT_MS,
            enable_gzip=True,
            ssl_ca_cert=table.ca,
            retries=False,  # ours are better: they read the journal again
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._noted = ""
        self._drops = 0
        pool = self._client.api_client.rest_client.pool_manager.connection_from_url(table.url)
        pool.ConnectionCls = _watched(pool.ConnectionCls, self._dropped)

    @property
    def drops(self) -> int:
        """How often it let go of us between two requests, as one does that is started anew."""
        return self._drops

    def _dropped(self) -> None:
        self._drops += 1

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()  # type: ignore[no-untyped-call]

    def send(self, lines: Sequence[str], now_ms: int) -> int:
        """Have them written; how many of them it will never take.

        Raises:
            Refused: it will not have any of them now.
            Unavailable: nobody knows what it has.
        """
        if not lines:
            return 0
        try:
            self._post(lines)
        except _BadPointError as bad:
            if bad.dropped is not None:  # it has taken the others
                self._note(lines[0] if len(lines) == 1 else f"{bad.dropped} of them", bad)
                return min(bad.dropped, len(lines))
            if len(lines) > 1:
                half = len(lines) // 2
                return self.send(lines[:half], now_ms) + self.send(lines[half:], now_ms)
            self._try_another(bad, now_ms)
            self._note(lines[0], bad)
            return 1
        return 0

    def _try_another(self, bad: "_BadPointError", now_ms: int) -> None:
        """It is the point that is wrong only if another one is taken."""
        try:
            self._post([f"machiai_shipping,site={self._site} check=1 {now_ms}"])
        except _BadPointError:
            raise Refused(
                f"want points to be taken, got {bad} - {self._table.url}", SLOWLY_S
            ) from None

    def _note(self, what: str, bad: "_BadPointError") -> None:
        """Log it, unless it was so the last time."""
        if str(bad) != self._noted:
            self._noted = str(bad)
            logger.warning("want points to be taken, got %s for %s", bad, what)

    def _post(self, lines: Sequence[str]) -> None:
        try:
            self._write.write(
                bucket=self._table.bucket,
                org=self._table.org,
                record="\n".join(lines).encode("ascii"),
                write_precision=WritePrecision.MS,  # type: ignore[arg-type]  # a text
            )
        except ApiException as error:
            raise self._understood(error) from None
        except (HTTPError, OSError, ValueError) as error:
            said = str([error, *error.args][-1]).rpartition(": ")[2]
            raise Unavailable(f"want an answer, got: {said[:_SHOWN]} - {self._table.url}") from None

    def _understood(self, error: ApiException) -> Exception:
        """What an answer that is no 2xx means."""
        status, body = error.status or 0, str(error.body or "")
        said = f"{status} {error.reason}: {' '.join(body.split())[:_SHOWN]}".rstrip(": ")
        table, want = self._table, "points to be taken"
        again_s: float | None = SLOWLY_S
        if status in _BAD:
            return _BadPointError(said, _dropped(body))
        if not 300 <= status < 500:  # noqa: PLR2004  of the server, or of something on the way
            return Unavailable(f"want {want}, got {said} - {table.url}")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            want = f"the token of {table.token_file or 'nobody'} to open bucket {table.bucket}"
        elif status == HTTPStatus.NOT_FOUND:
            want = f"a bucket {table.bucket}" + (f" of {table.org}" if table.org else "")
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            again_s = _later(error)
        return Refused(f"want {want}, got {said} - {table.url}", again_s)


def _watched(kind: type[Any], dropped: Callable[[], None]) -> type[Any]:
    """A kind of connection that says when it must be made anew though nobody had ended it."""

    class Watched(kind):  # type: ignore[misc]
        _is_ended = True

        def connect(self) -> None:
            super().connect()
            if not self._is_ended:
                dropped()
            self._is_ended = False

        def getresponse(self) -> Any:  # noqa: ANN401  urllib3's
            answer = super().getresponse()
            self._is_ended = answer.headers.get("Connection", "").lower() == "close"
            return answer

    return Watched


class _BadPointError(Exception):
    """The server will not take what was sent; it may have said how many it dropped of it."""

    def __init__(self, said: str, dropped: int | None) -> None:
        super().__init__(said)
        self.dropped = dropped


def _dropped(body: str) -> int | None:
    """How many points it did not take while it took the others; None if it took none.

    Source: answers of InfluxDB 2 ("partial write: ... dropped=3") and of InfluxDB 3 ("partial write
    of line protocol occurred", and a list of lines), as their documentation has them.

    >>> _dropped("failure writing points: partial write: points beyond retention policy dropped=3")
    3
    >>> _dropped('{"code": "invalid", "message": "unable to parse"}') is None
    True
    """
    found = _PARTIAL.search(body)
    if found is not None:
        return int(found[1])
    return len(_LINE_3.findall(body)) or None if _PARTIAL_3.search(body) else None


def _later(error: ApiException) -> float | None:
    """When it wants to be asked again; None is that it did not say."""
    headers: Mapping[str, str] = error.headers or {}
    said = headers.get("Retry-After", "")
    return min(SLOWLY_S, float(said)) if said.isdecimal() and said.isascii() else None
