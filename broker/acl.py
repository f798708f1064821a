"""Mosquitto's configuration and access rules, as text made from the site files.

Every right is written out for one name: no `pattern` line fills a certificate's name into a topic,
so a name that we have not written has no right at all, whatever signs it holds
(docs/decisions/0021-broker.md).
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from models.contract import topics
from models.contract.observations import KINDS
from models.errors import BadSite
from models.site import Device, HomeAssistant, Site
from models.state.notices import WARNS

WEB = "web"
"""The web process; what staff enter on its pages it sends as a device of this name."""

NOTICE = "notice"
"""`machiai notice` at a shell: a name of its own, or it would throw the web process out."""

HOME_ASSISTANT = "homeassistant"
"""What tells a facility's Home Assistant of the office (signage/homeassistant)."""

CONFIGURATION, RULES = "mosquitto.conf", "machiai.acl"

_OF_ITSELF = ("state", "about", "health")
_PAINTED = "screen"
"""What a display says that it paints."""
_PUBLIC = (
    "state", "service/+", "lot/+", "zone/+", "calls", "call", "forecast/+/+", "accuracy/+",
    "notice/+", "notices",
)  # fmt: skip
"""What a program of others may read: no tickets one by one, nothing that waits for staff."""
_DO, _DO_ON_SCREEN = ("identify",), ("identify", "reload", "restart")
"""What staff may tell a device, and a display."""
_OF_ITS_OUTBOX = frozenset({"beat", "skip", "gap"})
_NOTICES = frozenset({"notice"})
_OURS = frozenset({topics.HUB, WEB, NOTICE, HOME_ASSISTANT})
_COUNTERS = frozenset({"counter"})
_BY_STAFF = frozenset({"level", "pause", "set"}) | _COUNTERS | _NOTICES


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """Where things lie on the broker's machine."""

    folder: str = "/etc/mosquitto"
    pki: str = "/etc/machiai/pki"
    """Holds ca.pem, broker.pem, broker.key and, if `crl`, crl.pem."""
    crl: bool = False
    state: str = "/var/lib/mosquitto"
    user: str = "mosquitto"
    bind: str | None = None
    """The one address to listen on; None is all."""


def names(sites: Sequence[Site]) -> list[str]:
    """The common names that certificates must have: ids, or `<site>.<id>` of several sites.

    `web` is that of a web process that serves several.

    Raises:
        BadSite: two of them would be the same.
    """
    ids = [site.id for site in sites]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise BadSite(f"want each site once, got {min(twice)!r} again - at `$.site.id`")
    of_all = [WEB] if len(sites) > 1 else []
    return [_name(sites, site, who) for site in sites for who in _everyone(site)] + of_all


def configuration(sites: Sequence[Site], setup: Setup) -> str:
    """`mosquitto.conf` for one listener.

    Raises:
        BadSite: the sites name different ports.
    """
    ports = {site.broker.port for site in sites}
    if len(ports) != 1:
        listed = " and ".join(str(port) for port in sorted(ports))
        raise BadSite(f"want one port for all sites, got {listed} - at `$.broker.port`")
    (port,) = ports
    address = f"listener {port}" + (f" {setup.bind}" if setup.bind else "")
    crl = f"crlfile {setup.pki}/crl.pem\n" if setup.crl else ""
    return f"""\
{_head(sites)}
user {setup.user}
per_listener_settings false
allow_anonymous false
acl_file {setup.folder}/{RULES}

# Nothing of consequence is lost with the broker: outboxes send again, the hub publishes again.
persistence true
persistence_location {setup.state}/
autosave_interval 60

# By default what waits for a slow reader is dropped in silence above 1000.
max_queued_messages 100000
max_inflight_messages 1000
max_packet_size 262144
persistent_client_expiration 7d
set_tcp_nodelay true
sys_interval 0

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
log_timestamp_format %Y-%m-%dT%H:%M:%S

# What follows belongs to the listener. Above it, it would open another one: plain, on 1883.
{address}
cafile {setup.pki}/ca.pem
certfile {setup.pki}/broker.pem
keyfile {setup.pki}/broker.key
{crl}tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"""


def rules(sites: Sequence[Site]) -> str:
    """The access rules. Whoever and whatever is not named may nothing.

    Raises:
        BadSite: an id that is taken.
    """
    names(sites)
    lines = [_head(sites)]
    if len(sites) > 1:  # one web process may serve them all
        lines += ["", f"user {WEB}", *(f"topic read {_results(site)}" for site in sites)]
    for site in sites:
        for who, rights in _rights(site):
            lines += ["", f"user {_name(sites, site, who)}"]
            lines += [f"topic {right} {topic}" for right, topic in rights]
    return "\n".join(lines) + "\n"


def _head(sites: Sequence[Site]) -> str:
    ids = " ".join(site.id for site in sites)
    return f"# Written by `machiai broker` for {ids}; written anew, so change the site file."


def _name(sites: Sequence[Site], site: Site, who: str) -> str:
    return who if len(sites) == 1 else f"{site.id}.{who}"


def _everyone(site: Site) -> Iterator[str]:
    """Who connects: each with a certificate of its own.

    Raises:
        BadSite: two under one id; each would throw the other out.
    """
    yield topics.HUB
    yield WEB
    yield NOTICE
    devices = [(f"devices[{i}].id", device.id) for i, device in enumerate(site.devices)]
    displays = [(f"displays[{i}].id", display.id) for i, display in enumerate(site.displays)]
    seen = {topics.HUB, WEB, NOTICE}
    if site.homeassistant is not None:
        yield HOME_ASSISTANT
        seen.add(HOME_ASSISTANT)
    readers = [(f"broker.readers[{i}]", who) for i, who in enumerate(site.broker.readers)]
    facility = [("homeassistant.user", who) for who in _facility(site)]
    for path, who in [*devices, *displays, *readers, *facility]:
        if who in seen:
            raise BadSite(
                f"{site.id}: want an id that is not {', '.join(sorted(seen & _OURS))} or another's,"
                f" got {who!r} - at `$.{path}`"
            )
        seen.add(who)
        yield who


def _facility(site: Site) -> Iterator[str]:
    """The Home Assistant that listens at this broker."""
    if site.homeassistant is not None and site.homeassistant.broker is None:
        yield site.homeassistant.user


def _results(site: Site) -> str:
    return f"{topics.VERSION}/{site.id}/{topics.HUB}/#"


Rights = Iterable[tuple[str, str]]
"""read, write or readwrite, and a topic."""


def _rights(site: Site) -> Iterator[tuple[str, Rights]]:
    base = f"{topics.VERSION}/{site.id}"
    results = ("read", _results(site))
    of_hub = [
        ("readwrite", f"{base}/{topics.HUB}/#"),
        *(("read", f"{base}/+/{leaf}") for leaf in (*_OF_ITSELF, _PAINTED, "obs/#")),
        ("write", f"{base}/+/ack"),
        ("write", f"{base}/+/cmd/+"),
    ]
    yield topics.HUB, of_hub
    yield WEB, [results, *_watched(site), *_device(f"{base}/{WEB}", _BY_STAFF)]
    yield NOTICE, [results, *_device(f"{base}/{NOTICE}", _NOTICES)]
    for device in site.devices:
        warns = any(sensor["kind"] in WARNS for sensor in device.sensors)
        kinds = frozenset(KINDS) - _BY_STAFF | (_NOTICES if warns else frozenset())
        kinds |= _COUNTERS if _opens(device) else frozenset()
        yield device.id, _device(f"{base}/{device.id}", kinds)
    for display in site.displays:
        branch = f"{base}/{display.id}"
        screen = ("write", f"{branch}/{_PAINTED}")
        yield display.id, [results, screen, *_device(branch, _NOTICES)]
    for who in site.broker.readers:
        yield who, [("read", f"{base}/{topics.HUB}/{leaf}") for leaf in _PUBLIC]
    if site.homeassistant is not None:
        yield from _of_home_assistant(site, site.homeassistant)


def _of_home_assistant(site: Site, table: HomeAssistant) -> Iterator[tuple[str, Rights]]:
    """Who tells it may set up entities that show and none that act, and it may change nothing."""
    said = f"{topics.home_assistant(site.id)}/#"
    there = [
        ("read", f"{table.prefix}/status"),
        *(("readwrite", f"{table.prefix}/{topic}") for topic in topics.discovered(site.id, "+")),
        ("write", said),
    ]
    heard = [("read", _results(site)), *_machines(site)]
    yield HOME_ASSISTANT, heard if table.broker is not None else heard + there
    for who in _facility(site):
        status = ("readwrite", f"{table.prefix}/status")
        yield who, [("read", f"{table.prefix}/#"), status, ("read", said)]


def _opens(device: Device) -> bool:
    """Whether a contact at it says that a counter is open (docs/devices.md)."""
    lists = [sensor.get(key) for sensor in device.sensors for key in ("hooks", "inputs")]
    read = [*device.sensors, *(one for some in lists if isinstance(some, list) for one in some)]
    return any(isinstance(one, dict) and "counter" in one for one in read)


def _watched(site: Site) -> Rights:
    """What the web process may beyond the public's pages, where staff watch the devices there."""
    if site.staff is None:
        return
    base = f"{topics.VERSION}/{site.id}"
    yield from _machines(site)
    for told, names in ((site.devices, _DO), (site.displays, _DO_ON_SCREEN)):
        yield from (("write", f"{base}/{one.id}/cmd/{name}") for one in told for name in names)


def _machines(site: Site) -> Rights:
    """What devices and displays say of themselves."""
    base = f"{topics.VERSION}/{site.id}"
    yield from (("read", f"{base}/+/{leaf}") for leaf in (*_OF_ITSELF, _PAINTED))


def _device(branch: str, kinds: frozenset[str]) -> Rights:
    """What a device may in its own branch; nobody else may anything there but the hub.

    Any name of its kinds, though the site file knows its sensors: an outbox is sent in order, so
    one old observation of a sensor that the file no longer has would, if it were forbidden, hold
    back all that follows for ever. Notices alone are worth that: they fill every screen.
    """
    yield from (("write", f"{branch}/{leaf}") for leaf in _OF_ITSELF)
    yield from (("write", f"{branch}/obs/{kind}/+") for kind in sorted(kinds | _OF_ITS_OUTBOX))
    yield from (("read", f"{branch}/{leaf}") for leaf in ("ack", "cmd/+"))
