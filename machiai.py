"""machiai's front door: one command line, each subcommand imported only when it is called."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from edge.sensors import Sensor
    from models.site import Device, Site

_PLAYLIST = "machiai playlist site.toml my-content --at '2027-03-03 12:10'"
_NOTICE = "machiai notice site.toml drill quake --by 'Disaster desk'"
_FIRST_BOOT = "machiai first-boot site.toml --device cam-1 --key id.pub --out card"
_KIOSK = "cage -- machiai kiosk site.toml --display l-1"
_BACKUP = "machiai backup site.toml --out /var/backups/minami.sqlite"
_RESTORE = "machiai restore site.toml /var/backups/minami.sqlite"
_STAFF = "machiai staff site.toml add hanako --role counter"
_HOME_ASSISTANT = "machiai homeassistant site.toml"
_REPORT = "machiai report site.toml --month 2026-10 --out reports --pdf"
_PROBE = "machiai probe https://city.example.jp/queue.html --pattern '待ち人数 {waiting}人'"
_INVENTORY = "machiai inventory site.toml --out ansible/inventory/minami"
EXAMPLE = Path(__file__).parent / "ansible" / "sites" / "example.toml"
GUIDES = "*-guide.toml"  # in a folder of site files these are none


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (sysexits)."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before anything can import onnxruntime
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's would wait by spinning
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv).parse_args(argv)
    from models.errors import MachiaiError  # noqa: PLC0415

    command: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return command(arguments)
    except MachiaiError as error:
        print(f"machiai: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


class _Parser(argparse.ArgumentParser):
    """Wrong usage is exit code 64, as in sysexits."""

    def error(self, message: str) -> NoReturn:
        print(f"machiai: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(64)


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="machiai",
        description="How busy is the public office: waits, crowding and parking.",
        epilog="Example: machiai demo --speed 20",
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.set_defaults(run=lambda arguments: _version(parser, arguments))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], does: str, example: str
    ) -> _Parser:
        command = commands.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=f"Example: {example}",
        )
        command.set_defaults(run=run)
        return command

    _demo_arguments(
        add("demo", _demo, "a whole office on this machine", "machiai demo --speed 60 --for 60")
    )

    edge = add("edge", _edge, "the agent of one device", "machiai edge site.toml --device cam-1")
    _site(edge)
    edge.add_argument(
        "--device", required=True, help="which device of the site file; all: every one"
    )
    edge.add_argument("--state", metavar="DIR", help="where the outbox is kept")
    edge.add_argument("--simulate", type=int, metavar="SEED", help="play a made-up office instead")
    edge.add_argument("--camera", metavar="FILE|DEVICE", help="with --simulate: the lobby's camera")
    edge.add_argument(
        "--setup", action="store_true", help="draw what its cameras look at, in a browser, instead"
    )
    edge.add_argument("--host", default="0.0.0.0", help="with --setup: listen there (everywhere)")  # noqa: S104
    edge.add_argument("--port", type=_port, default=8088, help="with --setup: the port (8088)")

    hub = add(
        "hub", _hub, "the hub of one office", "machiai hub site.toml --state /var/lib/machiai"
    )
    _site(hub)
    hub.add_argument("--state", metavar="DIR", help="where the journal is kept")
    hub.add_argument(
        "--export",
        nargs="?",
        const="-",
        metavar="LOG",
        help="only write what the journal holds as a log for replay (to standard output)",
    )

    _backup_arguments(
        add("backup", _backup, "a copy of what the hub keeps, while it is at work", _BACKUP)
    )
    _restore_arguments(
        add("restore", _restore, "a hub goes on from a backup; stop it first", _RESTORE)
    )

    web = add(
        "web",
        _web,
        "the residents' page and the feed, of one office or of all of a city",
        "machiai web site.toml --port 8080; of a city: machiai web minami.toml kita.toml",
    )
    web.add_argument(
        "sites",
        nargs="+",
        type=Path,
        metavar="SITE.toml",
        help="the office's site file; several, or a folder of them, are a city: its page is at /, "
        "that of each office at /ID/",
    )
    web.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    web.add_argument("--port", type=_port, default=8080, help="the port to listen on (8080)")
    web.add_argument(
        "--demo", type=int, metavar="SEED", help="show a made-up office's truth on /demo"
    )

    _display_arguments(
        add("display", _display, "the lobby's screen", "machiai display site.toml --display l-1")
    )
    _playlist_arguments(
        add("playlist", _playlist, "is a playlist right, and what is shown when", _PLAYLIST)
    )
    _kiosk_arguments(add("kiosk", _kiosk, "a browser on the lobby's screen", _KIOSK))

    _notice_arguments(
        add("notice", _notice, "put up a notice, confirm another's, take one down", _NOTICE)
    )

    _broker_arguments(
        add(
            "broker",
            _broker,
            "mosquitto's configuration and access rules",
            "machiai broker site.toml --out /etc/mosquitto",
        )
    )

    _pki_arguments(
        add("pki", _pki, "the office's certificates", "machiai pki list authority"), argv
    )

    _inventory_arguments(
        add("inventory", _inventory, "Ansible's inventory, made from the site files", _INVENTORY)
    )

    _first_boot_arguments(
        add("first-boot", _first_boot, "what a blank SD card needs before Ansible", _FIRST_BOOT)
    )

    _staff_arguments(add("staff", _staff, "who may come in to the staff's pages", _STAFF), argv)

    _homeassistant_arguments(
        add("homeassistant", _homeassistant, "the office in a Home Assistant", _HOME_ASSISTANT)
    )

    _replay_arguments(
        add(
            "replay",
            _replay,
            "what would have been told, from a log",
            "machiai replay site.toml --log log.jsonl.gz --ask ask.csv --out out.csv",
        )
    )

    _report_arguments(add("report", _report, "what the office learns from a month", _REPORT))

    _probe_arguments(
        add("probe", _probe, "what a page or a line of a ticket machine would tell", _PROBE)
    )

    _site(add("check", _check, "is the site file right", "machiai check site.toml"))

    models = add("models", _models, "what a camera counts with", "machiai models list")
    if argv[:1] == ["models"]:
        from edge.cards import add_arguments  # noqa: PLC0415

        add_arguments(models)
    return parser


def _demo_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--site", type=Path, default=EXAMPLE, help="the site file (the example office)"
    )
    command.add_argument("--speed", type=_positive, default=10.0, help="times as fast as life (10)")
    command.add_argument("--for", dest="for_s", type=_positive, metavar="SECONDS", help="then end")
    command.add_argument(
        "--port", type=_port, help="of the resident's page (the first free from 8080)"
    )
    command.add_argument("--camera", metavar="FILE|DEVICE", help="count the lobby's people in this")
    command.add_argument("--seed", type=int, default=1, help="another number is another day (1)")
    command.add_argument("--date", type=_date, help="the day shown (the next one that is open)")
    command.add_argument("--time", type=_time, default=time(10), help="when it begins (10:00)")


def _kiosk_arguments(command: argparse.ArgumentParser) -> None:
    _shown(command)
    command.add_argument("--port", type=_port, default=8081, help="where its page is (8081)")
    command.add_argument("--headless", action="store_true", help="without a screen")


def _shown(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("--display", required=True, help="which display of the site file")


def _display_arguments(command: argparse.ArgumentParser) -> None:
    _shown(command)
    command.add_argument("--state", metavar="DIR", help="where its outbox and its content are kept")
    command.add_argument("--port", type=_port, default=8081, help="the port on 127.0.0.1 (8081)")
    command.add_argument(
        "--content", type=Path, metavar="DIR", help="the folder of its playlist (in its state)"
    )
    command.add_argument(
        "--sticks",
        type=Path,
        metavar="DIR",
        help="show the playlist of a USB stick that appears below this (with --alone: /media)",
    )
    command.add_argument(
        "--alone", action="store_true", help="no hub and no broker: only what is true without them"
    )


def _playlist_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder of playlist.toml")
    command.add_argument("--display", help="which display of the site file (the first)")
    command.add_argument("--at", type=_moment, help="when, in the office's time (now)")


def _notice_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("act", choices=("post", "drill", "confirm", "cancel"), help="what to do")
    command.add_argument("name", help="of the notice: a-z, 0-9 and -")
    command.add_argument("--by", required=True, help="who says it: a role or desk")
    command.add_argument(
        "--text", action="append", default=[], metavar="LANGUAGE=TEXT", help="once a language; "
        "none: to leave the building, in all languages"
    )  # fmt: skip
    command.add_argument(
        "--severity",
        choices=("info", "warning", "emergency"),
        default="emergency",
        help="with post (emergency): an emergency waits until another person confirms it",
    )
    command.add_argument("--minutes", type=_positive, help="for how long (until it is cancelled)")
    command.add_argument("--state", metavar="DIR", help="where what the hub has not yet is kept")


def _broker_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sites", nargs="+", type=Path, metavar="SITE.toml", help="an office's site file, or several"
    )
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    command.add_argument(
        "--folder", default="/etc/mosquitto", help="where what is written will lie (/etc/mosquitto)"
    )
    command.add_argument(
        "--pki", default="/etc/machiai/pki", help="where certificates lie (/etc/machiai/pki)"
    )
    command.add_argument("--crl", action="store_true", help="refuse what crl.pem there revokes")
    command.add_argument("--bind", metavar="ADDRESS", help="listen on this address alone (all)")


def _first_boot_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument(
        "--device", required=True, help="which device or display of the site file, or hub"
    )
    command.add_argument(
        "--key", required=True, type=Path, metavar="ID.pub", help="whose ssh key opens it"
    )
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    command.add_argument(
        "--address", metavar="ADDRESS/BITS", help="192.0.2.21/24 (the office's DHCP gives one)"
    )
    command.add_argument("--gateway", metavar="ADDRESS", help="with --address: the way out")
    command.add_argument("--dns", metavar="ADDRESS", help="with --address: who knows names")


def _pki_arguments(command: argparse.ArgumentParser, argv: list[str]) -> None:
    if argv[:1] == ["pki"]:
        try:
            from broker.pki.command import add_arguments  # noqa: PLC0415
        except ImportError as error:
            command.error(f"want machiai[provision] installed, {error}")
        add_arguments(command)


def _inventory_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sites", nargs="+", type=Path, metavar="SITE.toml", help="an office's, several, or a folder"
    )
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")


def _backup_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("--state", metavar="DIR", help="where the hub keeps its journal")
    command.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="of the copy; it is replaced"
    )


def _restore_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("file", type=Path, metavar="FILE", help="of the copy")
    command.add_argument("--state", metavar="DIR", help="where the hub will look for its journal")


def _staff_arguments(command: argparse.ArgumentParser, argv: list[str]) -> None:
    if argv[:1] == ["staff"]:
        try:
            from signage.staff.command import add_arguments  # noqa: PLC0415
        except ImportError as error:
            command.error(f"want machiai[web] installed, {error}")
        add_arguments(command)


def _homeassistant_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument(
        "--remove", action="store_true", help="take the office away from there instead, and end"
    )


def _replay_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument(
        "--log", required=True, type=Path, help="observations as JSON lines, .gz or not"
    )
    command.add_argument("--ask", required=True, type=Path, help="what was asked when, a CSV file")
    command.add_argument("--out", required=True, type=Path, help="where to write the answers")


def _report_arguments(command: argparse.ArgumentParser) -> None:
    _site(command)
    command.add_argument("--month", help="such as 2026-10 (the last one that is over)")
    command.add_argument("--state", metavar="DIR", help="where the hub keeps its journal")
    command.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to write")
    command.add_argument(
        "--lang", action="append", choices=("ja", "en"), help="once a language (both)"
    )
    command.add_argument("--pdf", action="store_true", help="print it as well, by chromium")
    command.add_argument(
        "--since-change", type=_date, metavar="DATE", help="compare the days before and after it"
    )


def _probe_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "page",
        metavar="URL|FILE|SITE.toml",
        help="a page, a saved one, or lines of a ticket machine; of a site file: all its sensors",
    )
    command.add_argument(
        "--pattern", action="append", default=[], help="what this reads (docs/probe.md)"
    )
    command.add_argument("--site", type=Path, metavar="SITE.toml", help="whose services these are")
    command.add_argument(
        "--sensor", metavar="devices[0].sensors[0]", help="with --site: what that one would read"
    )
    command.add_argument(
        "--encoding",
        choices=("utf-8", "ascii", "cp932", "shift_jis", "euc_jp"),
        help="of the page (as it says)",
    )


def _site(command: argparse.ArgumentParser) -> None:
    command.add_argument("site", type=Path, metavar="SITE.toml", help="the office's site file")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"want a number above 0, got {text}")
    return value


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"want a port from 1 to 65535, got {text}")
    return int(text)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _version(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if not arguments.version:
        parser.print_help()
        return 64
    from broker.version import VERSION  # noqa: PLC0415

    print(f"machiai {VERSION}")
    return 0


def _read(path: Path) -> "Site":
    """The site file, with its sensors' settings checked where an agent is installed."""
    from models.errors import BadSite, Missing  # noqa: PLC0415
    from models.site import parse  # noqa: PLC0415

    try:
        return parse(path.read_text(encoding="utf-8"), str(path), str(path.parent))
    except UnicodeDecodeError as error:
        raise BadSite(f"{path}: want UTF-8, {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise Missing(f"want a site file, got: {error.strerror} - {path}") from None


def _read_all(paths: Sequence[Path]) -> "list[Site]":
    """The site files, those of a folder by their names."""
    return [_read(file) for file in _site_files(paths)]


def _site_files(paths: Sequence[Path]) -> list[Path]:
    from models.errors import Missing  # noqa: PLC0415

    listed: list[Path] = []
    for path in paths:
        found = set(path.glob("*.toml")) - set(path.glob(GUIDES))
        files = sorted(found) if path.is_dir() else [path]
        if not files:
            raise Missing(f"want site files, got a folder without any - {path}")
        listed += files
    return listed


def _check(arguments: argparse.Namespace) -> int:
    from signage.guide.reading import guide_of  # noqa: PLC0415

    site = _read(arguments.site)
    _check_sensors(arguments.site, site)
    _check_notices(arguments.site, site, site.devices)
    _check_displays(arguments.site, site)
    guide = guide_of(site)
    counted = {
        "services": site.services,
        "counters": site.counters,
        "zones": site.zones,
        "lots": site.lots,
        "devices": site.devices,
        "displays": site.displays,
    }
    if guide is not None:
        counted["purposes"] = guide.purposes
    said = ", ".join(f"{len(items)} {name}" for name, items in counted.items())
    print(f"{arguments.site}: right. {site.id}: {said}")
    return 0


def _check_sensors(path: Path, site: "Site") -> None:
    """Read every sensor's settings, which belong to its kind, and say all that is wrong."""
    from edge.sensors import sensors_of  # noqa: PLC0415
    from models.errors import BadSite  # noqa: PLC0415

    mistakes = []
    for device in site.devices:
        try:
            sensors_of(site, device)
        except BadSite as error:
            mistakes.append(f"{path}: {error}")
    if mistakes:
        raise BadSite("\n".join(mistakes))


def _check_notices(path: Path, site: "Site", devices: Sequence["Device"]) -> None:
    """No camera counts before its notice is approved."""
    from models.errors import BadSite  # noqa: PLC0415
    from models.sensing.notice import unapproved  # noqa: PLC0415

    mistakes = [f"{path}: {why}" for why in unapproved(site, {device.id for device in devices})]
    if mistakes:
        raise BadSite("\n".join(mistakes))


def _check_displays(path: Path, site: "Site") -> None:
    """Every display's text can be read by its farthest reader."""
    from models.errors import BadSite  # noqa: PLC0415
    from signage.display.layout import layout_of  # noqa: PLC0415

    mistakes = []
    for i, display in enumerate(site.displays):
        try:
            layout_of(display, f"$.displays[{i}]")
        except BadSite as error:
            mistakes.append(f"{path}: {error}")
    if mistakes:
        raise BadSite("\n".join(mistakes))


def _broker(arguments: argparse.Namespace) -> int:
    from broker import acl  # noqa: PLC0415
    from models.errors import Unavailable  # noqa: PLC0415

    sites = [_read(path) for path in arguments.sites]
    setup = acl.Setup(
        folder=arguments.folder, pki=arguments.pki, crl=arguments.crl, bind=arguments.bind
    )
    made = {
        acl.CONFIGURATION: acl.configuration(sites, setup),
        acl.RULES: acl.rules(sites),
    }
    for name, text in made.items():
        target = arguments.out / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"want to write {target}, got: {error.strerror}") from None
        print(f"{target}: written")
    print("names of certificates: " + " ".join(acl.names(sites)))
    return 0


def _pki(arguments: argparse.Namespace) -> int:
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.pki.command import run  # noqa: PLC0415

    for line in run(arguments, _read_all, from_environment().now()):
        print(line)
    return 0


def _staff(arguments: argparse.Namespace) -> int:
    from broker.clock import from_environment  # noqa: PLC0415
    from signage.staff.command import run  # noqa: PLC0415

    for line in run(arguments, _read(arguments.site), from_environment().now()):
        print(line)
    return 0


def _inventory(arguments: argparse.Namespace) -> int:
    from broker import inventory  # noqa: PLC0415
    from models.errors import Unavailable  # noqa: PLC0415

    sites = [(path, _read(path)) for path in _site_files(arguments.sites)]
    try:
        machines = inventory.write(sites, arguments.out)
    except OSError as error:
        raise Unavailable(f"want to write {arguments.out}, got: {error.strerror}") from None
    for host in machines:
        print(f"{host.name}: {host.address} ({', '.join(host.groups)})")
    return 0


def _first_boot(arguments: argparse.Namespace) -> int:
    from broker import first_boot  # noqa: PLC0415
    from models.errors import Missing, Unavailable  # noqa: PLC0415

    site = _read(arguments.site)
    try:
        keys = first_boot.keys_in(arguments.key.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise Missing(f"want a public key, got: {error.strerror} - {arguments.key}") from None
    fixed = first_boot.fixed_of(arguments.address, arguments.gateway, arguments.dns)
    for name, text in first_boot.files(site, arguments.device, keys, fixed).items():
        target = arguments.out / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"want to write {target}, got: {error.strerror}") from None
        print(f"{target}: written")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.demo import Options, run  # noqa: PLC0415

    site = _read(arguments.site)
    _check_sensors(arguments.site, site)
    options = Options(
        site_path=arguments.site,
        speed=arguments.speed,
        seed=arguments.seed,
        port=arguments.port,
        for_s=arguments.for_s,
        camera=arguments.camera,
        day=arguments.date,
        start=arguments.time,
    )
    return service.run(lambda: run(site, options, lambda line: print(line, flush=True)))


def _edge(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415
    from edge.agent import run_all  # noqa: PLC0415

    site = _read(arguments.site)
    if arguments.setup:
        return _setup(arguments, site)
    _check_sensors(arguments.site, site)
    everyone = arguments.device == "all"
    devices = site.devices if everyone else (site.device(arguments.device),)
    clock, address = from_environment(), address_of(site.broker)
    is_trial = arguments.camera is None or address.host == "127.0.0.1"
    if arguments.simulate is None or not is_trial:
        _check_notices(arguments.site, site, devices)
    folder = service.state_folder("edge", arguments.state)
    made = [(device, _sensors(site, device, arguments, folder)) for device in devices]
    return service.run(lambda: run_all(site, made, clock=clock, address=address, folder=folder))


def _setup(arguments: argparse.Namespace, site: "Site") -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from models.errors import Missing  # noqa: PLC0415

    try:
        from edge.setup.server import Setup, serve  # noqa: PLC0415
    except ImportError as error:
        raise Missing(f"want machiai[camera] installed, {error}") from None

    setup = Setup(site, site.device(arguments.device), from_environment())
    return service.run(
        lambda: serve(
            setup,
            host=arguments.host,
            port=arguments.port,
            tell=lambda line: print(line, flush=True),
        )
    )


def _sensors(
    site: "Site", device: "Device", arguments: argparse.Namespace, folder: Path
) -> "list[Sensor]":
    from edge.sensors import sensors_of  # noqa: PLC0415

    if arguments.simulate is None:
        return sensors_of(site, device)
    from edge.agent import kept_until  # noqa: PLC0415
    from edge.sensors.sim import stand_in  # noqa: PLC0415

    since = kept_until(folder, device.id)
    return stand_in(site, device, seed=arguments.simulate, camera=arguments.camera, since=since)


def _hub(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.hub.hub import JOURNAL, serve  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415

    site = _read(arguments.site)
    folder = service.state_folder("hub", arguments.state)
    if arguments.export is not None:
        from broker.hub.export import export  # noqa: PLC0415

        export(site.id, folder / JOURNAL, arguments.export)
        return 0
    clock, address = from_environment(), address_of(site.broker)
    return service.run(lambda: serve(site, clock, address, folder))


def _backup(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.hub.history.backup import back_up  # noqa: PLC0415
    from broker.hub.hub import JOURNAL  # noqa: PLC0415

    journal = service.state_folder("hub", arguments.state) / JOURNAL
    now = from_environment().now()
    print(back_up(_read(arguments.site), journal, arguments.out, now))
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.hub.history.backup import restore  # noqa: PLC0415
    from broker.hub.hub import JOURNAL  # noqa: PLC0415

    journal = service.state_folder("hub", arguments.state) / JOURNAL
    now = from_environment().now()
    copy = restore(_read(arguments.site), journal, arguments.file, now)
    print(copy)
    if copy.aside is not None:
        print(f"{copy.aside}: what was there before")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm  # noqa: PLC0415

    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.hub.history.reading import Past  # noqa: PLC0415
    from broker.hub.history.tickets import said  # noqa: PLC0415
    from broker.hub.hub import JOURNAL  # noqa: PLC0415
    from models.errors import Missing  # noqa: PLC0415
    from models.report.kept import SOURCES  # noqa: PLC0415
    from models.report.month import figures, reads  # noqa: PLC0415
    from models.report.plan import Plan, month_before, month_of, month_with  # noqa: PLC0415

    try:
        from signage.report import paper  # noqa: PLC0415
        from signage.report.writing import write  # noqa: PLC0415
    except ImportError as error:
        raise Missing(f"want machiai[hub,web] installed, {error}") from None

    site = _read(arguments.site)
    if arguments.pdf:
        paper.program()  # before the work, not after it
    plan, now = Plan(site), from_environment().now()
    today = plan.calendar.day_of(now)
    month = month_of(arguments.month) if arguments.month else month_before(month_with(today))
    path = service.state_folder("hub", arguments.state) / JOURNAL
    change = arguments.since_change
    with tqdm(desc=f"{site.id} {month.first:%Y-%m}", unit="", leave=False, disable=None) as bar:
        with Past(path) as past:
            spans = reads(plan, month, change)
            cells = {
                source: [cell for span in spans for cell in past.cells(*source, *span)]
                for source in SOURCES
            }
        tickets = said(path, *plan.edges_ms(month))
        found = figures(plan, month, now, cells, tickets, change=change, step=bar.update)
    languages = arguments.lang or ("ja", "en")
    for file in write(found, arguments.out, languages, now, pdf=arguments.pdf):
        print(f"{file}: written", flush=True)
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from broker.replay import replay  # noqa: PLC0415

    replay(_read(arguments.site), arguments.log, arguments.ask, arguments.out)
    return 0


def _probe(arguments: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415

    from models.errors import BadData, Missing  # noqa: PLC0415

    try:
        from edge.probe import Asked, probe  # noqa: PLC0415
    except ImportError as error:
        raise Missing(f"want machiai[edge] installed, {error}") from None

    of_site = arguments.page.endswith(".toml")
    path = Path(arguments.page) if of_site else arguments.site
    asked = Asked(
        page=None if of_site else arguments.page,
        patterns=tuple(arguments.pattern),
        site=None if path is None else _read(path),
        sensor=arguments.sensor,
        encoding=arguments.encoding,
    )
    lines, is_right = asyncio.run(probe(asked))
    for line in lines:
        print(line)
    return 0 if is_right else BadData.exit_code


def _web(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415
    from models.errors import BadSite, BadUsage  # noqa: PLC0415
    from signage.web import serve_web  # noqa: PLC0415

    sites = _read_all(arguments.sites)
    if arguments.demo is not None and len(sites) > 1:
        raise BadUsage(f"want one site file with --demo, got {len(sites)}")
    address, *others = {address_of(site.broker) for site in sites}
    if others:
        listed = " and ".join(sorted(map(str, [address, *others])))
        raise BadSite(f"want one broker for all sites, got {listed} - at `$.broker`")
    clock = from_environment()
    return service.run(
        lambda: serve_web(
            sites,
            clock,
            address,
            host=arguments.host,
            port=arguments.port,
            demo_seed=arguments.demo,
        )
    )


def _display(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415
    from signage.display.server import serve_display  # noqa: PLC0415

    site = _read(arguments.site)
    display = site.display(arguments.display)
    folder = service.state_folder("display", arguments.state) / display.id
    clock = from_environment()
    address = None if arguments.alone else address_of(site.broker)
    sticks = arguments.sticks or (Path("/media") if arguments.alone else None)
    return service.run(
        lambda: serve_display(
            site,
            display.id,
            clock,
            address,
            folder,
            arguments.port,
            content=arguments.content,
            sticks=sticks,
        )
    )


def _playlist(arguments: argparse.Namespace) -> int:
    from broker.clock import from_environment  # noqa: PLC0415
    from models.errors import BadSite  # noqa: PLC0415
    from signage.display.answers import told  # noqa: PLC0415

    site = _read(arguments.site)
    if arguments.display is None and not site.displays:
        raise BadSite(f"{arguments.site}: want a display, got none - at `$.displays`")
    display = site.display(arguments.display) if arguments.display else site.displays[0]
    moment = arguments.at or from_environment().now().astimezone(site.zone_info)
    lines, is_right = told(site, display, arguments.folder, moment.replace(tzinfo=site.zone_info))
    for line in lines:
        print(line)
    return 0 if is_right else BadSite.exit_code


def _kiosk(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from signage.kiosk.keeper import Keeper  # noqa: PLC0415

    site = _read(arguments.site)
    display = site.display(arguments.display)
    return service.run(
        lambda: Keeper(site, display, arguments.port, headless=arguments.headless).run()
    )


def _notice(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415
    from signage.posting import post, texts_of, wish  # noqa: PLC0415

    site = _read(arguments.site)
    wanted = wish(
        act=arguments.act,
        name=arguments.name,
        by=arguments.by,
        texts=texts_of(arguments.text),
        severity=arguments.severity,
        minutes=arguments.minutes,
    )
    folder = service.state_folder("notice", arguments.state)
    clock, address = from_environment(), address_of(site.broker)
    return service.run(
        lambda: post(site, clock, address, folder, wanted, lambda line: print(line, flush=True))
    )


def _homeassistant(arguments: argparse.Namespace) -> int:
    from broker import service  # noqa: PLC0415
    from broker.clock import from_environment  # noqa: PLC0415
    from broker.session import address_of  # noqa: PLC0415
    from signage.homeassistant.adapter import tell  # noqa: PLC0415

    site = _read(arguments.site)
    clock, address = from_environment(), address_of(site.broker)
    return service.run(lambda: tell(site, clock, address, is_leaving=arguments.remove))


def _models(arguments: argparse.Namespace) -> int:
    from edge.cards import run  # noqa: PLC0415

    return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
