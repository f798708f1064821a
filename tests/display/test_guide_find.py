"""What somebody finds who types a few letters, in whatever way they write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.guide.find import find, folded
from models.site import Site
from signage.guide.reading import guide_of
from signage.guide.telling import Teller
from signage.wording import LANGUAGES, Words


@pytest.fixture(scope="module")
def teller(site: Site) -> Teller:
    guide = guide_of(site)
    assert guide is not None
    return Teller(site, guide, Words("ja", site.zone_info))


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("ひっこし", "moved-in"),
        ("ヒッコシ", "moved-in"),
        ("ﾋｯｺｼ", "moved-in"),
        ("ひつこし", "moved-in"),
        ("てんしゆつ", "moving-out"),
        ("転出", "moving-out"),
        ("じゅうみんひょう", "residence-copy"),
        ("じゆうみんひよう", "residence-copy"),
        ("ジューミンヒョー", "residence-copy"),
        ("いんかんとーろく", "seal"),
        ("いんかんとおろく", "seal"),
        ("はんこ", "seal"),
        ("ぜーきん", "tax-proof"),
        ("ぜいきん　しょうめい", "tax-proof"),
        ("まいなんばー", "mynumber"),
        ("マイナンバ", "mynumber"),
        ("こくほ", "join-insurance"),
        ("といれ", "toilet"),
        ("トイレー", "toilet"),
        ("おとしもの", "lost"),
        ("child", "child-born"),
        ("CERTIFICATE of residence", "residence-copy"),
        ("chuyen di", "moving-out"),
        ("Chuyển đi", "moving-out"),
        ("cartao", "mynumber"),
        ("화장실", "toilet"),
        ("搬走", "moving-out"),
        ("banyo", "toilet"),
        ("zzz", ""),
        ("", ""),
        ("ー", ""),
    ],
)
def test_search_by_table(teller: Teller, typed: str, first: str) -> None:
    assert next((tile.id for tile in teller.found(typed)), "") == first


def test_every_purpose_is_found_by_each_of_its_names(site: Site, teller: Teller) -> None:
    guide = guide_of(site)
    assert guide is not None
    for purpose in guide.purposes:
        for said in (*(purpose.name[code] for code in LANGUAGES), *purpose.readings):
            if "（" not in said:
                assert purpose.id in [tile.id for tile in teller.found(said)], said


kana = st.text(st.sampled_from("あいうえおかきくけこがぎしじつづちぢはばぱやゆよゃゅょっらんー"))


@given(kana)
def test_katakana_small_kana_and_a_second_folding_change_nothing(text: str) -> None:
    katakana = "".join(chr(ord(sign) + 0x60) if "ぁ" <= sign <= "ゖ" else sign for sign in text)
    small = text.translate(str.maketrans("ゃゅょっ", "やゆよつ"))
    assert folded(katakana) == folded(small) == folded(text)
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=30))
def test_nothing_that_one_can_type_breaks_it(text: str) -> None:
    items = [("a", (folded(text),)), ("b", ("other",))]
    found = find(text, items)
    assert found[:1] in {("a",), ("b",), ()}
    assert bool(folded(text)) == ("a" in found)
