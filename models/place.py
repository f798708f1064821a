"""Where an office is, and how far it is from another."""

import math

Location = tuple[float, float]
"""Longitude and latitude in degrees (WGS 84), in this order, as GeoJSON has them."""

_EARTH_KM = 6371.0088  # mean radius


def distance_km(here: Location, there: Location) -> float:
    """Along a great circle; the Earth as a sphere, which is at most 0.6 % off.

    Source: haversine formula, Sinnott (1984), Sky and Telescope 68(2), 159.

    >>> round(distance_km((139.75, 35.55), (139.738, 35.568)), 1)
    2.3
    """
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, place)) for place in (here, there))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
