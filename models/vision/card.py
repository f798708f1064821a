"""A model card: what a detector is, where its weights come from, how it is fed and read."""

import tomllib
from typing import Annotated, Literal

import msgspec

from models.contract.ids import Id
from models.errors import MachiaiError

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Colours = tuple[float, float, float]
"""For blue, green, red."""
Pixels = Annotated[int, msgspec.Meta(ge=32, le=2048)]


class BadCard(MachiaiError, ValueError):
    """A model card that cannot be used."""

    exit_code = 78  # EX_CONFIG


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of the tables of a card: unknown keys are refused."""


class Weights(Part, frozen=True, kw_only=True):
    """`[weights]`: the file. Others' never stand in this repository; ours do and have no `url`."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]+(?!\n)$")]
    url: Annotated[str, msgspec.Meta(pattern=r"^https://")] = ""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]
    bytes: Annotated[int, msgspec.Meta(ge=1)]


class Input(Part, frozen=True, kw_only=True):
    """`[input]`: 1x3xHxW float32, blue green red, (pixel value - `mean`) * `scale`.

    `letterbox` keeps the proportions, picture at the top left, the rest filled with `pad`;
    `stretch` does not.
    """

    width: Pixels
    height: Pixels
    fit: Literal["letterbox", "stretch"]
    pad: Annotated[int, msgspec.Meta(ge=0, le=255)] = 114
    mean: float | Colours = 0.0
    scale: float | Colours = 1.0

    def scales(self, width: int, height: int) -> tuple[float, float]:
        """Pixels of the input for one of a frame of that size, along x and along y."""
        x, y = self.width / width, self.height / height
        return (min(x, y), min(x, y)) if self.fit == "letterbox" else (x, y)


class Network(Part, frozen=True, kw_only=True):
    """`[network]`: how the outputs are read. `classes` are the model's numbers of what we count."""

    decoder: str
    classes: dict[Literal["person", "car"], tuple[int, ...]]
    overlap: Share = 0.45  # boxes with an IoU above this are of the same thing


class Measured(Part, frozen=True, kw_only=True):
    """`[[measured]]`: how wrong it was, on what."""

    on: str
    error: str
    cpu_ms: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Card(Part, frozen=True, kw_only=True):
    """One detector. Without weights, input and network it is the one inside OpenCV."""

    name: Id
    title: str
    licence: str
    threshold: Share  # a box below it is not counted
    weights: Weights | None = None
    input: Input | None = None
    network: Network | None = None
    measured: tuple[Measured, ...] = ()


def parse(text: str, where: str) -> Card:
    """Read a card.

    Raises:
        BadCard: with the path of what is wrong.
    """
    try:
        card = msgspec.convert(tomllib.loads(text), Card)
    except tomllib.TOMLDecodeError as error:
        raise BadCard(f"{where}: want TOML, {error}") from None
    except msgspec.ValidationError as error:
        raise BadCard(f"{where}: {error}") from None
    if len({part is None for part in (card.weights, card.input, card.network)}) > 1:
        raise BadCard(f"{where}: want all or none of weights, input, network - at `$`")
    return card
