"""The gates know every public page."""

from models.site import Site
from tests.quality.matrix import houses

OFFICE = {
    "/",
    "/text",
    "/embed",
    "/print",
    "/ticket",
    "/ticket?number=A123",
    "/outlook",
    "/accuracy",
    "/history",
    "/accessibility",
    "/privacy/cameras",
    "/privacy/cameras/cam-lobby/poster",
    "/notify",
    "/notify/moving/A127",
    "/notify/inbox",
    "/lobby/lobby-1",
    "/demo",
}


def test_no_page_is_left_out(site: Site) -> None:
    with houses(site, "busy") as (office, display, city):
        assert [house.unknown for house in (office, display, city)] == [[], [], []]
        found = set(office.pages())
        assert found >= OFFICE
        assert sum(path.startswith(("/notify/confirm/", "/notify/stop/")) for path in found) == 4
        assert not {"/part", "/stream", "/healthz", "/openapi.json"} & found
        assert display.pages() == ["/"]
        assert set(city.pages()) == {"/", "/?sort=name", "/for/moving", "/minami/"}
