"""The report as one HTML file that asks for nothing else, and its tables as CSV files."""

from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from models.report.month import Month
from signage.report.sections import Section, Sections
from signage.report.tables import as_csv
from signage.report.words import ReportWords
from signage.text import marked_up

_HERE = Path(__file__).parent


class Report(msgspec.Struct, frozen=True):
    """One month in one language. `csv` is by the name of the file."""

    html: str
    csv: dict[str, str]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def report(month: Month, language: str, made_at: datetime) -> Report:
    """Write a month down. Reads files.

    Args:
        month: its figures.
        language: one of `signage.report.words.LANGUAGES`.
        made_at: when it was made, aware.
    """
    words = ReportWords(language, month.site.zone_info)
    parts = Sections(month, words)
    sections = parts.all() if month.known else []
    html = (
        _environment()
        .get_template("report.html")
        .render(
            words=words,
            month=month,
            office=words.name(month.site.site.name),
            basis=_basis(month, words),
            tiles=parts.tiles() if month.known else [],
            sections=sections,
            about=_about(month, sections, words),
            made=words.moment(made_at),
            style=Markup((_HERE / "report.css").read_text("utf-8").strip()),  # noqa: S704  ours
        )
    )
    tables = [table for section in sections for table in section.tables]
    return Report(marked_up(html), {f"{table.key}.csv": as_csv(table) for table in tables})


def _basis(month: Month, words: ReportWords) -> str:
    """On how many days it rests."""
    if month.until is not None and month.until < month.month.first:
        return words("basis.future")
    if not month.open_days:
        return words("basis.shut")
    if not month.known:
        return words("basis.nothing", open=len(month.open_days))
    said = words("basis.days", known=len(month.known), open=len(month.open_days))
    for key, day in (("since", month.since), ("until", month.until)):
        if day is not None and day > month.month.first:
            then = words(f"basis.{key}", day=words.full_date(day))
            said = words("basis.and", first=said, then=then)
    return said


def _about(month: Month, sections: list[Section], words: ReportWords) -> list[str]:
    """How it is to be read."""
    if not sections:
        return [words("about.nothing")]
    keys = {section.key for section in sections}
    said = [words("about.closed"), words("about.chance"), words("about.unknown")]
    if "level" in keys:
        said.append(words("about.level"))
    if "staffing" in keys and month.staffing is not None:
        said.append(words("about.clerk"))
    return [*said, words("about.private"), words("about.more")]
