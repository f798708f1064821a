"""Tables of a page in Markdown, to compare them with the code."""

import re

from tests.conftest import ROOT

Row = dict[str, str]


def tables(page: str) -> dict[str, list[Row]]:
    """Rows below each heading by the words of the table's head, backticks taken off first cells.

    A heading is known by its first `code`, or else by all of its text.
    """
    found: dict[str, list[Row]] = {}
    heading = ""
    head: list[str] = []
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            text = line.lstrip("# ")
            code = re.search(r"`([^`]+)`", text)
            heading, head = (code[1] if code else text), []
        elif line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            if not head:
                head = cells
            elif set(line) - set("|-: "):
                cells[0] = cells[0].strip("`")
                found.setdefault(heading, []).append(dict(zip(head, cells, strict=True)))
        else:
            head = []
    return found
