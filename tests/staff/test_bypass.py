"""Nobody comes past the door. The routes are the app's own: a new part cannot be forgotten."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.site import Site
from signage.staff.room import ROLES, Role
from signage.staff.sessions import hashed
from tests.staff.house import NAMES, Client, Said, StaffHouse

OPEN = {("GET", "/login"), ("POST", "/login"), ("GET", "/oidc"), ("GET", "/oidc/back")}
"""All that anybody may ask for who is not in."""
ENDS = {"/logout", "/logout-all", "/password"}
"""Acts after which one is out."""


class Way(NamedTuple):
    """One route below `/staff`, as somebody would ask for it."""

    method: str
    path: str
    role: Role


def routes(app: web.Application, root: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of all that the app answers below `/staff`."""
    base = f"{root}/staff"
    for route in app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if path.startswith(base) and route.method != "HEAD":
            yield route.method, path.removeprefix(base)


def ways(house: StaffHouse) -> list[Way]:
    """All that is behind the door."""
    roles: dict[tuple[str, str], Role] = {}
    for part in house.house.parts.values():
        roles |= {("GET", path): role for path, (role, _) in part.pages().items()}
        roles |= {("POST", path): role for path, (role, _) in part.acts().items()}
    return [
        Way(method, re.sub(r"\{\w+[^}]*\}", "x", path), roles.get((method, path), "viewer"))
        for method, path in routes(house.app, house.root)
        if (method, path) not in OPEN
    ]


@pytest.fixture(scope="module")
def house(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffHouse]:
    made = StaffHouse(site, tmp_path_factory.mktemp("house"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def _everybody_is_in(house: StaffHouse) -> None:
    """Tests end sessions."""
    house._clients.clear()
    house.clock.move(61)  # each test has its own minute of strangers


def is_kept_out(client: Client, way: Way, headers: dict[str, str] | None = None) -> None:
    """Whoever asks so is sent to the log-in, or told that it is not for them."""
    body = f"token={client.token}".encode() if way.method == "POST" else None
    sent = client.form if way.method == "POST" else {}
    said = client.ask(way.method, f"/staff{way.path}", body, sent | (headers or {}))
    assert said.status in (303, 403), (way, headers, said.status)
    if said.status == 303:
        assert said.place.startswith("/staff/login"), (way, said.place)
    assert "<table" not in said.text


def test_there_is_something_behind_the_door(house: StaffHouse) -> None:
    found = {(way.method, way.path) for way in ways(house)}
    assert {("GET", ""), ("GET", "/audit"), ("GET", "/audit.csv"), ("POST", "/password")} <= found
    assert set(house.house.parts) >= {"audit", "devices"}
    listed = set(routes(house.app))
    for part in house.house.parts.values():
        assert {("GET", path) for path in part.pages()} <= listed
        assert {("POST", path) for path in part.acts()} <= listed


def test_without_a_session_nothing_answers(house: StaffHouse) -> None:
    for way in ways(house):
        is_kept_out(house.stranger(), way)


def test_a_forged_cookie_opens_nothing(house: StaffHouse) -> None:
    real = house.client("facility").cookies["machiai"]
    forged = (
        "x",
        "0" * 43,
        real[:-1],
        f"{real}=",
        real.swapcase(),
        hashed(real),  # what a thief of the file would have
        "' OR 1=1 --",
        "way.0",
        "x" * 4000,
    )
    for way in ways(house):
        for value in forged:
            client = house.stranger()
            client.cookies["machiai"] = value
            is_kept_out(client, way)


def test_the_cookie_of_the_other_scheme_is_not_looked_at(house: StaffHouse) -> None:
    real = house.client("facility").cookies["machiai"]
    client = house.stranger()
    client.cookies["__Host-machiai"] = real
    for way in ways(house):
        is_kept_out(client, way)


def test_a_session_that_nobody_used_opens_nothing(house: StaffHouse) -> None:
    client = house.client("facility")
    house.clock.move(3601)
    for way in ways(house):
        is_kept_out(client, way)


def test_a_session_ends_after_ten_hours_whoever_clicks(house: StaffHouse) -> None:
    client = house.client("facility")
    for _ in range(19):
        house.clock.move(1800)
        assert client.get("/account").status == 200
    house.clock.move(1801)
    for way in ways(house):
        is_kept_out(client, way)


def test_who_is_out_stays_out(house: StaffHouse) -> None:
    for path in ("/logout", "/logout-all"):
        house._clients.clear()
        client = house.client("facility")
        kept = dict(client.cookies)
        assert client.post(path).status == 303
        client.cookies = kept
        for way in ways(house):
            is_kept_out(client, way)


def test_an_account_that_is_removed_has_no_session_left(site: Site, tmp_path: Path) -> None:
    house = StaffHouse(site, tmp_path)
    try:
        client = house.client("facility")
        house.house.login.accounts.remove("taro")
        for way in ways(house):
            is_kept_out(client, way)
    finally:
        house.close()


def test_each_page_and_act_is_for_its_role_alone(house: StaffHouse) -> None:
    for way in ways(house):
        for role in ROLES:
            client = house.client(role)
            body = f"token={client.token}".encode() if way.method == "POST" else None
            headers = client.form if way.method == "POST" else {}
            said = client.ask(way.method, f"/staff{way.path}", body, headers)
            may = ROLES.index(role) >= ROLES.index(way.role)
            assert (said.status == 403) == (not may), (way, role, said.status)
            if way.path in ENDS and said.status == 303:
                house._clients.clear()


def test_the_session_of_another_office_opens_nothing(site: Site, tmp_path: Path) -> None:
    one = StaffHouse(site, tmp_path / "one", root="/minami")
    other = StaffHouse(site, tmp_path / "other", root="/kita", people=False)
    try:
        client = one.client("facility")
        (value,) = client.cookies.values()
        stranger = other.stranger()
        stranger.token = client.token
        for name in ("machiai", "machiai-minami", "machiai-kita"):
            stranger.cookies[name] = value
        for way in ways(other):
            body = f"token={client.token}".encode() if way.method == "POST" else None
            headers = stranger.form if way.method == "POST" else {}
            said = stranger.ask(way.method, f"/kita/staff{way.path}", body, headers)
            assert (said.status, said.place[:17]) == (303, "/kita/staff/login"), way
    finally:
        one.close()
        other.close()


def test_a_token_of_a_form_is_good_for_its_own_session(house: StaffHouse) -> None:
    mine, theirs = house.client("facility"), house.client("counter")
    own = mine.token

    def house_post(client: Client, way: Way, token: str) -> Said:
        return client.ask("POST", f"/staff{way.path}", f"token={token}".encode(), client.form)

    for way in ways(house):
        if way.method == "POST":
            for token in ("", "0" * 64, theirs.token, own[:-1], own.upper(), f"{own}x"):
                assert house_post(mine, way, token).status == 403, (way, token)
            said = mine.ask("POST", f"/staff{way.path}", b"x=1", mine.form)
            assert said.status == 403
    assert mine.get("/account").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": None, "Referer": "http://127.0.0.1/staff"},
    ],
    ids=str,
)
def test_a_form_of_another_page_does_nothing(
    house: StaffHouse, headers: dict[str, str | None]
) -> None:
    client = house.client("facility")
    before = [line for line in house.audit() if line[2] == "done"]
    for method, path in routes(house.app):
        if method != "POST":
            continue
        sent = {k: v for k, v in (client.form | headers).items() if v is not None}
        said = client.ask("POST", f"/staff{path}", f"token={client.token}".encode(), sent)
        assert said.status == 403, (path, said.status)
    assert [line for line in house.audit() if line[2] == "done"] == before


def test_a_form_comes_as_a_form(house: StaffHouse) -> None:
    client = house.client("facility")
    token = client.token.encode()
    for way in ways(house):
        if way.method != "POST":
            continue
        for kind, body in (
            ("application/json", b'{"token":"' + token + b'"}'),
            ("text/plain", b"token=" + token),
            ("multipart/form-data; boundary=x", b"--x--"),
            ("application/x-www-form-urlencoded", b"token=" + token + b"&x=%ff"),
            ("application/x-www-form-urlencoded", b"token=" + token + b"&x=%00"),
            ("application/x-www-form-urlencoded", b"token=" + token + b"&x=" + b"y" * 70_000),
            ("application/x-www-form-urlencoded", b"token=" + token + b"&x" * 600),
            ("application/x-www-form-urlencoded; charset=utf-99", b"token=" + token + b"&\xff"),
        ):
            sent = client.form | {"Content-Type": kind}
            assert client.ask("POST", f"/staff{way.path}", body, sent).status == 400, way


METHODS = (
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "POST",
    "HEAD",
)


def test_no_other_method_is_a_way_in(house: StaffHouse) -> None:
    more = {
        "X-HTTP-Method-Override": "GET",
        "X-Method-Override": "POST",
        "X-Original-URL": "/staff",
    }
    for way in ways(house):
        for method in METHODS:
            said = house.stranger().ask(method, f"/staff{way.path}", b"_method=GET", more)
            assert said.status in (303, 400, 403, 404, 405, 501), (way, method, said.status)
            assert said.status != 303 or said.place.startswith("/staff/login")


TRICKS = (
    "//staff{}", "/./staff{}", "/static/../staff{}", "/%73taff{}", "/%2e/staff{}", "/staff/%2e{}",
    "/staff/.{}", "/staff/%2e%2e/staff{}", "/STAFF{}", "/Staff{}", "/staff/{}", "/staff{}/",
    "/staff{}//", "/staff{}%2f", "/staff{}%00", "/staff{}%0a", "/staff{};x=1", "/staff;x{}",
    "/staff{}?lang=en", "/staff{}#x", "/staff\\{}", "/static/%2e%2e/staff{}", "/healthz/../staff{}",
    "http://evil.example/staff{}", "/staff%2f{}", "/staff{}.css", "/staff{}%3f", "/.//staff{}",
)  # fmt: skip


def test_no_other_spelling_of_a_path_is_a_way_in(house: StaffHouse) -> None:
    for way in ways(house):
        for trick in TRICKS:
            path = trick.format(way.path)
            body = b"token=x" if way.method == "POST" else None
            client = house.stranger()
            said = client.ask(way.method, path, body, client.form if body else {})
            assert said.status in (303, 400, 403, 404, 405), (path, said.status)
            if said.status == 303:
                assert said.place.startswith("/staff/login"), (path, said.place)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.7"},
        {"X-Forwarded-For": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"Host": "evil.example"},
        {"Host": "[::1"},
        {"X-Forwarded-Proto": "https,http"},
    ],
    ids=str,
)
def test_staff_pages_are_there_by_tls_or_on_the_machine_itself(
    house: StaffHouse, headers: dict[str, str]
) -> None:
    client = house.client("facility")
    asked = [*(("GET", path) for _, path in OPEN), *((w.method, w.path) for w in ways(house))]
    for method, path in asked:
        body = f"token={client.token}".encode() if method == "POST" else None
        sent = (client.form if body else {}) | headers
        said = client.ask(method, f"/staff{path}", body, sent)
        assert said.status in (400, 403, 404), (path, said.status)
        assert "Set-Cookie" not in said.headers


def test_every_answer_is_sealed(house: StaffHouse) -> None:
    for way in ways(house):
        for client in (house.stranger(), house.client("facility")):
            if way.path in ENDS or way.method != "GET":
                continue
            said = client.ask("GET", f"/staff{way.path}")
            assert said.headers["Cache-Control"] == "no-store", way
            assert said.headers["X-Frame-Options"] == "DENY"
            policy = said.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert said.headers["X-Content-Type-Options"] == "nosniff"
            assert said.headers["Referrer-Policy"] == "same-origin"
            assert "Access-Control-Allow-Origin" not in said.headers


def test_every_act_is_in_the_log(house: StaffHouse) -> None:
    for way in ways(house):
        if way.method != "POST":
            continue
        house._clients.clear()
        client = house.client("facility")
        before = len(house.audit())
        client.post(way.path)
        (line,) = house.audit()[before:]
        assert line[:2] == ("taro", way.path.strip("/")), way
        assert line[2] in ("done", "refused", "failed")
        if way.role != "viewer":
            before = len(house.audit())
            assert house.client("viewer").post(way.path).status == 403
            refused = [line for line in house.audit()[before:] if line[1] != "log-in"]
            assert [line[:3] for line in refused] == [("mado", way.path.strip("/"), "refused")]


def test_nothing_of_staff_is_elsewhere(house: StaffHouse) -> None:
    """A house registers below `/staff` alone (and `/metrics`, where there is a token for it)."""
    paths = {route.resource.canonical for route in house.app.router.routes() if route.resource}
    assert {path for path in paths if not path.startswith("/staff")} == {
        "/static/{name}",
        "/healthz",
    }


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "", " ", "0", "-1", "1e999", "nan", "９", "2026-02-30", "99:99", "../../etc/passwd",
            "<script>alert(1)</script>", "' OR 1=1 --", "{{ 7*7 }}", "{x}", "{0.__class__}", "%s",
            "\u202e\u2066", "\ud83d\ude00", "\r\nSet-Cookie: x=1", "x" * 10_000, "true", "[]", "🏢",
        ]
    ),
)  # fmt: skip


def fields_on(house: StaffHouse) -> dict[str, set[str]]:
    """The names of the fields of each form that facility staff see, by where it is sent."""
    found: dict[str, set[str]] = {way.path: set() for way in ways(house) if way.method == "POST"}
    for way in ways(house):
        if way.method == "GET" and not way.path.endswith(".csv"):
            page = house.client("facility").get(way.path).text
            for action, form in re.findall(
                r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL
            ):
                path = action.partition("?")[0].removeprefix("/staff")
                found.setdefault(path, set()).update(re.findall(r'name="([^"]+)"', form))
                found[path] |= set(re.findall(r'value="([\w-]{1,20})"', form))
    return found


def test_hostile_fields_are_refused_and_break_nothing(house: StaffHouse) -> None:
    house.served.do(house.hub.busy)
    known = fields_on(house)
    acts = sorted(path for path in known if path not in ENDS)
    assert acts
    names = {path: sorted(known[path] - {"token"}) or ["x"] for path in acts}

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(acts))
        name = st.sampled_from(names[path])
        fields = data.draw(st.dictionaries(name, HOSTILE | name, max_size=6))
        client = house.client("facility")
        said = client.post(
            path, **{k: v.encode("utf-8", "replace").decode() for k, v in fields.items()}
        )
        assert said.status < 500, (path, fields)
        assert "<script>alert" not in said.text
        assert "X-Set" not in said.headers

    ask()


def test_hostile_queries_break_no_page(house: StaffHouse) -> None:
    client = house.client("facility")
    pages = [way.path for way in ways(house) if way.method == "GET"]
    for path in pages:
        for query in (
            "before=-1",
            "before=9" * 99,
            "before=%C2%B2",
            "lang=<x>",
            "x=%ff",
            "next=//evil",
            "at=",
            "at=99",
            "day=%00",
            "at=2026-99-99T99:99",
        ):
            assert client.ask("GET", f"/staff{path}?{query}").status < 500, (path, query)


def test_there_is_one_of_each_role() -> None:
    assert set(NAMES.values()) == set(ROLES)
