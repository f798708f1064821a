"""Fetches the weights of a card, whole and checked or not at all.

An agent only looks for weights: what fetching needs is imported by who fetches.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import BinaryIO

from models.errors import Missing, Unavailable
from models.vision.card import Weights

_CHUNK = 1 << 16
_TIMEOUT_S = 30.0


def pull(weights: Weights, folder: Path, file: Path | None = None) -> Path:
    """Put the weights into a folder, showing progress.

    Args:
        weights: of the card.
        folder: made if it is not there.
        file: take them from here; None fetches them from the address on the card.

    Raises:
        Missing: the file is not there, or what came has another checksum.
        Unavailable: the address does not answer.
    """
    where = str(file or weights.url)
    try:
        with _stream(weights, file) as stream:
            return _keep(stream, weights, folder, where)
    except Missing:
        raise
    except OSError as error:
        wanted = f"want {weights.file} from {where}, got: {error}"
        raise (Missing if file else Unavailable)(wanted) from None


def _stream(weights: Weights, file: Path | None) -> BinaryIO:
    if file is not None:
        return file.open("rb")
    import urllib.request  # noqa: PLC0415

    answer: BinaryIO = urllib.request.urlopen(  # noqa: S310  a card names https only
        weights.url, timeout=_TIMEOUT_S
    )
    return answer


def _keep(stream: BinaryIO, weights: Weights, folder: Path, where: str) -> Path:
    """Copy to a file beside its place, check, rename: half a file is never found."""
    from tqdm import tqdm  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    path = folder / weights.file
    part = tempfile.NamedTemporaryFile(  # noqa: SIM115  closed by the next line
        dir=folder, prefix=f".{weights.file}.", delete=False
    )
    try:
        with (
            part,
            tqdm(
                total=weights.bytes, unit="B", unit_scale=True, desc=weights.file, disable=None
            ) as bar,
        ):
            while part.tell() <= weights.bytes and (chunk := stream.read(_CHUNK)):
                digest.update(chunk)
                part.write(chunk)
                bar.update(len(chunk))
        if digest.hexdigest() != weights.sha256:
            got = digest.hexdigest()
            raise Missing(f"want sha256 {weights.sha256[:12]}..., got {got[:12]}... at {where}")
        Path(part.name).chmod(0o644)
        Path(part.name).replace(path)
    finally:
        Path(part.name).unlink(missing_ok=True)
    return path
