from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models.vision
from models.sensing.boxes import CAR, PERSON, SCORE, Floats, iou, suppress
from models.vision.card import BadCard, Input, Network, parse
from models.vision.decoders import DECODERS, decode

CARDS = sorted((Path(models.vision.__file__).parent / "cards").glob("*.toml"))
YOLOX = Input(width=416, height=416, fit="letterbox")
FASTEST = Input(width=352, height=352, fit="stretch")
CLASSES: dict[str, tuple[int, ...]] = {"person": (0,), "car": (2, 5, 7)}


def network(decoder: str) -> Network:
    return Network(decoder=decoder, classes={"person": (0,), "car": (2, 5, 7)})


def yolox_output(anchor: int, values: list[float], number: int, score: float) -> Floats:
    """The raw output that holds one box: o for x, y, w, h, surely an object of this class."""
    output = np.zeros((1, 3549, 85), np.float32)
    output[0, anchor, :4] = values
    output[0, anchor, 4] = 1.0
    output[0, anchor, 5 + number] = score
    return output


def test_a_yolox_box_lands_where_it_was_in_the_frame() -> None:
    # Row 10, column 20 of the first grid of 52 x 52, whose cells are 8 pixels.
    output = yolox_output(10 * 52 + 20, [0.5, 0.25, np.log(4), np.log(6)], 0, 0.8)
    boxes = decode([output], network("yolox"), YOLOX, (832, 416), 0.3)
    # Half size: the input shows 832 x 416 as 416 x 208.
    middle, half = np.array([20.5 * 8, 10.25 * 8]) * 2, np.array([32, 48])
    assert boxes.dtype == np.float32
    np.testing.assert_allclose(
        boxes, [[*(middle - half), *(middle + half), 0.8, PERSON]], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("anchor", "stride", "row", "column"),
    [(0, 8, 0, 0), (52 * 52 + 26 + 3, 16, 1, 3), (52 * 52 + 26 * 26 + 13 * 2 + 4, 32, 2, 4)],
    ids=["fine", "middle", "coarse"],
)
def test_each_yolox_grid_has_its_stride(anchor: int, stride: int, row: int, column: int) -> None:
    output = yolox_output(anchor, [0.5, 0.5, -1, -1], 2, 0.9)
    box = decode([output], network("yolox"), YOLOX, (416, 416), 0.3)[0]
    middle = (box[:2] + box[2:4]) / 2
    np.testing.assert_allclose(middle, [(column + 0.5) * stride, (row + 0.5) * stride], rtol=1e-5)
    assert box[5] == CAR


def test_a_fastestdet_box_lands_where_it_was_in_the_frame() -> None:
    output = np.zeros((1, 85, 22, 22), np.float32)
    output[0, :5, 11, 5] = [1.0, 0.0, 0.0, 0.0, -np.log(3)]  # half as wide, a quarter as high
    output[0, 5, 11, 5] = 0.5
    boxes = decode([output], network("fastestdet"), FASTEST, (220, 440), 0.3)
    np.testing.assert_allclose(boxes, [[0, 165, 105, 275, 0.5**0.4, PERSON]], rtol=1e-5)


@pytest.mark.parametrize("number", [2, 5, 7], ids=["car", "bus", "truck"])
def test_all_that_parks_is_a_car(number: int) -> None:
    output = yolox_output(100, [0, 0, 1, 1], number, 0.9)
    assert decode([output], network("yolox"), YOLOX, (416, 416), 0.3)[:, 5].tolist() == [CAR]


def test_what_is_not_counted_is_not_seen() -> None:
    output = yolox_output(100, [0, 0, 1, 1], 16, 0.9)  # a dog
    assert decode([output], network("yolox"), YOLOX, (416, 416), 0.3).shape == (0, 6)


def test_a_box_below_the_floor_is_left_out() -> None:
    output = yolox_output(100, [0, 0, 1, 1], 0, 0.25)
    assert len(decode([output], network("yolox"), YOLOX, (416, 416), 0.3)) == 0
    assert len(decode([output], network("yolox"), YOLOX, (416, 416), 0.2)) == 1


side = st.floats(0, 90, width=32)
crowd = st.lists(
    st.tuples(side, side, st.floats(1, 60, width=32), st.floats(1, 60, width=32)), max_size=12
).map(
    lambda boxes: np.array(
        [[x, y, x + w, y + h, 0.3 + 0.05 * i, i % 2] for i, (x, y, w, h) in enumerate(boxes)],
        np.float32,
    ).reshape(-1, 6)
)


@given(crowd, st.floats(0.1, 0.9))
def test_of_boxes_on_one_thing_the_surest_stays(boxes: Floats, overlap: float) -> None:
    kept = suppress(boxes, overlap)
    for seen in (PERSON, CAR):
        ours, theirs = kept[kept[:, 5] == seen], boxes[boxes[:, 5] == seen]
        assert (np.triu(iou(ours, ours), 1) <= overlap).all()
        if len(theirs):
            assert ours[:, SCORE].max() == theirs[:, SCORE].max()
            # Whatever went was on the same thing as something surer that stayed.
            assert (
                (iou(theirs, ours) > overlap).any(axis=1) | np.isin(theirs[:, 4], ours[:, 4])
            ).all()
    np.testing.assert_array_equal(suppress(kept, overlap), kept)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_each_card_can_be_used(path: Path) -> None:
    card = parse(path.read_text(encoding="utf-8"), path.name)
    assert card.name == path.stem
    assert card.measured, "a card says how wrong it is"
    assert card.network is None or card.network.decoder in DECODERS


def test_every_decoder_has_a_card() -> None:
    cards = [parse(path.read_text(encoding="utf-8"), path.name) for path in CARDS]
    assert {card.network.decoder for card in cards if card.network} == set(DECODERS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "x.toml: want TOML, "),
        ('colour = "red"', "x.toml: Object contains unknown field `colour`"),
        ("threshold = 2.0", "x.toml: Expected `float` < 1.0 - at `$.threshold`"),
        (
            '[network]\ndecoder = "yolox"\nclasses = { person = [0] }',
            "x.toml: want all or none of weights, input, network - at `$`",
        ),
    ],
    ids=["not TOML", "unknown key", "out of range", "half a network"],
)
def test_a_bad_card_is_refused_in_one_line(text: str, message: str) -> None:
    whole = {"name": '"x"', "title": '"X"', "licence": '"MIT"', "threshold": "0.5"}
    given = {line.partition(" =")[0] for line in text.splitlines()}
    rest = "".join(f"{key} = {value}\n" for key, value in whole.items() if key not in given)
    with pytest.raises(BadCard) as caught:
        parse(rest + text, "x.toml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
