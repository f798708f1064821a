"""Feed requests a CPU second: straight, behind nginx's micro-cache, and of nginx static."""

import contextlib
import re
import statistics
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.web.office import FEED, Office, cpu_s, running, until_served
from broker.embedded import free_port
from models.errors import Missing

CONF = Path(__file__).resolve().parents[2] / "docs" / "nginx" / "machiai.conf"
_NGINX = "/usr/sbin/nginx"
_CONNECTIONS = 32


class Figure:
    """Requests a CPU second of one server, round by round."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.per_cpu_s: list[float] = []
        self.per_s: list[float] = []

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.per_cpu_s)


@contextlib.contextmanager
def nginx(folder: Path, upstream: int, body: bytes) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Nginx with the configuration that we ship, and a static copy of the feed beside it.

    Yields:
        The port of the micro-cache, that of the static file, and the processes.
    """
    cached, static = free_port(), free_port()
    root = folder / "static"
    (root / FEED.strip("/")).parent.mkdir(parents=True)
    (root / FEED.strip("/")).write_bytes(body)
    shipped = CONF.read_text("utf-8")
    shipped = shipped.replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    shipped = shipped.replace("listen 80;", f"listen 127.0.0.1:{cached};")
    shipped = shipped.replace("/var/cache/nginx/machiai", str(folder / "cache"))
    conf = folder / "nginx.conf"
    conf.write_text(
        "daemon off; worker_processes 1; user root; error_log stderr crit;\n"
        f"pid {folder}/nginx.pid;\n"
        "events { worker_connections 4096; }\n"
        "http { default_type application/json; sendfile on; tcp_nopush on;\n"
        f"open_file_cache max=10; keepalive_requests 1000000000;\n{shipped}\n"
        f"server {{ listen 127.0.0.1:{static}; access_log off; root {root}; }} }}\n",
        encoding="utf-8",
    )
    with running([_NGINX, "-c", str(conf), "-p", str(folder)]) as master:
        until_served(f"http://127.0.0.1:{static}{FEED}")
        children = Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text("ascii")
        yield cached, static, (master.pid, *map(int, children.split()))


def measure(office: Office, folder: Path, rounds: int, seconds: int) -> list[Figure]:
    """Side by side, round by round.

    Raises:
        Missing: nginx or wrk is not installed.
    """
    for tool in (_NGINX, "/usr/bin/wrk"):
        if not Path(tool).exists():
            raise Missing(f"want {tool}, got none: apt-get install nginx-light wrk")
    with urllib.request.urlopen(office.url + FEED) as answer:  # noqa: S310  our own
        body, etag = answer.read(), answer.headers["ETag"]
    web = (office.web.pid,)
    figures = {
        name: Figure(name)
        for name in ("nginx static", "web, straight", "web, 304", "behind nginx, 1 s micro-cache")
    }
    with nginx(folder, office.port, body) as (cached, static, servers):
        for _ in range(rounds):
            for name, port, pids, headers in (
                ("nginx static", static, servers, ()),
                ("web, straight", office.port, web, ()),
                ("web, 304", office.port, web, ("-H", f"If-None-Match: {etag}")),
                ("behind nginx, 1 s micro-cache", cached, (*servers, *web), ()),
            ):
                _one(figures[name], f"http://127.0.0.1:{port}{FEED}", pids, headers, seconds)
    return list(figures.values())


def _one(
    figure: Figure, url: str, pids: Sequence[int], headers: Sequence[str], seconds: int
) -> None:
    before_s = cpu_s(*pids)
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}", *headers, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used_s = cpu_s(*pids) - before_s
    requests = re.search(r"(\d+) requests in", said)
    if requests is None or "Non-2xx" in said:
        raise ValueError(f"want answers of {url}, wrk said: {said}")
    figure.per_cpu_s.append(int(requests[1]) / used_s)
    figure.per_s.append(int(requests[1]) / seconds)
