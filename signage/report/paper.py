"""The report as a PDF, printed by chromium: what a browser shows is what is handed out."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from models.errors import Missing, Unavailable

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 120


def program() -> str:
    """Where chromium is.

    Raises:
        Missing: it is not installed.
    """
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found:
            return found
    raise Missing("want chromium for a PDF, it is not installed: apt-get install chromium")


def print_pdf(page: Path, pdf: Path) -> None:
    """Print a page.

    Raises:
        Missing: chromium is not installed.
        Unavailable: it cannot print.
    """
    with TemporaryDirectory() as profile:
        command = [
            program(),
            "--headless",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # root is served without it only
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={pdf.absolute()}",
            page.absolute().as_uri(),
        ]
        try:
            done = subprocess.run(  # noqa: S603  of our making
                command, check=False, capture_output=True, timeout=_PATIENCE_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"want a PDF, got: {error} - {pdf}") from None
    if done.returncode or not pdf.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1][:200] if said else f"exit code {done.returncode}"
        raise Unavailable(f"want a PDF, got: {why} - {pdf}")
