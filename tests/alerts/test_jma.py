"""What the JMA's reports say to one place: jma.toml by table, and what is fetched at all."""

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from models.alerts import jma, tree
from models.alerts.sentences import ACTION_OF, WORDS
from models.errors import BadPayload
from models.site import Language
from tests.alerts.test_cap import HERE, at, lines_of

CASES: list[dict[str, Any]] = tomllib.loads((HERE / "jma.toml").read_text("utf-8"))["case"]
CODES = {"weather": ["1399901"], "quake": ["1399901"], "tsunami": ["310"]}
LANGUAGES = Language.__args__  # type: ignore[attr-defined]


def rules_of(written: dict[str, Any]) -> jma.Rules:
    return msgspec.convert({"name": "jma", "codes": CODES} | written, jma.Rules)


def standing(files: list[str], rules: jma.Rules, now: datetime) -> tuple[jma.Memory, list[str]]:
    memory, refused = jma.Memory(), []
    for name in files:
        try:
            report = jma.read((HERE / "jma" / name).read_bytes(), rules)
            memory = jma.take(memory, report, rules, now)
        except BadPayload as error:
            refused.append(str(error).partition(",")[0])
    return memory, refused


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_in_force(case: dict[str, Any]) -> None:
    rules = rules_of(case.get("rules", {}))
    first = at(next(iter(case["shown"])))
    ids: set[str] = set()
    for count in range(len(case["files"]) + 1):
        memory, refused = standing(case["files"][:count], rules, first)
        ids |= set(jma.standing(memory, rules, first))
    assert refused == [said.partition(",")[0] for said in case.get("refused", [])]
    memory = msgspec.json.decode(msgspec.json.encode(memory), type=jma.Memory)
    shown = {
        clock: sorted(lines_of(jma.standing(memory, rules, at(clock)), at(clock)))
        for clock in case["shown"]
    }
    assert shown == {clock: sorted(lines) for clock, lines in case["shown"].items()}
    assert len(ids) == case.get("ids", len(ids))
    for notice in jma.standing(memory, rules, first).values():
        assert list(notice.texts) == list(LANGUAGES)
        assert notice.texts["ja"] == case.get("text", notice.texts["ja"])


GOOD = [case for case in CASES if "refused" not in case and len(case["files"]) > 1]


@pytest.mark.parametrize("case", GOOD, ids=[case["name"] for case in GOOD])
def test_the_order_in_which_reports_come_does_not_matter(case: dict[str, Any]) -> None:
    rules = rules_of(case.get("rules", {}))
    now = at(next(iter(case["shown"])))
    there, _ = standing(case["files"], rules, now)
    back, _ = standing(case["files"][::-1], rules, now)
    assert jma.standing(there, rules, now) == jma.standing(back, rules, now)


def test_every_report_of_the_folder_has_a_case() -> None:
    used = {name for case in CASES for name in case["files"]}
    assert used == {path.name for path in (HERE / "jma").iterdir()}


def test_reports_are_forgotten_and_bounded() -> None:
    rules, now = rules_of({}), at("10:05")
    memory, _ = standing(["rain-5.xml"], rules, now)
    (report,) = memory.reports
    late = msgspec.structs.replace(report, reported=report.reported + timedelta(days=4))
    memory = jma.take(memory, late, rules, now + timedelta(days=4))
    assert memory.reports == (late,)
    for n in range(600):
        sent = late.reported + timedelta(seconds=n)
        another = msgspec.structs.replace(late, reported=sent, event=str(n))
        memory = jma.take(memory, another, rules, now + timedelta(days=4))
    assert len(memory.reports) == 500
    assert memory.reports[-1].event == "599"


# ── texts ────────────────────────────────────────────────────────────────────────────────────────


def test_every_sentence_is_there_in_every_language_and_no_two_are_alike() -> None:
    assert set(WORDS) == set(LANGUAGES)
    english = WORDS["en"]
    for language, words in WORDS.items():
        assert set(words.actions) == set(english.actions), language
        assert set(ACTION_OF.values()) <= set(words.actions)
        if language != "ja":
            assert set(words.hazards) == set(english.hazards), language
            assert set(words.weights) == set(english.weights), language
        for text in (words.level, words.quake, words.weaker, words.stronger):
            assert "{n}" in text, language
    for action in english.actions:
        said = [words.actions[action] for words in WORDS.values()]
        assert len(set(said)) == len(said), action


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("rain-5.xml", "Heavy rain: emergency warning (level 5)\nYour life is in danger."),
        ("rain-3.xml", "Heavy rain: warning (level 3)\nIf you are old or need more time"),
        ("storm.xml", "Violent wind: warning\nDo not go outside."),
        ("quake.xml", "Earthquake, intensity 6 lower\nProtect your head."),
        ("tsunami-major.xml", "Major tsunami warning\nGo to high ground"),
        ("tsunami-advisory.xml", "Tsunami advisory\nKeep away from the sea."),
    ],
)
def test_what_is_said_to_who_reads_no_japanese(file: str, said: str) -> None:
    rules, now = rules_of({}), at("10:06")
    memory, _ = standing([file], rules, now)
    (notice,) = jma.standing(memory, rules, now).values()
    assert notice.texts["en"].startswith(said)
    texts = list(notice.texts.values())
    assert len(set(texts)) == len(texts)


# ── what is fetched ──────────────────────────────────────────────────────────────────────────────

NOW = datetime(2026, 11, 24, 1, 5, tzinfo=UTC)
DATA = "https://www.data.jma.go.jp/developer/xml/data/"


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("20261124010000_0_VPWW55_130000.xml", True),
        ("20261124010000_0_VPWW55_010000.xml", False),
        ("20261124010000_0_VPWW54_130000.xml", False),
        ("20261124010000_0_VPWW61_130000.xml", False),
        ("20261124010000_0_VXSE53_270000.xml", True),
        ("20261124010000_0_VTSE41_010000.xml", True),
        ("20261122010000_0_VTSE41_010000.xml", False),
        ("20261324010000_0_VTSE41_010000.xml", False),
        ("20261124010000_0_VFVO53_010000.xml", False),
        ("../../etc/passwd", False),
    ],
)
def test_what_is_worth_fetching(file: str, *, wanted: bool) -> None:
    assert (
        jma.wants(DATA + file, rules_of({"codes": CODES | {"weather": ["1310100"]}}), NOW) == wanted
    )


def test_the_old_forms_are_fetched_where_the_office_names_them() -> None:
    rules = rules_of({"types": ["VPWW54"], "codes": {"weather": ["1310100"]}})
    assert jma.wants(f"{DATA}20261124010000_0_VPWW54_130000.xml", rules, NOW)
    assert not jma.wants(f"{DATA}20261124010000_0_VTSE41_010000.xml", rules, NOW)


def test_a_whole_prefecture_is_read_in_time() -> None:
    """200 towns with 20 kinds each, as the largest real reports have, in well below a second."""
    areas = "".join(f"<Area><Name>町{n}</Name><Code>13{n:05}</Code></Area>" for n in range(200))
    kinds = "<Kind><Name>レベル３大雨警報</Name><Code>03</Code></Kind>" * 20
    item = f"<Item>{kinds}<Areas>{areas}</Areas></Item>"
    body = (HERE / "jma" / "rain-5.xml").read_text("utf-8")
    body = body.replace("</Headline>", f"<Information>{item * 10}</Information></Headline>")
    assert len(body.encode()) < tree.MAX_BYTES
    report = jma.read(body.encode(), rules_of({"codes": {"weather": ["1300150"]}}))
    assert [kind.name for kind in report.kinds] == ["レベル3大雨警報"]
