"""The report's texts: complete in both languages, and none that nobody reads."""

import ast
import re

import pytest

from signage.report.words import LANGUAGES
from signage.wording import catalogue
from tests.conftest import ROOT

OURS = {language: catalogue(language, "report") for language in LANGUAGES}
_PART = re.compile(r"words\('([a-z][\w.-]*)'")


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def written() -> tuple[set[str], set[str]]:
    """What the report's code writes as text: whole, and as the beginning of something."""
    whole, begun = {"head.", "table."}, {"head.", "table."}
    for path in (ROOT / "signage" / "report").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                begun.add(str(node.values[0].value))
    whole |= set(_PART.findall((ROOT / "signage/report/report.html").read_text("utf-8")))
    return whole, {text for text in begun if re.fullmatch(r"[a-z_]+\.([\w.]+\.)?", text)}


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    assert OURS["ja"].keys() == OURS["en"].keys()
    assert len(OURS["ja"]) > 100
    for key, (text, *_) in OURS["ja"].items():
        *one, english = OURS["en"][key]
        assert text or key == "list.join", key
        assert english, key
        assert gaps(text) == gaps(english), key
        assert all(gaps(form) <= gaps(text) for form in one), key
        assert str(text).count("|") == str(english).count("|"), f"columns of {key}"


@pytest.mark.parametrize("key", sorted(OURS["ja"]))
def test_somebody_reads_each_text(key: str) -> None:
    whole, begun = written()
    assert key in whole or any(map(key.startswith, begun))
