"""Elements of XML, for formats that are older than JSON."""

import re
from xml.etree import ElementTree as ET

_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, however it is written (its section 2.2)."""


def element(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    """A new last child. The namespace is declared once, at the root."""
    made = ET.SubElement(parent, name, {key: _clean(value) for key, value in attributes.items()})
    made.text = _clean(text) or None
    return made


def written(root: ET.Element) -> bytes:
    """The document in UTF-8."""
    said: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return said


def _clean(text: str) -> str:
    return _NEVER.sub("\N{REPLACEMENT CHARACTER}", text)
