"""How counters after numbers are read, for やさしい日本語: 20分（ぷん）, 24日（か）."""

import re

_COUNTED = re.compile(r"(\d+)([月日時分人台番組件])(?![（間号])")
_WEEKDAY = re.compile(r"([日月火水木金土])曜日(?!（)")
_ALWAYS = {
    "月": "がつ", "時": "じ", "台": "だい", "番": "ばん", "組": "くみ", "件": "けん"
}  # fmt: skip
_WEEKDAYS = {
    "日": "にち", "月": "げつ", "火": "か", "水": "すい", "木": "もく", "金": "きん", "土": "ど"
}  # fmt: skip
_PUN = "013468"  # いっぷん, さんぷん, よんぷん, ろっぷん, はっぷん, じゅっぷん
_KA = {2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 20, 24}  # ふつか … とおか, じゅうよっか, はつか


def with_readings(text: str) -> str:
    """The text with the reading of each counter behind it.

    >>> with_readings("11月20日 火曜日 9時5分、3人")
    '11月（がつ）20日（か） 火曜日（かようび） 9時（じ）5分（ふん）、3人（にん）'
    """
    said = _COUNTED.sub(lambda found: f"{found[0]}（{_reading(found[1], found[2])}）", text)
    return _WEEKDAY.sub(lambda found: f"{found[0]}（{_WEEKDAYS[found[1]]}ようび）", said)


def _reading(number: str, counter: str) -> str:
    if counter == "分":
        return "ぷん" if number[-1] in _PUN else "ふん"
    if counter == "日":
        return "たち" if int(number) == 1 else "か" if int(number) in _KA else "にち"
    if counter == "人":
        return "り" if int(number) in {1, 2} else "にん"
    return _ALWAYS[counter]
