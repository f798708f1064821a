"""Which of the languages that there are a browser would like best."""

from collections.abc import Iterator, Sequence

_SAME = {
    "fil": "tl", "pt": "pt-BR",
    "zh": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant", "zh-MO": "zh-Hant",
}  # fmt: skip
_FOREIGNERS = "en"


def preferred(header: str, languages: Sequence[str]) -> str:
    """The best of `languages` by an `Accept-Language` header (RFC 9110, 12.5.4).

    A region gives way to its language: `ja-JP` is `ja`, `zh-TW` is `zh-Hant`, `pt-PT` is `pt-BR`.
    With no header it is the first; a reader of none of them gets English if there is any.

    >>> preferred("zh-TW,zh;q=0.9,en;q=0.8", ["ja", "en", "zh-Hans", "zh-Hant"])
    'zh-Hant'
    """
    offered = {language.lower(): language for language in languages}
    same = {tag.lower(): language.lower() for tag, language in _SAME.items()}
    asked = sorted(_asked(header), key=lambda each: -each[1])
    for tag, _ in asked:
        if tag == "*":
            return languages[0]
        for start in _starts(tag):
            for found in (start, same.get(start, start)):
                if found in offered:
                    return offered[found]
    return offered.get(_FOREIGNERS, languages[0]) if asked else languages[0]


def _asked(header: str) -> Iterator[tuple[str, float]]:
    """Each tag that is wanted at all, in small letters, with its weight."""
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        try:
            share = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if tag.strip() and share > 0:
            yield tag.strip().lower(), share


def _starts(tag: str) -> Iterator[str]:
    """`zh-hant-tw`, `zh-hant`, `zh`."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
