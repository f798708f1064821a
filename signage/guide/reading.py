"""Where the guide of an office comes from: the file that its site file names."""

import logging
from pathlib import Path

from models.errors import BadSite, Missing
from models.guide.reading import Guide, parse
from models.site import Site

logger = logging.getLogger("machiai.guide")


def guide_if_there(site: Site) -> Guide | None:
    """The guide for who serves other things too: a missing file is told, and ends none of them.

    Raises:
        BadSite: it cannot be used.
    """
    try:
        return guide_of(site)
    except Missing as error:
        logger.warning("serving without a guide: %s", error)
        return None


def guide_of(site: Site) -> Guide | None:
    """The guide of a site; None if it has none, or was no file itself. Reads a file.

    Raises:
        BadSite: it cannot be used; one line for each mistake.
        Missing: it is not there.
    """
    if site.site.guide is None or site.folder is None:
        return None
    path = Path(site.folder) / site.site.guide
    try:
        return parse(path.read_text(encoding="utf-8"), site, str(path))
    except UnicodeDecodeError as error:
        raise BadSite(f"{path}: want UTF-8, {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise Missing(f"want the guide of `$.site.guide`, got: {error.strerror} - {path}") from None
