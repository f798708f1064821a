"""Which part of a panel somebody in a wheelchair can touch."""

import math

from models.site import Display

LOWEST_MM, HIGHEST_MM = 700.0, 1200.0
"""Above the floor: what can be reached sitting and standing."""

LEAST_MM = 250.0
"""The least height of a panel in which all controls of the guide have room."""

_MM_PER_INCH = 25.4


def panel_mm(display: Display) -> tuple[float, float]:
    """Width and height of a panel as it hangs.

    >>> [round(side) for side in panel_mm(Display(id="a", panel_inches=43))]
    [952, 535]
    """
    mm_per_px = display.panel_inches * _MM_PER_INCH / math.hypot(*display.panel_px)
    return display.panel_px[0] * mm_per_px, display.panel_px[1] * mm_per_px


def band_mm(display: Display) -> tuple[float, float]:
    """Where controls may lie in low mode, from and to, above the panel's lower edge.

    >>> band_mm(Display(id="a", panel_inches=43, panel_px=(1080, 1920), edge_mm=600))
    (100.0, 600.0)
    """
    _, high = panel_mm(display)
    return (
        max(0.0, LOWEST_MM - display.edge_mm),
        min(high, HIGHEST_MM - display.edge_mm),
    )
