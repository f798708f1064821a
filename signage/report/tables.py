"""The numbers behind the pictures: read on the page, and kept as CSV."""

import csv
import io

import msgspec

Value = str | int | float | None
"""None is not known."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`key` names its CSV file. The first column says what each row is of."""

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def said(self, unknown: str) -> list[list[str]]:
        """Its rows as they are read."""
        return [[unknown if value is None else _said(value) for value in row] for row in self.rows]


def rounded(value: float | None, digits: int = 1) -> float | None:
    """As it stands in tables."""
    return None if value is None else round(value, digits)


def as_csv(table: Table) -> str:
    """With the mark by which spreadsheets know UTF-8; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.head)
    writer.writerows([_safe(value) for value in row] for row in table.rows)
    return f"\ufeff{text.getvalue()}"


def _said(value: str | float) -> str:
    if isinstance(value, float) and value == int(value) and abs(value) >= 1000:  # noqa: PLR2004
        return str(int(value))
    return str(value)


def _safe(value: Value) -> Value:
    """A name that a spreadsheet would take for a formula is text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
