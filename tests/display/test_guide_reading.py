"""The guide's file: read whole or refused with one line a mistake, each with its path."""

import re
from pathlib import Path

import msgspec
import pytest

from machiai import main
from models.errors import BadSite, Missing
from models.guide.reach import band_mm
from models.guide.reading import Guide, edges, parse, spots
from models.guide.route import route
from models.site import Display, Site
from models.site import parse as parse_site
from signage.guide.reading import guide_of
from signage.wording import LANGUAGES
from tests.signage.office import EXAMPLE

SMALL = """
[[groups]]
id = "life"
name = { ja = "くらし" }

[[items]]
id = "card"
name = { ja = "カード" }

[[purposes]]
id = "move"
group = "life"
name = { ja = "引っ越し" }
pictogram = "move-in"
readings = ["ひっこし"]
service = "moving"
place = "desk"
bring = ["card"]

[[floors]]
id = "1f"
name = { ja = "1階" }
outline = [[0, 0], [20, 10]]

[[places]]
id = "door"
floor = "1f"
at = [10, 10]
pictogram = "door"

[[places]]
id = "guide-1"
floor = "1f"
at = [10, 8]
looking = "up"

[[places]]
id = "desk"
floor = "1f"
at = [5, 2]
counters = ["c3"]
zone = "lobby"
area = [[3, 0], [7, 1]]

[[ways]]
through = ["door", "guide-1", "desk"]
"""


@pytest.fixture(scope="module")
def guide() -> Guide:
    text = EXAMPLE.with_name("example-guide.toml").read_text("utf-8")
    return parse(text, parse_site(EXAMPLE.read_text("utf-8")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('group = "life"', 'group = "work"', "got 'work' - at `$.purposes[0].group`"),
        ('service = "moving"', 'service = "cake"', "got 'cake' - at `$.purposes[0].service`"),
        ('place = "desk"', 'place = "moon"', "got 'moon' - at `$.purposes[0].place`"),
        ('bring = ["card"]', 'bring = ["cat"]', "got 'cat' - at `$.purposes[0].bring`"),
        ('["c3"]', '["c9"]', "got 'c9' - at `$.places[2].counters`"),
        ('zone = "lobby"', 'zone = "roof"', "got 'roof' - at `$.places[2].zone`"),
        ("at = [5, 2]", "at = [5, 11]", "got 5, 11 - at `$.places[2].at`"),
        ("[7, 1]]", "[27, 1]]", "got 27, 1 - at `$.places[2].area`"),
        ('floor = "1f"\nat = [5', 'floor = "2f"\nat = [5', "got '2f' - at `$.places[2].floor`"),
        ('"guide-1", "desk"]', '"guide-1"]', "from door to desk - at `$.purposes[0].place`"),
        ('"guide-1", "desk"]', '"desk", "sky"]', "got 'sky' - at `$.ways[0].through`"),
        ('id = "desk"', 'id = "door"', "got 'door' again - at `$.places[2].id`"),
        ('pictogram = "door"', 'pictogram = "lift"', 'the pictogram "door"'),
        ('looking = "up"\n', "", "says where one is `looking` - at `$.displays[2].place`"),
        ('"move-in"', '"rocket"', "Invalid enum value 'rocket' - at `$.purposes[0].pictogram`"),
        ('["ひっこし"]', '["引越"]', "at `$.purposes[0].readings[0]`"),
        ("[[items]]", "[[item]]", "unknown field `item`"),
        ("[[groups]]", "[groups", "want TOML"),
    ],
)
def test_each_mistake_is_named_by_its_path(site: Site, old: str, new: str, said: str) -> None:
    assert len(parse(SMALL, site).purposes) == 1
    assert old in SMALL
    with pytest.raises(BadSite, match=re.escape(said)):
        parse(SMALL.replace(old, new, 1), site)


@pytest.mark.parametrize(
    ("display", "said"),
    [
        ({"place": "moon"}, "want one of `places` of the guide, got 'moon'"),
        ({"edge_mm": 1100}, "want at least 250 mm of the panel between 700 and 1200 mm, got 100"),
        ({"edge_mm": 0}, "got 0 - at `$.displays[2].edge_mm`"),
    ],
)
def test_a_touched_display_must_stand_in_the_guide_and_within_reach(
    site: Site, display: dict[str, object], said: str
) -> None:
    other = msgspec.structs.replace(site.displays[2], **display)
    changed = msgspec.structs.replace(site, displays=(*site.displays[:2], other))
    with pytest.raises(BadSite, match=re.escape(said)):
        parse(SMALL, changed)


@pytest.mark.parametrize(
    ("edge_mm", "panel_px", "band"),
    [
        (800, (1920, 1080), (0, 400)),
        (800, (1080, 1920), (0, 400)),
        (400, (1080, 1920), (300, 800)),
        (1000, (1920, 1080), (0, 200)),
    ],
)
def test_what_is_in_reach_is_700_to_1200_mm_above_the_floor(
    edge_mm: int, panel_px: tuple[int, int], band: tuple[float, float]
) -> None:
    assert band_mm(Display(id="a", edge_mm=edge_mm, panel_px=panel_px)) == band


def test_the_example_is_whole_in_every_language(guide: Guide) -> None:
    assert len(guide.purposes) >= 12
    texts = [one.name for one in guide.groups] + [one.name for one in guide.items]
    texts += [one.name for one in guide.purposes] + [one.name for one in guide.floors]
    texts += [place.name for place in guide.places if place.name]
    texts += [purpose.note for purpose in guide.purposes if purpose.note]
    texts += [way.name for p in guide.purposes for way in p.instead or ()]
    for said in texts:
        assert tuple(said) == LANGUAGES, said
        bare = re.sub(r"[㐀-鿿々]+（[ぁ-ゖー]+）", "", said["ja-Hira"])
        assert not re.search(r"[㐀-鿿]", re.sub(r"\d[階時分日番]", "", bare)), said["ja-Hira"]
        foreign = [said[code] for code in LANGUAGES if code not in {"ja", "ja-Hira"}]
        assert not any(re.search("[ぁ-ヿ]", text) for text in foreign), said
    assert all(purpose.readings for purpose in guide.purposes)
    assert {"moving", "certificates", "insurance", "mynumber", "tax-return"} <= {
        purpose.service for purpose in guide.purposes
    }


def test_every_place_of_the_example_is_reached_without_steps(guide: Guide) -> None:
    for start in ("entrance", "guide-1"):
        for purpose in guide.purposes:
            assert purpose.place is not None
            way = route(spots(guide), edges(guide), start, purpose.place, step_free=True)
            assert way is not None, purpose.id
            assert not way.has_steps


def test_a_guide_is_read_from_beside_the_site_file(site: Site, tmp_path: Path) -> None:
    assert guide_of(site) is not None
    assert guide_of(msgspec.structs.replace(site, folder=None)) is None
    elsewhere = msgspec.structs.replace(site, folder=str(tmp_path))
    with pytest.raises(Missing, match=r"\$\.site\.guide"):
        guide_of(elsewhere)
    (tmp_path / "example-guide.toml").write_bytes(b"\xff")
    with pytest.raises(BadSite, match="want UTF-8"):
        guide_of(elsewhere)


def test_check_reads_the_guide_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "site.toml"
    copy.write_text(EXAMPLE.read_text("utf-8"), encoding="utf-8")
    text = EXAMPLE.with_name("example-guide.toml").read_text("utf-8")
    (tmp_path / "example-guide.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(copy)]) == 0
    assert "16 purposes" in capsys.readouterr().out
    (tmp_path / "example-guide.toml").write_text(text.replace('"c5"', '"c50"'), encoding="utf-8")
    assert main(["check", str(copy)]) == 78
    assert "got 'c50' - at `$." in capsys.readouterr().err
