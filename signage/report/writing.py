"""The files of a report: a page a language, a PDF of each, and its tables."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from models.errors import Unavailable
from models.report.month import Month
from signage.report import paper
from signage.report.page import report


def write(
    month: Month, out: Path, languages: Sequence[str], made_at: datetime, *, pdf: bool
) -> Iterator[Path]:
    """Write them, and say which.

    Args:
        month: its figures.
        out: the folder; `<site>-<month>-<language>.html` and `<site>-<month>-csv-<language>/`.
        languages: of `signage.report.words.LANGUAGES`.
        made_at: when it was made, aware.
        pdf: whether each page is printed, too.

    Raises:
        Unavailable: a file cannot be written, or a page not be printed.
        Missing: there is no chromium to print with.
    """
    name = f"{month.site.id}-{month.month.first:%Y-%m}"
    for language in languages:
        made = report(month, language, made_at)
        page = out / f"{name}-{language}.html"
        try:
            out.mkdir(parents=True, exist_ok=True)
            page.write_text(made.html, encoding="utf-8")
            yield page
            folder = out / f"{name}-csv-{language}"
            for file, text in made.csv.items():
                folder.mkdir(exist_ok=True)
                (folder / file).write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise Unavailable(f"want to write {page}, got: {error.strerror}") from None
        if made.csv:
            yield folder
        if pdf:
            printed = page.with_suffix(".pdf")
            paper.print_pdf(page, printed)
            yield printed
