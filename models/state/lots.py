"""One car park: its gates and cameras carry the estimate of `models.parking`."""

import msgspec

from models.parking.kalman import Cars


class LotState(msgspec.Struct):
    """Times are seconds since 1970: of the newest pulse, camera count and count by hand."""

    cars: Cars = msgspec.field(default_factory=Cars)
    pulse_s: float | None = None
    camera_s: float | None = None
    set_s: float | None = None
