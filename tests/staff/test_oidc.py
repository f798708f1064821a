"""The city's own accounts, with a real provider: who comes in, and every lie that keeps one out."""

import asyncio
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from playwright.sync_api import Browser, expect

from models.errors import BadSite, Unavailable
from models.site import Office, Site, Staff, parse
from signage.staff.provider import Provider as Trusting
from tests.signage.office import HandClock
from tests.staff.house import PASSWORD, Client, Said, StaffHouse
from tests.staff.provider import Key, Provider, by_public_key, rsa_key, unsigned

PUBLIC = "https://minami.example.jp"
BACK = f"{PUBLIC}/staff/oidc/back"


class City:
    """A house whose staff come by the city's accounts."""

    def __init__(
        self,
        site: Site,
        folder: Path,
        *,
        public: str = PUBLIC,
        port: int = 0,
        local: bool = True,
        has_secret: bool = True,
    ) -> None:
        self.provider = Provider(folder, HandClock(), f"{public}/staff/oidc/back")
        self.provider.has_secret = has_secret
        table = self.provider.table
        if not has_secret:
            table = msgspec.structs.replace(table, secret_file=None)
        office: Office = msgspec.structs.replace(site.site, url=public)
        staff = Staff(local=local, oidc=table)
        self.house = StaffHouse(
            msgspec.structs.replace(site, site=office), folder, staff=staff, people=False, port=port
        )
        self.provider._clock = self.house.clock
        self.honest = dict(vars(self.provider))

    def begin(self) -> None:
        """All is well, and what was learnt of the provider has run out."""
        vars(self.provider).update(self.honest)
        self.provider.user = {
            "sub": "4711",
            "preferred_username": "hanako",
            "groups": ["madoguchi"],
        }
        self.provider.keys = self.honest["keys"][:1]
        self.provider.asked = {"keys": 0, "token": 0}
        self.house.clock.move(3700)

    def close(self) -> None:
        self.house.close()
        self.provider.close()

    def browser(self) -> Client:
        return self.house.stranger(PUBLIC)

    def sent(self, client: Client, after: str = "") -> str:
        """The address at which the provider sends a browser back."""
        there = client.get(f"/oidc?next={quote(after)}" if after else "/oidc")
        assert there.status == 303, there
        tls = ssl.create_default_context(cafile=str(self.provider.ca))
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls), Stay())
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(there.place, timeout=10)
        assert caught.value.code == 303, caught.value.read()
        return str(caught.value.headers["Location"])

    def come(self, client: Client, after: str = "") -> Said:
        """All the way, with the cookie that the page in between brings along."""
        return client.ask("GET", self.sent(client, after).removeprefix(PUBLIC))


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def one_city(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    made = City(site, tmp_path_factory.mktemp("city"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def city(one_city: City) -> City:
    one_city.begin()
    return one_city


def is_out(city: City, said: Said, what: str) -> None:
    """They were kept out, are told so in words, and the log says why."""
    assert said.status in (403, 502), said.status
    assert 'role="alert"' in said.text
    *_, line = city.house.audit()
    assert (line[1], line[2]) == ("log-in", "refused")
    assert what in line[3], line


def test_a_clerk_comes_in_by_the_city_and_may_what_her_group_may(city: City) -> None:
    client = city.browser()
    said = city.come(client, "account")
    assert (said.status, said.place) == (303, "/staff/account")
    (cookie,) = said.headers.get_all("Set-Cookie") or []
    assert cookie.startswith("__Host-machiai=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    page = client.get("/account").text
    assert "hanako@localhost" in page
    assert "窓口" in page
    assert client.get("/audit").status == 403
    assert ("hanako@localhost", "log-in", "done", "the city's account, counter") in (
        city.house.audit()
    )


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["shokuin"], "viewer"),
        (["shokuin", "desk"], "counter"),
        (["shisetsu", "shokuin"], "facility"),
        ("shisetsu", "facility"),
        (["other"], None),
        ([], None),
        (None, None),
        ({"shisetsu": 1}, "facility"),
        ([["shisetsu"]], None),
        (7, None),
    ],
    ids=str,
)
def test_groups_are_roles(city: City, groups: object, role: str | None) -> None:
    city.provider.user["groups"] = groups
    client = city.browser()
    said = city.come(client)
    if role is None:
        is_out(city, said, "in no group")
        assert city.house.audit()[-1][0] == "hanako@localhost"
        assert client.get("/account").status == 303
    else:
        assert said.status == 303
        assert city.house.audit()[-1][3] == f"the city's account, {role}"


def test_the_browser_is_sent_with_pkce_state_and_nonce(city: City) -> None:
    one, other = (parse_qs(urlsplit(city.browser().get("/oidc").place).query) for _ in "ab")
    assert one["code_challenge_method"] == ["S256"]
    assert one["redirect_uri"] == [BACK]
    for secret in ("state", "nonce", "code_challenge"):
        assert one[secret] != other[secret]
        assert len(one[secret][0]) >= 43


def test_from_another_site_the_cookie_comes_a_step_later(city: City) -> None:
    client = city.browser()
    back = city.sent(client).removeprefix(PUBLIC)
    kept, client.cookies = client.cookies, {}
    said = client.ask("GET", back)
    assert said.status == 200
    assert 'http-equiv="refresh"' in said.text
    assert "again=1" in said.text
    said = client.ask("GET", f"{back}&again=1")
    is_out(city, said, "state")
    client.cookies = kept
    assert client.ask("GET", f"{back}&again=1").status == 303


TIMES: dict[str, Callable[[float], dict[str, Any]]] = {
    "expired": lambda now: {"exp": now - 121},
    "of tomorrow": lambda now: {"iat": now + 86_400},
    "not yet": lambda now: {"nbf": now + 300},
    "of yesterday": lambda now: {"iat": now - 86_400},
    "no times": lambda _: {"exp": None},
    "times as text": lambda now: {"exp": str(now + 300)},
    "true": lambda _: {"exp": True},
    "endless": lambda _: {"iat": float("inf")},
}


@pytest.mark.parametrize("lie", TIMES)
def test_a_token_is_of_now(city: City, lie: str) -> None:
    city.provider.lies = TIMES[lie](city.house.clock.now().timestamp())
    is_out(city, city.come(city.browser()), "want ")


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://localhost"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"aud": ["machiai", "another"]},
        {"aud": ["machiai", "another"], "azp": "another"},
        {"azp": "another"},
        {"nonce": "x" * 43},
        {"nonce": None},
        {"nonce": 7},
        {"sub": None},
        {"sub": 7},
        {"preferred_username": None},
        {"preferred_username": ""},
        {"preferred_username": "x" * 65},
        {"preferred_username": "a\nb"},
        {"preferred_username": ["hanako"]},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_opens_nothing(city: City, lies: dict[str, Any]) -> None:
    city.provider.lies = lies
    client = city.browser()
    is_out(city, city.come(client), "want ")
    assert client.get("/account").status == 303


def test_a_token_for_us_and_others_that_we_asked_for_is_ours(city: City) -> None:
    city.provider.lies = {"aud": ["machiai", "another"], "azp": "machiai"}
    assert city.come(city.browser()).status == 303


SIGNED: dict[str, Callable[[Provider], Callable[[dict[str, Any]], str]]] = {
    "alg none": lambda _: unsigned,
    "HS256 with the public key": lambda its: by_public_key(its.keys[0]),
    "another key of that name": lambda _: Key("one", rsa_key(), "RS256").sign,
    "a key that it has not": lambda _: Key("two", rsa_key(), "RS256").sign,
    "an EC key where it says RSA": lambda _: (
        Key("one", ec.generate_private_key(ec.SECP256R1()), "ES256").sign
    ),
    "no signature": lambda its: lambda claims: its.keys[0].sign(claims).rpartition(".")[0] + ".",
    "another's claims": lambda its: (
        lambda claims: _mixed(its.keys[0].sign(claims), its.keys[0].sign(claims | {"sub": "1"}))
    ),
    "no token": lambda _: lambda _claims: "x",
    "nothing": lambda _: lambda _claims: "",
}


def _mixed(one: str, other: str) -> str:
    head, claims, _ = one.split(".")
    return f"{head}.{claims}.{other.rpartition('.')[2]}"


@pytest.mark.parametrize("how", SIGNED)
def test_a_token_that_the_provider_has_not_signed_opens_nothing(city: City, how: str) -> None:
    city.provider.sign = SIGNED[how](city.provider)
    client = city.browser()
    is_out(city, city.come(client), "want ")
    assert client.get("/account").status == 303


@pytest.mark.parametrize(
    "key",
    [
        Key("two", ec.generate_private_key(ec.SECP256R1()), "ES256"),
        Key("two", ec.generate_private_key(ec.SECP384R1()), "ES384"),
        Key("two", ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        Key("two", rsa_key(), "PS256"),
        Key(None, rsa_key(), "RS512"),
    ],
    ids=lambda key: key.algorithm,
)
def test_its_keys_may_be_of_other_kinds(city: City, key: Key) -> None:
    city.provider.keys = [key]  # and no other
    assert city.come(city.browser()).status == 303


def test_a_short_key_is_none(city: City) -> None:
    city.provider.keys = [Key("one", rsa_key(1024), "RS256")]
    is_out(city, city.come(city.browser()), "want ")


def test_keys_roll_over_and_are_not_asked_for_each_time(city: City) -> None:
    for _ in range(3):
        assert city.come(city.browser()).status == 303
    assert city.provider.asked["keys"] == 1
    city.house.clock.move(61)
    city.provider.keys.append(Key("two", rsa_key(), "RS256"))
    assert city.come(city.browser()).status == 303
    assert city.provider.asked["keys"] == 2
    del city.provider.keys[0]
    assert city.come(city.browser()).status == 303
    city.provider.sign = Key("three", rsa_key(), "RS256").sign
    for _ in range(5):
        assert city.come(city.browser()).status == 403
    assert city.provider.asked["keys"] == 2, "a name that is not known is no reason to ask again"
    city.house.clock.move(3700)
    city.provider.sign = city.provider.keys[-1].sign
    assert city.come(city.browser()).status == 303
    assert city.provider.asked["keys"] == 3, "an hour later it is asked, so a key can be withdrawn"


def test_a_code_is_good_once(city: City) -> None:
    client = city.browser()
    back = city.sent(client).removeprefix(PUBLIC)
    kept = dict(client.cookies)
    assert client.ask("GET", back).status == 303
    thief = city.browser()
    thief.cookies = kept
    is_out(city, thief.ask("GET", back), "code")


def test_a_way_back_is_of_the_browser_that_was_sent(city: City) -> None:
    mine, theirs = city.browser(), city.browser()
    back = city.sent(theirs).removeprefix(PUBLIC)
    city.sent(mine)
    is_out(city, mine.ask("GET", back), "state")
    assert theirs.ask("GET", back).status == 303


def test_a_code_of_another_way_does_not_fit(city: City) -> None:
    """Somebody else's code, put into one's own way back: PKCE."""
    mine, theirs = city.browser(), city.browser()
    own, stolen = (parse_qs(urlsplit(city.sent(who)).query) for who in (mine, theirs))
    path = f"/staff/oidc/back?code={stolen['code'][0]}&state={quote(own['state'][0])}"
    is_out(city, mine.ask("GET", path), "code")


@pytest.mark.parametrize(
    "query",
    [
        "again=1",
        "code=x&again=1",
        "code=x&state=x&again=1",
        "code=x&state=.&again=1",
        "error=access_denied&state=x&again=1",
        "code=x&state=x&iss=https://evil.example&again=1",
        "code=%00&state=%ff&again=1",
    ],
)
def test_a_way_back_that_was_made_up_leads_nowhere(city: City, query: str) -> None:
    client = city.browser()
    client.get("/oidc")
    is_out(city, client.ask("GET", f"/staff/oidc/back?{query}"), "want ")
    assert city.provider.asked["token"] == 0


def test_another_provider_in_the_answer_is_refused(city: City) -> None:
    client = city.browser()
    back = city.sent(client).removeprefix(PUBLIC)
    start, _, _ = back.partition("&iss=")
    is_out(city, client.ask("GET", f"{start}&iss=https%3A%2F%2Fevil.example"), "provider")
    assert city.provider.asked["token"] == 0


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "../x", "\\evil"])
def test_nobody_is_sent_elsewhere_afterwards(city: City, after: str) -> None:
    said = city.come(city.browser(), after)
    assert (said.status, said.place) == (303, "/staff")


def test_the_page_that_was_asked_for_is_bound_to_the_way(city: City) -> None:
    client = city.browser()
    back = city.sent(client, "account").removeprefix(PUBLIC)
    assert ".account" in back
    is_out(city, client.ask("GET", back.replace(".account", ".audit")), "state")


def test_a_log_in_gives_a_new_token(city: City) -> None:
    client = city.browser()
    city.come(client)
    first = dict(client.cookies)
    city.come(client)
    assert client.cookies != first
    client.cookies = first
    assert client.get("/account").status == 303


@pytest.mark.parametrize(
    "found",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "http://localhost/authorize"},
        {"token_endpoint": "http://localhost/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_provider_that_is_not_itself_is_not_used(city: City, found: dict[str, Any]) -> None:
    city.provider.found = found
    said = city.browser().get("/oidc")
    assert said.status == 502
    assert "応答しません" in said.text


def test_without_the_provider_one_is_told_and_local_accounts_come_in(city: City) -> None:
    city.provider.status = 503
    client = city.browser()
    assert client.get("/oidc").status == 502
    city.house.house.login.accounts.add("taro", "facility", PASSWORD, city.house.clock.now())
    assert client.login("taro").status == 303


def test_a_provider_whom_nobody_trusts_is_not_used(city: City) -> None:
    table = msgspec.structs.replace(city.provider.table, ca=None)
    provider = Trusting(table, city.house.clock)
    with pytest.raises(Unavailable):
        asyncio.run(provider.places())


def test_a_public_client_has_pkce_alone(site: Site, tmp_path: Path) -> None:
    made = City(site, tmp_path, local=False, has_secret=False)
    try:
        client = made.browser()
        assert made.come(client).status == 303
        assert made.browser().login("taro").status == 400, "there are no local accounts"
        assert "password" not in made.browser().get("/login").text
    finally:
        made.close()


def test_two_people_never_share_a_name(city: City) -> None:
    city.provider.user |= {"sub": "1", "preferred_username": "jiro"}
    assert city.come(city.browser()).status == 303
    city.provider.user["sub"] = "2"
    is_out(city, city.come(city.browser()), "another's")
    city.provider.user |= {"sub": "1", "preferred_username": "renamed"}
    assert city.come(city.browser()).status == 303
    assert city.house.audit()[-1][0] == "jiro@localhost", "who renames themselves is the same"


def test_who_tries_too_often_waits_and_others_do_not(city: City) -> None:
    client = city.browser()
    client.get("/oidc")
    for _ in range(20):
        client.get("/oidc")
        assert client.ask("GET", "/staff/oidc/back?code=x&state=x&again=1").status == 403
    client.get("/oidc")
    assert client.ask("GET", "/staff/oidc/back?code=x&state=x&again=1").status == 429
    other = city.browser()
    other.address = "198.51.100.9"
    assert city.come(other).status == 303


@pytest.mark.browser
def test_a_browser_goes_there_and_comes_back(
    site: Site, tmp_path: Path, browser: Browser, free_port: int
) -> None:
    public = f"http://127.0.0.1:{free_port}"
    city = City(site, tmp_path, public=public, port=free_port)
    context = browser.new_context(locale="en-GB", ignore_https_errors=True)
    try:
        page = context.new_page()
        page.goto(f"{public}/staff/account")
        page.get_by_role("link", name="Log in with the city's account").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("My account")
        (cookie,) = context.cookies(public)
        assert (cookie["sameSite"], cookie["httpOnly"]) == ("Strict", True)
        page.get_by_role("button", name="Log out", exact=True).click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()
        assert context.cookies(public) == []
    finally:
        context.close()
        city.close()


SITE = """
[site]
id = "x"
name = {{ en = "X" }}
hours = [{{ days = "mon", open = "08:30", close = "17:00" }}]
{url}
[staff]
local = {local}
{oidc}
"""
OIDC = '[staff.oidc]\nissuer = "https://id.example.jp"\nclient_id = "m"\n'
URL = 'url = "https://x.example.jp"'


@pytest.mark.parametrize(
    ("url", "local", "oidc", "path"),
    [
        ("", "false", "", "$.staff.local"),
        ("", "true", OIDC + 'viewer = ["a"]', "$.site.url"),
        ('url = "http://x.example.jp"', "true", OIDC + 'viewer = ["a"]', "$.site.url"),
        (URL, "true", OIDC, "$.staff.oidc.viewer"),
        (URL, "true", OIDC + 'viewer = ["a"]\nscopes = ["email"]', "$.staff.oidc.scopes"),
        (URL, "true", OIDC.replace("https", "http") + 'viewer = ["a"]', "$.staff.oidc.issuer"),
    ],
)
def test_a_site_file_in_which_nobody_could_come_in(
    url: str, local: str, oidc: str, path: str
) -> None:
    with pytest.raises(BadSite) as caught:
        parse(SITE.format(url=url, local=local, oidc=oidc))
    assert path in str(caught.value)


def test_a_site_file_in_which_staff_come_by_the_city_alone() -> None:
    site = parse(SITE.format(url=URL, local="false", oidc=OIDC + 'viewer = ["a"]'))
    assert site.staff is not None
    assert site.staff.oidc is not None
