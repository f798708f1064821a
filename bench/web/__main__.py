"""The web process by measurement: `python -m bench.web [--rounds 3] [--seconds 4]`."""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from bench.web import feed, stream, views
from bench.web.office import office

_FILES = 65_536


def main() -> int:
    """Measure, and print what came."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each load on the feed")
    parser.add_argument("--only", choices=["feed", "stream", "views"])
    arguments = parser.parse_args()
    most = _allow_files()
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        folder = Path(name)
        with office(folder) as running:
            if arguments.only in (None, "feed"):
                _say_feed(feed.measure(running, folder, arguments.rounds, arguments.seconds))
            if arguments.only in (None, "views"):
                for turn in range(arguments.rounds):
                    own = folder / f"views-{turn}"
                    own.mkdir()
                    _say_views(views.measure(running, own, 5 * arguments.seconds))
            if arguments.only in (None, "stream"):
                for readers, events in ((1, 200), (1000, 40), (10_000, 10)):
                    if readers + 1000 > most:
                        sys.stdout.write(f"{readers} readers: only {most} files may be open here\n")
                        continue
                    for _ in range(arguments.rounds):
                        _say_stream(stream.measure(running, readers, events))
    return 0


def _allow_files() -> int:
    """Ten thousand connections are ten thousand open files; the web process inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (_FILES, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
        except (ValueError, OSError):
            continue
        return wanted
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _say_feed(figures: list[feed.Figure]) -> None:
    static = figures[0].median
    for figure in figures:
        sys.stdout.write(
            f"{figure.name:30} {1e6 / figure.median:6.1f} µs CPU a request, "
            f"{figure.median / static:6.1%} of nginx static a CPU second\n"
        )
    sys.stdout.flush()


def _say_views(found: views.Views) -> None:
    wanted = views.WANTED_PER_MINUTE
    sys.stdout.write(
        f"{found.per_minute:7,.0f} page views a minute (wanted: {wanted:,}), each of {found.files} "
        f"files and {found.bytes_each / 1024:.1f} KiB; CPU a view: web {found.web_us:.0f} µs, "
        f"nginx {found.nginx_us:.0f} µs\n"
    )
    for when, hub in (("before", found.before), ("meanwhile", found.meanwhile)):
        sys.stdout.write(
            f"        hub {when:9}: {hub.cpu_us:4.0f} µs CPU a message, kept for good after "
            f"p50 {hub.p50:.1f} ms, p99 {hub.p99:.1f} ms, {hub.lost} lost\n"
        )
    sys.stdout.flush()


def _say_stream(found: stream.Latency) -> None:
    sys.stdout.write(
        f"{found.readers:6} readers: p50 {found.p50:6.1f} ms, p99 {found.p99:6.1f} ms, "
        f"the last {found.last:6.1f} ms, {found.cpu_us:5.1f} µs CPU each; "
        f"mosquitto_sub beside it: p50 {found.broker_p50:.1f} ms, p99 {found.broker_p99:.1f} ms\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
