import html
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from models.contract.results import Spread
from models.errors import BadSite
from models.site import parse
from signage.furigana import with_readings
from signage.pages.page import OWN_NAMES
from signage.spoken import preferred
from signage.text import foreign, marked_up
from signage.web import web_app
from signage.wording import LANGUAGES, Words, catalogue
from tests.signage.office import EXAMPLE, Hub

TOKYO = ZoneInfo("Asia/Tokyo")
MONDAY = datetime(2026, 11, 23, 11, 30, tzinfo=TOKYO)
SAID = {language: Words(language, TOKYO) for language in LANGUAGES}


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock, demo=True)


each_language = pytest.mark.parametrize("language", LANGUAGES)


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@each_language
def test_every_key_stands_in_every_language_with_the_same_gaps(language: str) -> None:
    first, texts = catalogue("ja"), catalogue(language)
    assert len(first) > 90
    assert texts.keys() == first.keys()
    for key, forms in texts.items():
        for text in forms:
            assert text, key
            assert gaps(text) == gaps(first[key][0]), key
            assert text.count("{") == text.count("}") == len(re.findall(r"\{\w+\}", text)), key


@each_language
def test_a_text_has_as_many_forms_as_its_language_has_numbers(language: str) -> None:
    rules = {"en": 2, "pt-BR": 2}
    for key, forms in catalogue(language).items():
        assert len(forms) in {1, rules.get(language, 1)}, key
        if len(forms) > 1:
            assert "count" in gaps(forms[0]), key


@each_language
def test_no_text_was_left_in_japanese_or_english(language: str) -> None:
    for key, forms in catalogue(language).items():
        if language not in {"ja", "ja-Hira"}:
            assert not re.search("[ぁ-ヿ]", forms[0]), key
        if language != "en" and not key.startswith(("pattern.", "demo.")) and forms[0] != "Lobby":
            words = re.findall(r"[^\W\d_]{4,}", re.sub(r"\{\w+\}", "", forms[0]))
            assert not words or forms != catalogue("en")[key], key


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("ja", ["空いています", "やや混雑", "混雑", "大変混雑"]),
        ("ja-Hira", ["すいています", "すこし こんでいます", "こんでいます", "とても こんでいます"]),
        ("en", ["Not busy", "Slightly busy", "Busy", "Very busy"]),
        ("zh-Hant", ["不擁擠", "稍微擁擠", "擁擠", "非常擁擠"]),
        ("ko", ["여유", "약간 혼잡", "혼잡", "매우 혼잡"]),
    ],
)
def test_levels_by_table(language: str, texts: list[str]) -> None:
    assert [SAID[language](f"level.{level}") for level in range(1, 5)] == texts


@each_language
def test_the_four_levels_are_four_words(language: str) -> None:
    assert len({SAID[language](f"level.{level}") for level in range(1, 5)}) == 4


@pytest.mark.parametrize(
    ("language", "about", "wide", "opens"),
    [
        ("ja", "約20分", "20～60分", "11月24日（火）8時30分"),
        (
            "ja-Hira",
            "だいたい 20分（ぷん）",
            "20分（ぷん）から 60分（ぷん）",
            "11月（がつ）24日（か） 火曜日（かようび） 8時（じ）30分（ぷん）",
        ),
        ("en", "about 20 min", "20–60 min", "Tue 24 November, 8:30"),
        ("zh-Hans", "约20分钟", "20～60分钟", "11月24日（星期二）8:30"),
        ("zh-Hant", "約20分鐘", "20～60分鐘", "11月24日（星期二）8:30"),
        ("ko", "약 20분", "20～60분", "11월 24일(화) 8시 30분"),
        ("vi", "khoảng 20 phút", "20–60 phút", "8:30, Thứ Ba, 24/11"),
        ("pt-BR", "cerca de 20 min", "20–60 min", "terça-feira, 24 de novembro, 8h30"),
        ("tl", "mga 20 min", "20–60 min", "Martes, Nobyembre 24, 8:30"),
    ],
)
def test_waits_and_dates_in_each_language(language: str, about: str, wide: str, opens: str) -> None:
    words = SAID[language]
    assert words.wait(Spread(p10_s=840, p50_s=1140, p90_s=1620)) == about
    assert words.wait(Spread(p10_s=1320, p50_s=2100, p90_s=3120)) == wide
    assert words.opening(datetime(2026, 11, 24, 8, 30, tzinfo=TOKYO), MONDAY) == opens


@pytest.mark.parametrize(
    ("language", "key", "one", "more"),
    [
        ("en", "zone.people", "1 person", "2 people"),
        ("pt-BR", "zone.people", "1 pessoa", "2 pessoas"),
        ("pt-BR", "lot.free", "1 vaga", "2 vagas"),
        ("ja", "zone.people", "1人", "2人"),
    ],
)
def test_one_is_said_otherwise_than_two(language: str, key: str, one: str, more: str) -> None:
    assert [SAID[language](key, count=n) for n in (1, 2)] == [one, more]
    assert SAID["pt-BR"]("lot.free", count=0) == "0 vaga"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10時21分", "10時（じ）21分（ぷん）"),
        ("5分・7.5分・3分", "5分（ふん）・7.5分（ふん）・3分（ぷん）"),
        ("12月1日 火曜日", "12月（がつ）1日（たち） 火曜日（かようび）"),
        ("8日、14日、18日", "8日（か）、14日（か）、18日（にち）"),
        ("1人 12人", "1人（り） 12人（にん）"),
        ("28日間（にちかん）2時間", "28日間（にちかん）2時間"),
        ("3番（ばん）", "3番（ばん）"),
    ],
)
def test_numbers_are_read_aloud_rightly(text: str, read: str) -> None:
    assert with_readings(text) == read
    assert with_readings(read) == read


def test_every_kanji_of_plain_japanese_has_its_reading() -> None:
    words = SAID["ja-Hira"]
    for key in catalogue("ja-Hira"):
        if not key.startswith("pattern."):
            filled = words(key, **dict.fromkeys(gaps(catalogue("ja")[key][0]), 12))
            bare = re.findall(r"[㐀-鿿]+", re.sub(r"[㐀-鿿々]+（[ぁ-ゖー]+）", "", filled))
            assert not bare, (key, filled)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ({"ja": "証明", "en": "Certificates"}, {"ja": "ja", "ja-Hira": "ja", "zh-Hant": "en"}),
        ({"ja-Hira": "しょうめい", "en": "Certificates"}, {"ja": "ja-Hira", "vi": "en"}),
        ({"ja": "証明", "zh-Hans": "证明"}, {"zh-Hans": "zh-Hans", "zh-Hant": "ja", "ko": "ja"}),
        ({"ko": "증명"}, dict.fromkeys(LANGUAGES, "ko")),
    ],
)
def test_a_name_that_is_missing_is_told_in_the_language_most_likely_read(
    names: dict[str, str], wanted: dict[str, str]
) -> None:
    for language, found in wanted.items():
        assert SAID[language].pick(names) == (found, names[found])
        assert SAID[language].name(names) == with_readings(names[found])


EN = SAID["en"]
LISTED = EN("answer.part", names=EN("answer.join").join([EN.name({"ja": "A<"}), "B"]))


@pytest.mark.parametrize(
    ("text", "within"),
    [
        (SAID["ko"].name({"ja": "証明"}), '<span lang="ja">証明</span>'),
        (SAID["ja"].name({"ja": "証明"}), "証明"),
        (SAID["vi"].name({"en": "3"}), "3"),
        (LISTED, 'Busy now: <span lang="ja">A&lt;</span>, B'),
        ("窓口（まどぐち）へ", "<ruby>窓口<rp>（</rp><rt>まどぐち</rt><rp>）</rp></ruby>へ"),
        ("待ち時間（目安）（JSON）", "待ち時間（目安）（JSON）"),
    ],
    ids=["foreign", "own", "number", "within a sentence", "ruby", "brackets"],
)
def test_a_text_is_marked_up_where_tags_may_stand_and_plain_elsewhere(
    text: str, within: str
) -> None:
    plain = html.escape(str(text))
    assert marked_up(f'<a title="{escape(text)}">{escape(text)}</a>') == (
        f'<a title="{plain}">{within}</a>'
    )


def test_drawings_titles_and_scripts_hold_plain_text() -> None:
    text = escape(foreign("窓口（まどぐち）", "ja"))
    for tag in ("title", "svg", "script", "option"):
        assert marked_up(f"<{tag}>{text}</{tag}>") == f"<{tag}>窓口（まどぐち）</{tag}>"


signs = st.text(st.sampled_from('ab<>"&窓口（まど）\ue000\ue001\ue002-'), max_size=20)


@given(text=signs, language=signs)
def test_no_name_and_no_language_can_write_a_tag(text: str, language: str) -> None:
    made = marked_up(str(escape(foreign(text, language))))
    tags = re.findall(r"<[^>]*>", made)
    known = r'<span lang="[A-Za-z0-9-]+">|</span>|</?ruby>|</?r[pt]>'
    assert all(re.fullmatch(known, tag) for tag in tags)
    assert not re.search("[\ue000-\ue002]", made)
    assert marked_up(f'<a title="{escape(text)}">').count('"') == 2


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", "ja"),
        ("*", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("ja-Hira", "ja-Hira"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9", "zh-Hans"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("pt-PT", "pt-BR"),
        ("fil-PH", "tl"),
        ("fr,vi;q=0.5", "vi"),
        ("en;q=0.1, KO;q=0.7", "ko"),
        ("fr-FR,fr", "en"),
        ("en;q=0,vi;q=0.1", "vi"),
        ("a;q=x, ;;,,q=,ko", "ko"),
    ],
)
def test_the_browsers_language_is_met(header: str, wanted: str) -> None:
    assert preferred(header, LANGUAGES) == wanted


def test_an_office_without_english_answers_in_its_first_language() -> None:
    assert preferred("fr", ["ja", "vi"]) == "ja"
    assert preferred("zh-TW", ["ja", "zh-Hans"]) == "zh-Hans"


@given(st.text(max_size=40))
def test_any_header_gives_a_language_that_there_is(header: str) -> None:
    assert preferred(header, ("ja", "en", "pt-BR")) in {"ja", "en", "pt-BR"}


async def test_the_first_visit_is_in_the_browsers_language_and_lang_always_wins(
    hub: Hub, app: Application
) -> None:
    hub.busy()
    async with TestClient(TestServer(app)) as client:
        for path in ("/", "/text"):
            for query, header, wanted in (
                ({}, "", "ja"),
                ({}, "vi-VN,vi;q=0.9", "vi"),
                ({"lang": "ko"}, "vi", "ko"),
                ({"lang": "nonsense"}, "pt", "pt-BR"),
            ):
                headers = {"Accept-Language": header}
                response = await client.get(path, params=query, headers=headers)
                assert f'<html lang="{wanted}"' in await response.text()
                assert response.headers["Cache-Control"] == "no-store"
                assert response.headers["Vary"] == "Accept-Language"


@each_language
@pytest.mark.parametrize("state", ["busy", "full", "stale", "closed", "no_data", "paused"])
async def test_every_state_can_be_said_in_every_language(
    hub: Hub, app: Application, language: str, state: str
) -> None:
    getattr(hub, state)()
    async with TestClient(TestServer(app)) as client:
        for path in ("/", "/text", "/accuracy", "/demo"):
            body = await (await client.get(path, params={"lang": language})).text()
            assert f'<html lang="{language}"' in body
            assert f'lang="{language}" hreflang="{language}" aria-current' in body or path != "/"
            assert not re.search("[\ue000-\ue002]", body)
            title = body.split("<title>")[1].split("</title>")[0]
            assert "<" not in title
            assert title


def test_each_language_has_a_name_of_its_own_and_a_locale() -> None:
    assert tuple(OWN_NAMES) == LANGUAGES
    for language in LANGUAGES:
        assert Locale.parse(language.removesuffix("-Hira"), sep="-")


def test_a_language_that_nobody_translated_is_refused() -> None:
    text = EXAMPLE.read_text("utf-8").replace('"zh-Hans"', '"zh-CN"', 1)
    with pytest.raises(BadSite, match=r"'zh-CN' - at `\$\.site\.languages\[3\]`"):
        parse(text)
