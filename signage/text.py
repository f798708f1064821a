"""Texts that know which of their parts are in another language, and ruby.

A text is plain wherever it is used, in a mail or a `title`; only as HTML does it say more: `lang`
around what is in another language, as one code point is drawn in other ways in Japan, China, Taiwan
and Korea, and 「窓口（まどぐち）」 as ruby.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from markupsafe import Markup, escape

_BEGIN, _NAMED, _END = "\ue000", "\ue001", "\ue002"
"""Private signs around a foreign part: not tags yet, as the part may end up in an attribute."""

_PLAIN = re.compile(
    rf"<(title|script|svg|option|textarea)\b.*?</\1>|<[^<>]*[（{_BEGIN}-{_END}][^<>]*>", re.DOTALL
)
"""Where no tag may stand: in elements that hold text only or drawings, and within a tag."""
_FOREIGN = re.compile(f"{_BEGIN}([A-Za-z0-9-]+){_NAMED}([^{_BEGIN}-{_END}]*){_END}")
_SIGNS = re.compile(f"{_BEGIN}[A-Za-z0-9-]*{_NAMED}|[{_BEGIN}-{_END}]")
_READ = re.compile(r"([㐀-鿿々ヶ]+)（([ぁ-ゖー]+)）")
_RUBY = r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>"


class Text(str):
    """A plain text; where a template writes it, its foreign parts are marked."""

    __slots__ = ("_html",)
    _html: Markup

    def __new__(cls, plain: str, html: Markup | None = None) -> Self:
        """Take the text and, if it has foreign parts, how it is as HTML."""
        made = super().__new__(cls, plain)
        made._html = escape(str(plain)) if html is None else html
        return made

    def __html__(self) -> Markup:
        return self._html

    def filled(self, values: Mapping[str, Any]) -> "Text":
        """Its gaps filled."""
        plain, html = str(self).format(**values), self._html.format(**values)
        return Text(plain, html)

    def changed(self, change: Callable[[str], str]) -> "Text":
        """With something added to it, in HTML as well."""
        return Text(change(str(self)), Markup(change(str(self._html))))  # noqa: S704  was escaped

    def join(self, texts: Iterable[str]) -> "Text":
        """The texts with this one between them."""
        parts = list(texts)
        return Text(str(self).join(parts), self._html.join(parts))


def foreign(text: str, language: str) -> Text:
    """A text in another language than what stands around it; a mere number is in none."""
    if not any(map(str.isalpha, text)):
        return Text(text)
    return Text(text, Markup(f"{_BEGIN}{escape(language)}{_NAMED}{escape(text)}{_END}"))  # noqa: S704  escaped


def marked_up(html: str) -> str:
    """A rendered template with its signs and readings made into tags, where tags may stand."""
    done: list[str] = []
    end = 0
    for found in _PLAIN.finditer(html):
        done += [_tagged(html[end : found.start()]), _SIGNS.sub("", found[0])]
        end = found.end()
    return "".join([*done, _tagged(html[end:])])


def _tagged(text: str) -> str:
    spans = _FOREIGN.sub(r'<span lang="\1">\2</span>', text)
    return _READ.sub(_RUBY, _SIGNS.sub("", spans))
