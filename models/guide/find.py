"""What somebody means who types a few letters: kana as they sound, letters without accents."""

import unicodedata
from collections.abc import Iterable, Sequence

_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖぢづを", "あいうえおつやゆよわかけじずお")
_ROWS = {
    "a": "あかさたなはまやらわがざだばぱ",
    "i": "いきしちにひみりぎじびぴ",
    "u": "うくすつぬふむゆるぐずぶぷゔ",
    "e": "えけせてねへめれげぜでべぺ",
    "o": "おこそとのほもよろごぞどぼぽ",
}
_VOWEL = {kana: vowel for vowel, row in _ROWS.items() for kana in row}
_LONG = {"a": "あ", "i": "い", "u": "う", "e": "えい", "o": "おう"}
_LATIN = {"đ": "d", "ı": "i", "ø": "o", "ß": "ss"}
_HIRAGANA, _KATAKANA = 0x3041, 0x30A1


def folded(text: str) -> str:
    """As texts are compared: one kind of kana, no small ones, no long vowels, no accents.

    >>> folded("トーロク") == folded("とおろく") == folded("とうろく")
    True
    >>> folded("Chứng nhận")
    'chung nhan'
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    made: list[str] = []
    vowel = ""
    for sign in "".join(_hiragana(sign) for sign in plain).translate(_SMALL):
        if sign == "ー" or (vowel and sign in _LONG[vowel]):
            continue  # a vowel that goes on, however it is written
        vowel = _VOWEL.get(sign, "")
        made.append(sign if vowel or sign == "ん" else _bare(sign))
    return " ".join("".join(made).split())


def _hiragana(sign: str) -> str:
    code = ord(sign)
    return chr(code - _KATAKANA + _HIRAGANA) if "ァ" <= sign <= "ヶ" else sign


def _bare(sign: str) -> str:
    """A letter without its accents."""
    if sign in _LATIN:
        return _LATIN[sign]
    first = unicodedata.normalize("NFD", sign)[:1]
    return first if first.isascii() else sign


def rank(asked: str, texts: Iterable[str]) -> int | None:
    """How well texts fit what is asked, 0 the best; None if a word of it is in none of them.

    Args:
        asked: folded.
        texts: folded; names first cost nothing, all count the same.
    """
    known = list(texts)
    worst = 0
    for word in asked.split():
        fits = [_fit(word, text) for text in known]
        found = [fit for fit in fits if fit is not None]
        if not found:
            return None
        worst = max(worst, min(found))
    return worst


def _fit(word: str, text: str) -> int | None:
    if text.startswith(word):
        return 0
    if f" {word}" in text:
        return 1
    return 2 if word in text else None


def find(asked: str, items: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """The ids of the items that fit what somebody typed, the best first, else in their order.

    Args:
        asked: as typed; nothing finds nothing.
        items: id and folded texts of each.
    """
    said = folded(asked)
    if not said:
        return ()
    ranked = [(rank(said, texts), name) for name, texts in items]
    found = [(value, i, name) for i, (value, name) in enumerate(ranked) if value is not None]
    return tuple(name for _, _, name in sorted(found))
