"""Notices as an Atom feed (RFC 4287), each with the address of its CAP message."""

from datetime import datetime
from xml.etree import ElementTree as ET

from models.contract.codec import stamp
from models.site import Site
from signage.feed.bulletin import Alert
from signage.feed.exports import cap
from signage.feed.exports.xml import element, written

NAMESPACE = "http://www.w3.org/2005/Atom"
TYPE = "application/atom+xml"


def render(alerts: tuple[Alert, ...], site: Site, language: str, updated: datetime) -> bytes:
    """All that stands, the newest first; in `language` where a notice is told in it.

    Args:
        alerts: of the bulletin.
        site: whose they are.
        language: a tag such as `ja`.
        updated: when the feed itself last changed.
    """
    office = site.site
    base = (office.url or "").rstrip("/")
    here = f"{base}/api/v1/sites/{site.id}/notices/{language}.atom"
    name = office.name.get(language) or next(iter(office.name.values()))
    root = ET.Element("feed", {"xmlns": NAMESPACE, "xml:lang": language})
    element(root, "id", f"{_tag(site)}/notices/{language}")
    element(root, "title", name)
    element(root, "updated", stamp(updated))
    element(root, "link", rel="self", type=TYPE, href=here)
    if office.url:
        element(root, "link", rel="alternate", type="text/html", href=office.url)
    element(element(root, "author"), "name", name)
    for alert in alerts:
        href = f"{base}{address(site.id, alert)}"
        _entry(root, alert, language, f"{_tag(site)}/{alert.identifier}", href)
    return written(root)


def address(site: str, alert: Alert) -> str:
    """Where the CAP message of an entry is served."""
    return f"/api/v1/sites/{site}/notices/{alert.identifier}.xml"


def _tag(site: Site) -> str:
    """What ids begin with; it names nothing that could be fetched (RFC 4151)."""
    return f"tag:{cap.sender_of(site.site)},2026:{site.id}"


def _entry(root: ET.Element, alert: Alert, language: str, name: str, href: str) -> None:
    texts = alert.notice.texts
    text = texts.get(language) or next(iter(texts.values()), "")
    spoken = next((code for code, told in texts.items() if told == text), language)
    entry = element(root, "entry", **{"xml:lang": spoken})
    element(entry, "id", name)
    element(entry, "title", cap.headline(text) or alert.notice.severity)
    element(entry, "updated", stamp(alert.sent))
    element(entry, "link", rel="alternate", type=cap.TYPE, href=href)
    element(entry, "category", term=alert.kind)
    element(entry, "category", term=alert.notice.severity)
    element(entry, "content", text, type="text")
