"""Staff's texts: complete in both languages, and none that nobody reads."""

import ast
import re
from functools import cache

import pytest

from signage.wording import catalogue
from tests.conftest import ROOT

SIGNAGE = ROOT / "signage"
LANGUAGES = ("ja", "en")
OURS = {language: catalogue(language, "staff") for language in LANGUAGES}
_PART = re.compile(r"""['"]([a-z][\w.-]*)['"]""")

_BEGUN = re.compile(r"[a-z_]+\.([\w.]+\.)?")


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@cache
def written() -> tuple[frozenset[str], frozenset[str]]:
    """What staff's code and templates write as text: whole, and as the beginning of something."""
    whole: set[str] = set()
    begun: set[str] = set()
    readers = [*(SIGNAGE / "staff").glob("*.py"), *(SIGNAGE / "homeassistant").glob("*.py")]
    for path in readers:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                begun.add(str(node.values[0].value))
    for path in (SIGNAGE / "templates").glob("staff*.html"):
        found = set(_PART.findall(path.read_text("utf-8")))
        whole |= found
        begun |= {text for text in found if text.endswith(".")}
    return frozenset(whole), frozenset(text for text in begun if _BEGUN.fullmatch(text))


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    assert OURS["ja"].keys() == OURS["en"].keys()
    assert len(OURS["ja"]) > 50
    for key, (text, *_) in OURS["ja"].items():
        *one, english = OURS["en"][key]
        assert text, key
        assert english, key
        assert gaps(text) == gaps(english), key
        assert all(gaps(form) <= gaps(text) for form in one), key


@pytest.mark.parametrize("key", sorted(OURS["ja"]))
def test_somebody_reads_each_text(key: str) -> None:
    whole, begun = written()
    assert key in whole or any(map(key.startswith, begun))


def test_each_text_that_a_template_wants_is_there() -> None:
    for path in (SIGNAGE / "templates").glob("staff*.html"):
        for key in re.findall(r"""words\(['"]([\w.-]+)['"](?=[,)])""", path.read_text("utf-8")):
            assert key in OURS["ja"] or key in catalogue("ja"), (path.name, key)


def test_none_is_left_in_the_other_language() -> None:
    for key, forms in OURS["en"].items():
        assert not [form for form in forms if re.search("[ぁ-ヿ]", form)], key
    for key, (text, *_) in OURS["ja"].items():
        words = re.findall(r"[^\W\d_]{4,}", re.sub(r"\{\w+\}", "", text))
        assert not words or text != OURS["en"][key][0], key


def test_staff_s_texts_hide_none_of_residents() -> None:
    assert not OURS["ja"].keys() & catalogue("ja").keys()
