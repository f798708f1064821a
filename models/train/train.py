"""Trains the detector of drawn scenes, `models/vision/weights/rendered.onnx`, on a CPU.

`make train` runs it in a virtual environment of its own; nothing imports it. What it draws has
other seeds than what the tests draw.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

from models.sensing.boxes import CAR, CLASS, CLASSES
from models.sensing.plan import LineView, LotView, Plan, Row, ZoneView
from models.world.picture import LOOKS, SITS, SIZE, Figure, Parked, Picture, Scene, tall

WIDTH, HEIGHT, STRIDE = 320, 240, 8
LAYERS = (  # channels, stride, dilation; all 3 x 3
    (12, 2, 1), (24, 2, 1), (32, 2, 1), (32, 1, 1), (32, 1, 2), (32, 1, 1), (32, 1, 2),
)  # fmt: skip
OUTPUTS = len(CLASSES) + 4
FIRST_SEED = 1_000_000  # tests and demo stay below
VISION = Path(__file__).parents[1] / "vision"
NEAR = 0.25  # of a box from its middle: cells that learn where the box is
BLUR = 0.15  # of a box: so far from its middle the cell that means it is not quite certain


# ── What it is shown ──────────────────────────────────────────────────────────────────────────────


def plan(rng: np.random.Generator) -> Plan:
    """A camera somewhere: a lobby, a doorway, or a car park."""
    kind = rng.integers(4)
    if kind == 0:
        low, high = rng.uniform(0, 0.3, 2), rng.uniform(0.7, 1, 2)
        whole = bool(rng.integers(2))
        (x0, y0), (x1, y1) = ((0, 0), (1, 1)) if whole else (low.tolist(), high.tolist())
        return Plan(zones=(ZoneView(zone="z", polygon=((x0, y0), (x1, y0), (x1, y1), (x0, y1))),))
    if kind == 1:
        a, b = rng.uniform(0.05, 0.35, 2), rng.uniform(0.65, 0.95, 2)
        if rng.integers(2):
            a[1] = b[1] = rng.uniform(0.35, 0.75)
        return Plan(lines=(LineView(line="n", start=(a[0], a[1]), end=(b[0], b[1])),))
    rows, top = [], rng.uniform(0.12, 0.35)
    while top < 0.9 and len(rows) < 4:
        depth, left, right = rng.uniform(0.1, 0.22), rng.uniform(0, 0.2), rng.uniform(0.8, 1)
        slots = int(rng.integers(6, 23))
        tilt = rng.uniform(-0.03, 0.03)
        rows.append(Row(start=(left, top), end=(right, top + tilt), depth=depth, slots=slots))
        top += depth * 1.33 + rng.uniform(0.06, 0.25)
    return Plan(lots=(LotView(lot="p", rows=tuple(rows)),))


def picture(scene: Scene, rng: np.random.Generator) -> Picture:
    """One moment: some of the chairs and slots taken, some people on their way."""
    full = rng.choice([0.0, 0.2, 0.5, 0.8, 1.0])
    figures = [
        Figure(x + rng.uniform(-3, 3), foot + rng.uniform(-3, 3), tall(foot), SITS, _look(rng))
        for seats in scene.seats
        for x, foot in seats
        if rng.random() < full
    ]
    if not scene.seats:
        for _ in range(int(rng.integers(0, 7))):
            foot = rng.uniform(0.2, 1.25) * SIZE[1]
            height = tall(foot) * rng.uniform(0.85, 1.15)
            x = rng.uniform(0, SIZE[0])
            figures.append(Figure(x, foot, height, int(rng.integers(3)), _look(rng)))
    cars = [Parked(i, _look(rng)) for i in range(len(scene.slots)) if rng.random() < full]
    return scene.draw(figures, cars, rng.uniform(0.35, 1.0), int(rng.integers(1 << 30)))


def _look(rng: np.random.Generator) -> int:
    return int(rng.integers(LOOKS))


def shrunk(frame: np.ndarray) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) float32, as OpenCV's bilinear: of three pixels two, along both axes."""
    pixels = frame.astype(np.float32)
    for axis in (0, 1):
        shape = pixels.shape
        thirds = pixels.reshape(*shape[:axis], -1, 3, *shape[axis + 1 :])
        a, b, c = (thirds.take(i, axis + 1) for i in range(3))
        two = np.stack([0.75 * a + 0.25 * b, 0.25 * b + 0.75 * c], axis + 1)
        pixels = two.reshape(*shape[:axis], -1, *shape[axis + 1 :])
    return pixels


def target(boxes: np.ndarray) -> np.ndarray:
    """What the network should say: (rows, columns, classes + 4 + 2).

    A class is 1 in the cell of a box's middle. The last two: whether the box is to be learnt here,
    for its neighbours shall mean the same box; and how much a wrong class matters, for a neighbour
    of the middle is nearly right (Zhou et al. 2019, arXiv:1904.07850).
    """
    boxes = boxes.copy()
    boxes[:, :4] *= WIDTH / SIZE[0] / STRIDE
    rows, columns = HEIGHT // STRIDE, WIDTH // STRIDE
    wanted = np.zeros((rows, columns, OUTPUTS + 2), np.float32)
    wanted[..., -1] = 1
    if not len(boxes):
        return wanted
    y, x = np.mgrid[:rows, :columns] + 0.5
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    size = np.maximum(boxes[:, 2:4] - boxes[:, :2], 0.5)
    dx, dy = middle[:, 0, None, None] - x, middle[:, 1, None, None] - y
    u, v = np.abs(dx) / size[:, 0, None, None], np.abs(dy) / size[:, 1, None, None]
    nearest = (np.abs(dx) <= 0.5) & (np.abs(dy) <= 0.5)
    whose = np.argmin(np.where(nearest, -1, 0) + u * u + v * v, axis=0)
    near = (((u < NEAR) & (v < NEAR)) | nearest).any(axis=0)
    # Slots are hardly wider than a cell: of a car all cells near its middle shall be sure.
    is_car = (boxes[:, CLASS] == CAR)[:, None, None]
    is_middle = (nearest | (is_car & (u < NEAR) & (v < NEAR))).any(axis=0)
    certain = 1 - np.exp(-(u * u + v * v) / (2 * BLUR * BLUR)).max(axis=0)
    wanted[..., -1] = np.where(is_middle, 1, certain**4)
    wanted[..., -2] = near
    j, i = np.nonzero(is_middle)
    wanted[j, i, boxes[whose[j, i], CLASS].astype(int)] = 1
    j, i = np.nonzero(near)
    k = whose[j, i]
    wanted[j, i, -6:-2] = np.stack(
        [dx[k, j, i], dy[k, j, i], np.log(size[k, 0]), np.log(size[k, 1])], axis=1
    )
    return wanted


def batches(count: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures (size, HEIGHT, WIDTH, 3) and targets."""
    rng = np.random.default_rng(FIRST_SEED)
    scenes = [Scene(plan(rng), FIRST_SEED + i) for i in range(48)]
    for number in range(count):
        if number % 3 == 0:
            which = number // 3 % len(scenes)
            scenes[which] = Scene(plan(rng), FIRST_SEED + len(scenes) + number)
        pixels, wanted = [], []
        for i in rng.integers(0, len(scenes), size):
            shown = picture(scenes[i], rng)
            gain = rng.uniform(0.85, 1.15, 3) * rng.uniform(0.8, 1.2)
            pixels.append(np.clip(shrunk(shown.frame) * (gain / 255).astype(np.float32), 0, 1))
            wanted.append(target(shown.boxes))
        yield np.stack(pixels).astype(np.float32), np.stack(wanted)


# ── How it learns ─────────────────────────────────────────────────────────────────────────────────


def first(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (3, 3, in, out) and biases to begin with (He et al. 2015)."""
    made, before = [], 3
    for channels, _, _ in (*LAYERS, (OUTPUTS, 1, 1)):
        spread = (2 / (9 * before)) ** 0.5
        made.append([rng.normal(0, spread, (3, 3, before, channels)), np.zeros(channels)])
        before = channels
    made[-1][0] *= 0.1
    made[-1][1][: len(CLASSES)] = -4.0  # most cells are empty
    return [tuple(a.astype(np.float32) for a in layer) for layer in made]


def run(weights: list, x: jax.Array) -> jax.Array:
    """(n, rows, columns, classes + 4)."""
    for i, ((w, b), (_, stride, dilation)) in enumerate(
        zip(weights, (*LAYERS, (OUTPUTS, 1, 1)), strict=True)
    ):
        x = b + jax.lax.conv_general_dilated(
            x, w, (stride, stride), [(dilation, dilation)] * 2,
            rhs_dilation=(dilation, dilation), dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )  # fmt: skip
        if i < len(LAYERS):
            x = jax.nn.relu(x)
    return x


def loss(weights: list, x: jax.Array, wanted: jax.Array) -> jax.Array:
    """Focal loss of the classes (Lin et al. 2017), absolute error of the boxes."""
    said = run(weights, x)
    n = len(CLASSES)
    near, counts = wanted[..., -2:-1], wanted[..., -1:]
    right = jnp.where(wanted[..., :n] > 0, said[..., :n], -said[..., :n])
    wrong = jax.nn.sigmoid(-right)
    focal = (wrong**2 * jax.nn.softplus(-right) * counts).sum()
    boxes = (jnp.abs(said[..., n:] - wanted[..., n:-2]) * near).sum()
    middles = wanted[..., :n].sum()
    return focal / jnp.maximum(middles, 1) + 0.5 * boxes / jnp.maximum(near.sum(), 1)


@partial(jax.jit, donate_argnums=(0, 1, 2))
def learn(weights: list, mean: list, square: list, step: int, rate: float, x, wanted):  # noqa: ANN001, ANN201, PLR0917
    """One step of Adam (Kingma & Ba 2015)."""
    value, slope = jax.value_and_grad(loss)(weights, x, wanted)
    norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(slope)))
    slope = jax.tree.map(lambda g: g * jnp.minimum(1.0, 5.0 / norm), slope)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, slope)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, slope)
    scale = rate * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    weights = jax.tree.map(
        lambda w, m, s: w - scale * m / (jnp.sqrt(s) + 1e-8), weights, mean, square
    )
    return weights, mean, square, value


# ── What comes of it ──────────────────────────────────────────────────────────────────────────────


def exported(weights: list) -> bytes:
    """The network as ONNX: convolutions and nothing else."""
    nodes, tensors, name = [], [], "frame"
    layers = [*LAYERS, (OUTPUTS, 1, 1)]
    for i, ((w, b), (_, stride, dilation)) in enumerate(zip(weights, layers, strict=True)):
        kernel = np.ascontiguousarray(np.asarray(w).transpose(3, 2, 0, 1))
        tensors += [numpy_helper.from_array(kernel, f"w{i}")]
        tensors += [numpy_helper.from_array(np.asarray(b), f"b{i}")]
        is_last = i == len(layers) - 1
        out = "cells" if is_last else f"c{i}"
        nodes.append(
            helper.make_node(
                "Conv",
                [name, f"w{i}", f"b{i}"],
                [out],
                kernel_shape=[3, 3],
                strides=[stride] * 2,
                dilations=[dilation] * 2,
                pads=[dilation] * 4,
            )
        )
        name = out
        if not is_last:
            nodes.append(helper.make_node("Relu", [out], [f"r{i}"]))
            name = f"r{i}"
    sizes = (1, 3, HEIGHT, WIDTH), (1, OUTPUTS, HEIGHT // STRIDE, WIDTH // STRIDE)
    ends = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, size)
        for end, size in zip(("frame", "cells"), sizes, strict=True)
    ]
    graph = helper.make_graph(nodes, "machiai-rendered", ends[:1], ends[1:], tensors)
    model = helper.make_model(
        graph, producer_name="machiai", opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main() -> None:
    """Train, export, and write the checksum onto the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000, help="of learning (4000)")
    parser.add_argument("--batch", type=int, default=12, help="pictures a step (12)")
    parser.add_argument("--out", type=Path, default=VISION, help="folder of cards and weights")
    asked = parser.parse_args()
    weights = jax.tree.map(jnp.asarray, first(np.random.default_rng(FIRST_SEED)))
    mean, square = (jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
    smooth = None
    with tqdm(batches(asked.steps, asked.batch), total=asked.steps, desc="learning") as bar:
        for step, (x, wanted) in enumerate(bar, start=1):
            rate = 2e-3 * min(1.0, step / 100) * 0.5 * (1 + np.cos(np.pi * step / asked.steps))
            weights, mean, square, value = learn(weights, mean, square, step, rate, x, wanted)
            smooth = float(value) if smooth is None else 0.98 * smooth + 0.02 * float(value)
            bar.set_postfix(loss=f"{smooth:.4f}")
    content = exported(weights)
    (asked.out / "weights").mkdir(exist_ok=True)
    (asked.out / "weights" / "rendered.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    card = asked.out / "cards" / "rendered.toml"
    text = card.read_text(encoding="utf-8")
    text = re.sub(r'(?m)^sha256 = ".*"', f'sha256 = "{digest}"', text)
    text = re.sub(r"(?m)^bytes = \d+", f"bytes = {len(content)}", text)
    card.write_text(text, encoding="utf-8")
    sys.stdout.write(f"rendered.onnx: {len(content)} bytes, sha256 {digest}\n")


if __name__ == "__main__":
    main()
