"""How a call is said aloud: letters by their names, numbers as numbers, and no sign that is mute.

Japanese is written for a voice that reads kanji, all else in SSML for one that spells letters where
it is told to. Chinese is written in pinyin, as the voice that we have reads no characters.
"""

import re
import unicodedata
from xml.sax.saxutils import escape

from models.contract.results import Call
from models.site import Names
from signage.wording import Words

JAPANESE = frozenset({"ja", "ja-Hira"})

_LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *("エー", "ビー", "シー", "ディー", "イー", "エフ", "ジー", "エイチ", "アイ"),
            *("ジェー", "ケー", "エル", "エム", "エヌ", "オー", "ピー", "キュー", "アール"),
            *("エス", "ティー", "ユー", "ブイ", "ダブリュー", "エックス", "ワイ", "ゼット"),
        ),
        strict=True,
    )
)
_RUN = re.compile(r"[A-Za-z]+|\d+|[^\W\dA-Za-z_]+")
_READING = re.compile(r"（[ぁ-ゖー]+）")
_GAP = re.compile(r"(?<=[^\x00-\x7f])[ 　]+|[ 　]+(?=[^\x00-\x7f])")
_SPELLED = '<say-as interpret-as="characters">{}</say-as>'
_PINYIN = {
    "zh-Hans": (
        "qing3 {number} hao4, dao4 {counter} hao4 chuang1 kou3.",
        "qing3 {number} hao4, dao4 chuang1 kou3.",
    ),
    "zh-Hant": (
        "qing3 {number} hao4, dao4 {counter} hao4 gui4 tai2.",
        "qing3 {number} hao4, dao4 gui4 tai2.",
    ),
}
"""With a counter that has a number, and without."""


def caption(words: Words, call: Call, counter: Names | None) -> str:
    """The words of a call as they are read, in one language.

    Args:
        words: of the language.
        call: what is called.
        counter: the names of its counter, None if it has none.
    """
    name = words.name(counter, call.counter or "")
    return words(_key(name), number=call.number, counter=name)


def said(words: Words, call: Call, counter: Names | None) -> str | None:
    """The same as it is said; None where it cannot be, as no sign of it has a sound there."""
    number = runs(call.number)
    if words.language in JAPANESE:
        name = unicodedata.normalize("NFKC", words.name(counter, call.counter or ""))
        text = words(_key(name), number="の".join(map(_in_japanese, number)), counter=name)
        return _GAP.sub("", _READING.sub("", text))
    if not all(map(str.isascii, number)):
        return None
    where = _heard(words, call, counter)
    gaps = {"number": " ".join(map(_in_ssml, number)), "counter": where}
    if words.language in _PINYIN:
        numbered, plain = _PINYIN[words.language]
        has_digits = where.isdecimal()
        return f"<speak>{(numbered if has_digits else plain).format(**gaps)}</speak>"
    texts = words(_key(where), number="{number}", counter="{counter}")
    return f"<speak>{escape(str(texts)).format(**gaps)}</speak>"


def runs(text: str) -> list[str]:
    """The letters, the digits and what else there is, each for itself; zeros that lead are mute.

    >>> runs("A007"), runs("12-034"), runs("さくら３")
    (['A', '7'], ['12', '34'], ['さくら', '3'])
    """
    found = _RUN.findall(unicodedata.normalize("NFKC", text))
    return [str(int(run)) if run.isdecimal() else run.upper() for run in found]


def _key(counter: str) -> str:
    if not counter:
        return "call.said"
    return "call.said_counter" if any(map(str.isdigit, counter)) else "call.said_place"


def _heard(words: Words, call: Call, counter: Names | None) -> str:
    """The counter in the words of this language: if it has none, its number, or nothing."""
    names = counter or ({words.language: call.counter} if call.counter else {})
    if not names:
        return ""
    language, name = words.pick(names)
    is_ours = language == words.language and words.language not in _PINYIN
    if any(map(str.isdigit, name)):
        return " ".join(_in_ssml(run) for run in runs(name) if run.isascii())
    return escape(name) if is_ours else ""


def _in_japanese(run: str) -> str:
    return "".join(_LETTERS.get(letter, letter) for letter in run)


def _in_ssml(run: str) -> str:
    return run if run.isdecimal() else _SPELLED.format(escape(run))
