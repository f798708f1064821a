"""Notices by the Common Alerting Protocol 1.2, one message a document.

Source: OASIS Standard CAP-v1.2, 1 July 2010. There is no `area`: a notice is of one office, and
whoever wants its place finds it in the feed.
"""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from models.site import Office, Site
from signage.feed.bulletin import Alert, ends
from signage.feed.exports.xml import element, written

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
TYPE = "application/cap+xml"

_URGENT = {
    "emergency": ("Safety", "Immediate", "Severe", "Observed"),
    "warning": ("Safety", "Expected", "Moderate", "Likely"),
    "info": ("Other", "Unknown", "Minor", "Unknown"),
}
"""Category, urgency, severity and certainty."""

_HEADLINE = 160  # characters that a phone shows (CAP 1.2, section 3.2.2)


def render(alert: Alert, site: Site, *, test: bool) -> bytes:
    """One message; a test, as all of the demo's are, is one that nobody shall act upon.

    So is a drill but by those who exercise.
    """
    office, notice = site.site, alert.notice
    sender = sender_of(office)
    root = ET.Element("alert", {"xmlns": NAMESPACE})
    element(root, "identifier", alert.identifier)
    element(root, "sender", sender)
    element(root, "sent", _time(alert.sent))
    element(root, "status", "Test" if test else "Exercise" if notice.drill else "Actual")
    element(root, "msgType", alert.kind)
    element(root, "scope", "Public")
    if alert.references:
        said = (f"{sender},{name},{_time(sent)}" for name, sent in alert.references)
        element(root, "references", " ".join(said))
    for language, text in notice.texts.items():
        info = element(root, "info")
        element(info, "language", language)
        category, urgency, severity, certainty = _URGENT[notice.severity]
        element(info, "category", category)
        element(info, "event", notice.severity)
        element(info, "urgency", "Past" if alert.kind == "Cancel" else urgency)
        element(info, "severity", severity)
        element(info, "certainty", certainty)
        element(info, "effective", _time(alert.sent))
        if notice.since is not None:
            element(info, "onset", _time(notice.since))
        element(info, "expires", _time(ends(notice)))
        element(info, "senderName", office.name.get(language) or next(iter(office.name.values())))
        element(info, "headline", headline(text))
        element(info, "description", text)
        if office.url:
            element(info, "web", office.url)
    return written(root)


def sender_of(office: Office) -> str:
    """Who speaks, once in the world: the host of its page, or its id where it has none."""
    host = (office.url or "").partition("://")[2].partition("/")[0]
    return host or f"machiai.{office.id}"


def headline(text: str) -> str:
    """The first line, cut to what a phone shows."""
    first = text.strip().partition("\n")[0]
    return first if len(first) <= _HEADLINE else first[: _HEADLINE - 1] + "…"


def _time(at: datetime) -> str:
    """As CAP wants it: whole seconds, and never Z.

    >>> _time(datetime(2026, 11, 24, 1, 32, 0, 999, tzinfo=UTC))
    '2026-11-24T01:32:00-00:00'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")
