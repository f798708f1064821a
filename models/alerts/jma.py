"""Reports of the Japan Meteorological Agency (気象庁防災情報XML): warnings, intensities, tsunamis.

All that is needed stands in the head, which is the same for all kinds of reports.

Source: 気象庁防災情報XMLフォーマット技術資料; 「気象警報・注意報（Ｒ０６）」 since May 2026.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Literal
from xml.etree import ElementTree as ET

import msgspec

from models.alerts import tree
from models.alerts.notices import GRAVEST, Weight, by, cut, id_of
from models.alerts.sentences import ACTION_OF, WORDS
from models.contract.observations import PostNotice
from models.errors import BadPayload
from models.site import Table

NAMESPACE = "http://xml.kishou.go.jp/jmaxml1/"
MAX_BYTES = 2 * 1024 * 1024

Family = Literal["weather", "quake", "tsunami"]

_JST = timezone(timedelta(hours=9))
_MOST = 500
_REMEMBERED = timedelta(days=3)
_OVER = re.compile(r"(解除|なし)$")
_NAME = re.compile(r"(?:レベル(\d))?(.*?)((?:特別|危険)?警報|注意報)(?:\(.*\))?")
_INTENSITY = re.compile(r"震度(\d)(弱|強)?")
_BULLETIN = re.compile(r"/(\d{14})_\d{1,3}_([A-Z]{4}\d\d)_(\d{6})\.xml$")


class Row(Table, frozen=True, kw_only=True):
    """`sensors.counts`: as what kinds count, by their name; `*` stands for anything."""

    weight: Weight = msgspec.field(name="as")
    kinds: tuple[str, ...]


COUNTS = (
    Row(
        weight="emergency",
        kinds=("*特別警報", "*危険警報", "大津波警報*", "津波警報", "震度7", "震度6強", "震度6弱"),
    ),
    Row(weight="warning", kinds=("*警報", "津波注意報", "震度5強", "震度5弱*")),
)
"""The first row that fits counts; with none it is not shown."""

TYPES = ("VPWW55", "VPWW56", "VPWW57", "VPWW58", "VPWW59", "VPWW60", "VXSE51", "VXSE53", "VTSE41")
"""Rain, landslides, surge, wind, waves, snow; intensities, at once and in full; tsunamis."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an office listens to. Codes are the JMA's, of another list for each family."""

    name: str
    codes: dict[Family, frozenset[str]]
    types: frozenset[str] = frozenset(TYPES)
    counts: tuple[Row, ...] = COUNTS
    tests: bool = False
    hold_s: float = 86_400.0
    """How long a report holds that no later one takes back."""
    quake_s: float = 3600.0
    """How long an earthquake that has been is told."""


class Kind(msgspec.Struct, frozen=True):
    """One thing that is warned of at our place: its name (NFKC), and where."""

    name: str
    areas: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report, cut down to our place."""

    family: Family
    status: Literal["通常", "訓練", "試験"]
    title: str
    office: str
    place: str
    """Code of its prefecture; empty if it names none."""
    event: str
    reported: datetime
    published: datetime
    is_taken_back: bool
    text: tuple[str, ...]
    kinds: tuple[Kind, ...]


class Memory(msgspec.Struct, frozen=True):
    """All reports that may still say something."""

    reports: tuple[Report, ...] = ()


def wants(address: str, rules: Rules, now: datetime) -> bool:
    """Whether a report is worth fetching: its address says type, prefecture and time.

    >>> at = datetime(2026, 11, 24, 3, tzinfo=_JST)
    >>> rules = Rules(name="jma", codes={"weather": frozenset({"1310100"})})
    >>> base = "https://www.data.jma.go.jp/developer/xml/data/20261123120000_0_"
    >>> [wants(f"{base}{one}.xml", rules, at) for one in ("VPWW55_130000", "VPWW55_140000")]
    [True, False]
    """
    found = _BULLETIN.search(address)
    if found is None:
        return False
    sent, kind, place = found.groups()
    if kind not in rules.types:
        return False
    try:
        at = tree.time_of(
            f"{sent[:4]}-{sent[4:6]}-{sent[6:8]}T{sent[8:10]}:{sent[10:12]}:00Z", _JST
        )
    except BadPayload:
        return False
    if (now - at).total_seconds() > rules.hold_s:
        return False
    family: Family = {"VPWW": "weather", "VXSE": "quake"}.get(kind[:4], "tsunami")  # type: ignore[assignment]
    codes = rules.codes.get(family, frozenset())
    return bool(codes) and (family != "weather" or any(code[:2] == place[:2] for code in codes))


def read(body: bytes, rules: Rules) -> Report:
    """A report from its bytes, cut down to our codes.

    Raises:
        BadPayload: it is none, or none of those that we know.
    """
    root = tree.parse(body, MAX_BYTES)
    if tree.name_of(root) != (NAMESPACE, "Report"):
        raise BadPayload(f"want a report of the JMA, got {root.tag[:80]!r}")
    title = tree.text(root, "Control", "Title")
    family = _family(title)
    head = tree.children(root, "Head")
    if not head:
        raise BadPayload("want a report with a head, got none")
    codes = rules.codes.get(family, frozenset())
    return Report(
        family=family,
        status=_status(tree.text(root, "Control", "Status")),
        title=cut(title, 100),
        office=cut(tree.text(root, "Control", "EditorialOffice"), 100),
        place=_place(head[0]),
        event=cut(tree.text(head[0], "EventID"), 100),
        reported=tree.time_of(tree.text(head[0], "ReportDateTime"), _JST),
        published=tree.time_of(tree.text(root, "Control", "DateTime"), _JST),
        is_taken_back=_is_taken_back(tree.text(head[0], "InfoType")),
        text=tuple(tree.lines(head[0], "Headline", "Text"))[:20],
        kinds=tuple(_kinds(head[0], codes)),
    )


def take(memory: Memory, report: Report, rules: Rules, now: datetime) -> Memory:
    """One more report. Which of them hold is told by `standing`, so their order does not matter."""
    is_real = report.status != "試験" or rules.tests
    codes = rules.codes.get(report.family, frozenset())
    is_near = not report.place or any(code[:2] == report.place[:2] for code in codes)
    is_old = now - report.reported > _REMEMBERED
    if report in memory.reports or is_old or not codes or not (is_real and is_near):
        return memory
    kept = [one for one in memory.reports if now - one.reported <= _REMEMBERED]
    kept = sorted([*kept, report], key=_order)
    return Memory(tuple(kept[-_MOST:]))


def standing(memory: Memory, rules: Rules, now: datetime) -> dict[str, PostNotice]:
    """The notices that hold now, by their id."""
    found: dict[str, tuple[Weight, PostNotice]] = {}
    for report in _latest(memory):
        hold_s = rules.quake_s if report.family == "quake" else rules.hold_s
        until = report.reported + timedelta(seconds=hold_s)
        if until <= now or report.is_taken_back:
            continue
        for name, (weight, kind) in _said(report, rules).items():
            before = found.get(name)
            if before is None or GRAVEST.index(weight) <= GRAVEST.index(before[0]):
                found[name] = weight, _notice(report, weight, kind, until)
    return {name: notice for name, (_, notice) in found.items()}


def _family(title: str) -> Family:
    if title.startswith("津波警報・注意報・予報"):
        return "tsunami"
    if title in {"震度速報", "震源・震度に関する情報"}:
        return "quake"
    if (
        title.startswith(("気象特別警報・警報・注意報", "気象警報・注意報"))
        and "時系列" not in title
    ):
        return "weather"
    raise BadPayload("want a report of warnings, intensities or tsunamis, got another one")


def _status(said: str) -> Literal["通常", "訓練", "試験"]:
    for known in ("通常", "訓練", "試験"):
        if said == known:
            return known
    raise BadPayload(f"want a status of 通常, 訓練, 試験, got {said[:20]!r}")


def _is_taken_back(said: str) -> bool:
    if said not in {"発表", "訂正", "遅延", "取消"}:
        raise BadPayload(f"want a type of 発表, 訂正, 遅延, 取消, got {said[:20]!r}")
    return said == "取消"


def _place(head: ET.Element) -> str:
    """The prefecture of a warning."""
    for block in tree.children(head, "Headline", "Information"):
        if "府県予報区" in block.get("type", ""):
            return tree.text(block, "Item", "Areas", "Area", "Code")[:10]
    return ""


def _kinds(head: ET.Element, codes: frozenset[str]) -> Iterator[Kind]:
    """What is warned of at our place, each once, with the names of our areas."""
    found: dict[str, dict[str, None]] = {}
    for item in tree.children(head, "Headline", "Information", "Item"):
        areas = tree.children(item, "Areas", "Area")
        ours = [tree.text(area, "Name") for area in areas if tree.text(area, "Code") in codes]
        if ours:
            for kind in tree.children(item, "Kind"):
                name = unicodedata.normalize("NFKC", tree.text(kind, "Name"))[:60]
                if name and not _OVER.search(name) and tree.text(kind, "Code") != "00":
                    found.setdefault(name, {}).update(dict.fromkeys(ours))
    yield from (Kind(name, tuple(areas)) for name, areas in found.items())


def _order(report: Report) -> tuple[datetime, datetime, str]:
    """A correction has the time of what it corrects, and is published later.

    By the title the newer form, that tells the level, comes after the older one.
    """
    return report.reported, report.published, report.title


def _latest(memory: Memory) -> list[Report]:
    """Of each series the last report: it says all that holds."""
    latest: list[Report] = []
    for report in sorted(memory.reports, key=_order):
        latest = [one for one in latest if not _follows(report, one)]
        latest.append(report)
    return latest


def _follows(new: Report, old: Report) -> bool:
    if (new.family, new.status) != (old.family, old.status):
        return False
    if new.family == "tsunami":  # each report tells of all coasts
        return True
    if new.family == "quake":
        return new.event == old.event
    if new.place and old.place:
        return (new.title, new.place) == (old.title, old.place)
    return (new.title, new.office) == (old.title, old.office)


def _said(report: Report, rules: Rules) -> dict[str, tuple[Weight, Kind]]:
    """What a report says to us, by the notice's id: the gravest, of like ones the JMA's first."""
    found: dict[str, tuple[Weight, Kind]] = {}
    weighed = [(_weight(kind.name, rules), kind) for kind in report.kinds]
    for weight, kind in sorted(weighed, key=lambda each: GRAVEST.index(each[0])):
        if weight != "none":
            about = {"weather": _hazard(kind.name), "quake": report.event}.get(report.family, "")
            name = id_of(rules.name, report.family, about, report.status)
            found.setdefault(name, (weight, kind))
    return found


def _weight(name: str, rules: Rules) -> Weight:
    for row in rules.counts:
        if any(fnmatchcase(name, unicodedata.normalize("NFKC", kind)) for kind in row.kinds):
            return row.weight
    return "none"


def _hazard(name: str) -> str:
    """大雨 of レベル5大雨特別警報: one notice follows it up and down."""
    found = _NAME.fullmatch(name)
    return found[2] if found else name


def _notice(report: Report, weight: Weight, kind: Kind, until: datetime) -> PostNotice:
    return PostNotice(
        by=by(f"気象庁 {report.office}".strip()),
        severity="info" if weight == "none" else weight,
        drill=report.status != "通常",
        until=until,
        texts={language: cut(_text(report, kind, language)) for language in WORDS},
    )


def _text(report: Report, kind: Kind, language: str) -> str:
    """What is warned of, in Japanese what the JMA says of it, and what to do."""
    words = WORDS[language]
    quake = _INTENSITY.match(kind.name) if report.family == "quake" else None
    if quake is not None:
        form = {"弱": words.weaker, "強": words.stronger}.get(quake[2] or "", "{n}")
        head, action = words.quake.format(n=form.format(n=quake[1])), "quake"
    else:
        head, action = _warning(kind.name, language)
    if language != "ja":
        return f"{head}\n{words.actions[action]}"
    where = "、".join(kind.areas[:5])
    lines = [f"{head}（{where}）" if where else head, *report.text, words.actions[action]]
    return "\n".join(dict.fromkeys(lines))


def _warning(name: str, language: str) -> tuple[str, str]:
    """What is warned of, and the name of what to do."""
    words = WORDS[language]
    found = _NAME.fullmatch(name)
    level, hazard, ends = found.groups() if found else (None, name, "警報")
    whole = next((tsunami for tsunami in ACTION_OF if name.startswith(tsunami)), "")
    action = ACTION_OF.get(hazard) or ACTION_OF.get(whole) or ends
    if language == "ja":
        return name, action
    if whole.endswith("報"):
        return words.hazards[whole], action
    number = f" ({words.level.format(n=level)})" if level else ""
    known = words.hazards.get(hazard, words.hazards[""])
    return f"{known}: {words.weights[ends]}{number}", action
