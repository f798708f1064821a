"""Log-in, log-out, and how long one stays in."""

import re
import threading
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, ViewportSize, expect

from models.site import Site
from signage.staff.asked import next_of
from signage.staff.room import Act, Done, Part, Person, Role, Room
from signage.staff.tries import FREE_BY_NAME, MOST_BY_NETWORK, Tries
from tests.quality.axe import violations
from tests.quality.matrix import tool
from tests.staff.house import PASSWORD, Said, StaffHouse

PUBLIC = "https://minami.example.jp"
WRONG = "みかんを四つ買って帰る日"


@pytest.fixture(scope="module")
def house(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaffHouse]:
    made = StaffHouse(site, tmp_path_factory.mktemp("house"), more=[Broken])
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def _an_hour_passes(house: StaffHouse) -> None:
    house._clients.clear()
    house.clock.move(3700)


class Broken(Part):
    """A part with an error of its own."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        return {"/broken": ("viewer", self._broken), "/said": ("viewer", self._said)}

    async def _broken(self, fields: Mapping[str, str], person: Person) -> Done:
        raise ZeroDivisionError(person.name, len(fields))

    async def _said(self, fields: Mapping[str, str], person: Person) -> Done:
        return Done(f"{person.name}: {len(fields)}", "/account", "済みました <b>")


def cookies(said: Said) -> SimpleCookie:
    return SimpleCookie("".join(said.headers.get_all("Set-Cookie") or []))


def test_the_cookie_behind_the_proxy_is_as_narrow_as_can_be(house: StaffHouse) -> None:
    client = house.stranger(PUBLIC)
    said = client.login("hanako")
    assert said.status == 303
    (cookie,) = cookies(said).values()
    assert cookie.key == "__Host-machiai"
    assert (cookie["path"], cookie["samesite"]) == ("/", "Strict")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert not cookie["domain"]
    assert not cookie["max-age"]
    assert len(cookie.value) == 43, "256 bit"


def test_on_the_machine_itself_it_works_without_tls(house: StaffHouse) -> None:
    said = house.stranger().login("hanako")
    (cookie,) = cookies(said).values()
    assert cookie.key == "machiai"
    assert not cookie["secure"]
    assert cookie["httponly"]


def test_the_file_holds_no_token_and_no_password(house: StaffHouse) -> None:
    client = house.client("counter")
    (token,) = client.cookies.values()
    with house.house.store.base() as base:
        text = "".join(base.iterdump())
    assert token not in text
    assert client.token not in text
    assert PASSWORD not in text
    assert text.count("$argon2id$") >= 3


def test_each_log_in_has_a_new_token_and_ends_the_one_before(house: StaffHouse) -> None:
    client = house.client("counter")
    before = dict(client.cookies)
    client.login("hanako")
    assert client.cookies != before
    client.cookies = before
    assert client.get("/account").status == 303


def test_a_token_that_was_put_there_before_is_not_taken(house: StaffHouse) -> None:
    client = house.stranger()
    client.cookies["machiai"] = "x" * 43
    client.login("hanako")
    assert client.cookies["machiai"] != "x" * 43


@pytest.mark.parametrize("name", ["hanako", "HANAKO", " hanako ", "ｈａｎａｋｏ"])
def test_a_name_is_found_however_it_is_typed(house: StaffHouse, name: str) -> None:
    assert house.stranger().login(name).status == 303
    assert house.audit()[-1][0] == "hanako"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("hanako", WRONG),
        ("hanako", ""),
        ("hanako", PASSWORD + " "),
        ("nobody", PASSWORD),
        ("", ""),
        ("hanako'--", PASSWORD),
        ("hanako", "x" * 5000),
    ],
)
def test_what_is_wrong_is_told_in_the_same_words(
    house: StaffHouse, name: str, password: str
) -> None:
    said = house.stranger().login(name, password)
    assert said.status == 401
    assert "名前かパスワードがちがいます" in said.text
    assert "Set-Cookie" not in said.headers
    assert house.audit()[-1] == ("", "log-in", "refused", "wrong name or password")
    assert len(password) < 20 or password not in said.text


def test_a_password_typed_as_the_name_stands_nowhere(house: StaffHouse) -> None:
    house.stranger().login(PASSWORD, "hanako")
    assert PASSWORD not in str(house.audit())


def test_after_the_log_in_comes_the_page_that_was_asked_for(house: StaffHouse) -> None:
    client = house.stranger()
    assert client.get("/audit?before=7").place == "/staff/login?next=audit"
    page = client.get("/login?next=audit").text
    assert 'name="next" value="audit"' in page
    body = f"name=taro&next=audit&password={PASSWORD}".encode()
    quoted = "".join(chr(b) if b < 128 else f"%{b:02X}" for b in body).encode()
    assert client.ask("POST", "/staff/login", quoted, client.form).place == "/staff/audit"


@given(
    st.text() | st.sampled_from(["//x", "https://x", "/\\x", "a//b", "a/../b", "%2f%2fx", "a\n"])
)
def test_no_page_of_others_comes_next(asked: str) -> None:
    found = next_of(asked)
    assert found == "" or re.fullmatch(r"(/[A-Za-z0-9.-]+)+", found)
    assert ".." not in found


def test_after_a_while_one_logs_in_again_and_is_told_why(house: StaffHouse) -> None:
    client = house.client("counter")
    for _ in range(3):
        house.clock.move(3590)
        assert client.get("/account").status == 200
    house.clock.move(3601)
    said = client.get("/account")
    assert said.place == "/staff/login?next=account&why=ended"
    assert "しばらく操作がなかった" in client.get("/login?why=ended").text


def test_log_out_everywhere(house: StaffHouse) -> None:
    here, there, other = house.stranger(), house.stranger(), house.stranger()
    for client, name in ((here, "hanako"), (there, "hanako"), (other, "mado")):
        client.login(name)
    assert here.post("/logout-all").place == "/staff/login?why=out&lang=ja"
    assert there.get("/account").status == 303
    assert other.get("/account").status == 200


def test_log_out_is_of_this_browser(house: StaffHouse) -> None:
    here, there = house.stranger(), house.stranger()
    here.login("hanako")
    there.login("hanako")
    said = here.post("/logout")
    assert cookies(said)["machiai"]["max-age"] == "0"
    assert here.get("/account").status == 303
    assert there.get("/account").status == 200


def test_a_sentence_is_told_once_and_is_only_text(house: StaffHouse) -> None:
    client = house.client("viewer")
    assert client.post("/said").place == "/staff/account"
    assert "済みました &lt;b&gt;" in client.get("/account").text
    assert "済みました" not in client.get("/account").text


def test_an_error_of_our_own_is_in_the_log_too(house: StaffHouse) -> None:
    client = house.client("viewer")
    assert client.post("/broken").status == 500
    assert house.audit()[-1] == ("mado", "broken", "failed", "an error of our own")


def test_one_reads_in_the_language_that_one_chose(house: StaffHouse) -> None:
    client = house.client("viewer")
    assert 'lang="ja"' in client.get("/account").text
    assert "My account" in client.get("/account?lang=en").text
    assert "My account" in client.get("/account").text
    assert "自分の設定" in client.get("/account?lang=ja").text
    assert "Log in" in house.stranger().get("/login", language="en-GB").text


class Spare:
    """An account for a test that changes its password."""

    def __init__(self, house: StaffHouse, name: str) -> None:
        house.house.login.accounts.add(name, "viewer", PASSWORD, house.clock.now())
        self.client = house.stranger()
        assert self.client.login(name).status == 303


def test_a_password_is_changed_and_all_log_in_again(house: StaffHouse) -> None:
    mine = Spare(house, "changer").client
    other = house.stranger()
    other.login("changer")
    for fields, why in (
        ({"old": WRONG, "new": WRONG, "again": WRONG}, "いまのパスワードがちがいます"),
        ({"old": PASSWORD, "new": WRONG, "again": PASSWORD}, "2回で同じではありません"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "そのパスワードは使えません"),
        ({"old": PASSWORD, "new": "Changer-2026!", "again": "Changer-2026!"}, "使えません"),
        ({}, "いまのパスワードがちがいます"),
    ):
        said = mine.post("/password", **fields)
        assert (said.status, why in said.text) == (422, True), (fields, said.text)
        assert WRONG not in said.text
    said = mine.post("/password", old=PASSWORD, new=WRONG, again=WRONG)
    assert said.place == "/staff/login?why=changed&lang=ja"
    assert mine.get("/account").status == 303
    assert other.get("/account").status == 303
    assert other.login("changer").status == 401
    assert other.login("changer", WRONG).status == 303


def test_an_old_password_cannot_be_guessed_inside_either(house: StaffHouse) -> None:
    mine = Spare(house, "guessed").client
    for _ in range(FREE_BY_NAME):
        assert "ちがいます" in mine.post("/password", old=WRONG).text
    assert "待ってから" in mine.post("/password", old=PASSWORD, new=WRONG, again=WRONG).text


def test_after_five_wrong_ones_there_is_a_wait_that_ends(house: StaffHouse) -> None:
    Spare(house, "slow")
    client = house.stranger(PUBLIC)
    client.address = "198.51.100.7"
    for _ in range(FREE_BY_NAME):
        assert client.login("slow", WRONG).status == 401
    said = client.login("slow")
    assert said.status == 429
    assert said.headers["Retry-After"] == "31"
    assert "あと1分ほど待って" in said.text
    house.clock.move(31)
    assert client.login("slow").status == 303


def test_an_attacker_elsewhere_keeps_nobody_out(house: StaffHouse) -> None:
    Spare(house, "attacked")
    clerk = house.stranger(PUBLIC)
    clerk.address = "192.0.2.7"
    assert clerk.login("attacked").status == 303
    thief = house.stranger(PUBLIC)
    for n in range(3 * FREE_BY_NAME):
        thief.address = f"198.51.{n}.9"
        thief.login("attacked", WRONG)
    assert thief.login("attacked").status == 429
    assert clerk.login("attacked").status == 303, "from where she came in before"


def test_what_a_client_says_of_its_address_is_not_believed(house: StaffHouse) -> None:
    Spare(house, "spoofed")
    thief = house.stranger(PUBLIC)
    for n in range(FREE_BY_NAME + 1):
        thief.address = f"10.0.0.{n}, 203.0.113.5"  # what the proxy adds stands last
        said = thief.login("spoofed", WRONG)
    assert said.status == 429
    assert "203.0.113.5" in {line.source for line in house.house.audit.lines()}
    assert not [line for line in house.house.audit.every() if line.source.startswith("10.0.0.")]


def test_one_network_cannot_try_many_names(house: StaffHouse) -> None:
    thief = house.stranger(PUBLIC)
    thief.address = "203.0.113.77"
    for n in range(MOST_BY_NETWORK):
        assert thief.login(f"name{n}", WRONG).status == 401
    thief.address = "203.0.113.78"
    assert thief.login("hanako").status == 429
    house.clock.move(901)
    assert thief.login("hanako").status == 303


def test_a_busy_morning_in_one_network_is_no_attack(house: StaffHouse) -> None:
    for _ in range(MOST_BY_NETWORK + 1):
        client = house.stranger(PUBLIC)
        client.address = "203.0.113.200"
        assert client.login("hanako").status == 303


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(0, 4000)), max_size=80
    )
)
def test_no_wait_is_longer_than_a_quarter_of_an_hour(tried: list[tuple[str, int, int]]) -> None:
    tries, now_s = Tries(), 0.0
    for name, network, passed_s in tried:
        now_s += passed_s
        client = f"198.51.{network}.1"
        if not tries.wait_s(name, client, now_s, is_known=False):
            tries.wrong(name, client, now_s, is_known=False)
        assert 0 <= tries.wait_s(name, client, now_s, is_known=False) <= 900
        assert tries.wait_s(name, "192.0.2.7", now_s, is_known=True) == 0.0


def test_a_flood_of_names_and_networks_fills_no_memory() -> None:
    tries = Tries()
    for n in range(12_000):
        tries.wrong(f"name{n}", f"2001:db8:{n:x}::1", float(n), is_known=False)
    assert len(tries._names) <= 5001
    assert len(tries._networks) <= 5001


def test_a_flood_of_log_ins_is_answered_and_not_all_are_looked_at(house: StaffHouse) -> None:
    statuses: list[int] = []

    def try_one(n: int) -> None:
        client = house.stranger(PUBLIC)
        client.address = f"198.18.{n}.1"
        statuses.append(client.login(f"flood{n}", WRONG).status)

    threads = [threading.Thread(target=try_one, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(set(statuses)) == [401, 429]
    assert statuses.count(401) >= 8


def test_strangers_do_not_fill_the_log(house: StaffHouse) -> None:
    client = house.stranger()
    before = len(house.audit())
    for _ in range(60):
        assert client.ask("POST", "/staff/logout", b"", client.form).status == 303
    assert 0 < len(house.audit()) - before <= 30


def test_without_an_account_the_page_says_how_to_make_one(site: Site, tmp_path: Path) -> None:
    house = StaffHouse(site, tmp_path, people=False)
    try:
        page = house.stranger().get("/login").text
        assert "アカウントがまだありません" in page
        assert "machiai staff /etc/machiai/site.toml add" in page
        assert 'type="password"' not in page
        assert house.stranger().login("admin", "admin").status == 401
    finally:
        house.close()


PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.mark.browser
def test_a_clerk_comes_in_and_goes_in_a_browser_without_scripts(
    house: StaffHouse, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ja-JP", viewport=PHONE)
    try:
        page = context.new_page()
        page.goto(f"{house.base}/staff/account")
        page.get_by_label("名前").fill("mado")
        page.get_by_label("パスワード").fill(WRONG)
        page.get_by_role("button", name="ログイン").click()
        expect(page.get_by_role("alert")).to_contain_text("ちがいます")
        page.get_by_label("パスワード").fill(PASSWORD)
        page.get_by_role("button", name="ログイン").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("自分の設定")
        (cookie,) = context.cookies(house.base)
        assert (cookie["sameSite"], cookie["httpOnly"], cookie["expires"]) == ("Strict", True, -1)
        page.get_by_role("button", name="ログアウト", exact=True).click()
        expect(page.get_by_text("ログアウトしました。")).to_be_visible()
        assert context.cookies(house.base) == []
    finally:
        context.close()


@pytest.mark.browser
def test_a_page_elsewhere_can_neither_frame_ours_nor_send_its_forms(
    house: StaffHouse, browser: Browser
) -> None:
    """Seen from `localhost`, `127.0.0.1` is another site."""
    client = house.client("viewer")
    text = (
        f"<iframe src='{house.base}/staff/login'></iframe>"
        f"<form method=post action='{house.base}/staff/logout'>"
        f"<input name=token value='{client.token}'><button>x</button></form>"
    )

    async def evil(request: web.Request) -> web.Response:
        assert request.path == "/"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", evil)
    port = house.served._start(app).rpartition(":")[2]
    context = browser.new_context(locale="ja-JP")
    client.lend(context)
    try:
        page = context.new_page()
        page.goto(f"http://localhost:{port}/")
        expect(page.frame_locator("iframe").locator("input[name=password]")).to_have_count(0)
        page.get_by_role("button").click()
        expect(page.locator("body")).to_contain_text("この操作は")
        assert client.get("/account").status == 200, "still in"
    finally:
        context.close()


@pytest.fixture(scope="module")
def axe() -> str:
    return tool("axe-core/axe.min.js").read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_door_s_pages_are_for_everybody(
    house: StaffHouse, browser: Browser, axe: str, width: int
) -> None:
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    found: dict[str, list[str]] = {}
    try:
        for path in ("/login", "/login?why=ended", "/account", "/audit"):
            for language in ("ja", "en"):
                if path == "/account":
                    house.client("facility").lend(context)
                sign = "&" if "?" in path else "?"
                page.goto(f"{house.base}/staff{path}{sign}lang={language}")
                told = violations(page, axe, dark=True)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if told or wide > 0:
                    found[f"{path} {language}"] = [*told, f"{wide} px too wide"]
        assert found == {}
    finally:
        context.close()
