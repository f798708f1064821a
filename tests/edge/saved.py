"""Pages of the shapes that ticket systems have, as their servers would send them."""

from models.sensing.queue_page import encoding_of
from tests.conftest import ROOT

PAGES = ROOT / "tests" / "edge" / "pages"
NAMES = sorted(file.name for file in PAGES.iterdir())


def body_of(name: str) -> bytes:
    """The page in the encoding that it names; here all are kept in UTF-8."""
    kept = (PAGES / name).read_bytes()
    return kept.decode("utf-8").encode(encoding_of(None, kept))
