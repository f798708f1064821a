"""Reads what a surface says: of what, in which words, and for how long by its own marks."""

import re
from html.parser import HTMLParser
from typing import Any

from models.contract.results import Spread
from models.site import Site
from signage.wording import Words

_CALLED = {"call": "calls", "before": "calls", "calling": "calls", "info": "notice"}
_VOID = frozenset({"meta", "link", "br", "img", "input", "use", "path", "rect", "line"})


class Shown:
    """One thing on a surface: its marks, and its values until the browser takes them away."""

    def __init__(self, key: str, marks: dict[str, str | None]) -> None:
        self.key = key
        self.state = marks.get("data-state") or ""
        self.observed = _number(marks.get("data-observed"))
        self.until = _number(marks.get("data-until"))
        self.opens = _number(marks.get("data-opens"))
        self.values: list[str] = []


class _Reader(HTMLParser):
    """Collects the text below `data-value`, thing by thing; ages are no values."""

    def __init__(self) -> None:
        super().__init__()
        self.things: list[Shown] = []
        self._stack: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = dict(attrs)
        is_in = self._stack[-1][1] if self._stack else ""
        if "data-state" in marks:
            kind = (marks.get("class") or "").split(" ", maxsplit=1)[0]
            name = (marks.get("id") or kind).replace("-", "/", 1)
            name = _CALLED.get(kind, name)
            is_in = "thing"
            self.things.append(Shown(name, marks))
        if tag in ("template", "svg") or "data-age" in marks or "data-gone" in marks:
            is_in = "nothing"
        elif "data-value" in marks and is_in == "thing":
            is_in = "value"
        if tag not in _VOID:
            self._stack.append((tag, is_in))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<use …/>` opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self._stack and self._stack[-1][1] == "value":
            self.things[-1].values.append(data.strip())


def of_html(html: str) -> list[Shown]:
    """All that a page or a part of one shows."""
    reader = _Reader()
    reader.feed(re.sub(r'<span class="(?:digits|whole)[^>]*>([^<]*)</span>', r"\1", html))
    return reader.things


def of_text(html: str, site: Site, words: Words) -> list[tuple[str, str]]:
    """The lines of `/text`, each with the thing that it is of."""
    named = {words.name(s.name): f"service/{s.id}" for s in site.services}
    named |= {words.name(item.name): f"lot/{item.id}" for item in site.lots}
    named |= {words.name(item.name): f"zone/{item.id}" for item in site.zones}
    lines = [
        (named[name], re.sub(r"<[^>]*>", "\u3000", said))
        for name, said in re.findall(r"<li><b>(.*?)</b>：(.*)</li>", html)
    ]
    notices = re.findall(r'<p class="notice" lang="ja">(.*)</p>', html)
    return lines + [("notice", text) for text in notices]


def of_feed(document: dict[str, Any], words: Words) -> list[tuple[str, str, dict[str, Any]]]:
    """Every value of the feed as a sign, with its thing and its item."""
    said = []
    for kind in ("service", "lot", "zone"):
        for item in document[f"{kind}s"]:
            key = f"{kind}/{item['id']}"
            signs = [f"{name}={item[name]}" for name in ("waiting", "people") if item.get(name)]
            signs += [item["called"]] if item.get("called") else []
            if item.get("level") and kind == "service":
                signs.append(words(f"level.{item['level']}"))
            if wait := item.get("wait"):
                signs.append(words.wait(Spread(**wait)))
            if free := item.get("free"):
                signs.append(f"free={free['p10']}-{free['p50']}-{free['p90']}")
            said += [(key, sign, item) for sign in signs]
    said += [("calls", call["number"], {}) for call in document["calls"]]
    said += [("notice", item["texts"]["ja"], item) for item in document["notices"]]
    return said


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
