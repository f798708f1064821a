"""Where an office is, and what it is called."""

Location = tuple[float, float]
"""Longitude and latitude in degrees (WGS 84), in this order, as GeoJSON has them."""


def name_of(names: dict[str, str] | None, language: str, otherwise: str) -> str:
    """A name in a language, or in the first that there is."""
    return (names or {}).get(language) or next(iter((names or {}).values()), otherwise)
