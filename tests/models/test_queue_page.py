import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.observations import Queue
from models.errors import BadPayload, BadSite
from models.sensing.queue_page import MAX_BYTES, Find, Page, QueueRule, encoding_of

JSON = """{"counters": [{"name": "税", "wait": "１２", "no": 305, "desks": 2},
{"name": "届出", "wait": 1234, "no": "", "desks": null, "a/b": {"~": 5}}], "closed": true}"""
HTML = """<html><tr><td>住民票</td><td><b>７</b> 人</td><td>Ａ０１２</td></tr>
<tr><td>証明</td><td><b></b> 人</td><td></td></tr></html>"""


def rule(waiting: str, called: str | None = None, counters: str | None = None) -> QueueRule:
    return QueueRule(
        "tax",
        waiting=Find(waiting, "waiting"),
        called=Find(called, "called") if called else None,
        open_counters=Find(counters, "open") if counters else None,
    )


@pytest.mark.parametrize(
    ("page", "where", "queue"),
    [
        (
            JSON,
            rule("/counters/0/wait", "/counters/0/no", "/counters/0/desks"),
            Queue(waiting=12, called="305", open=2),
        ),
        (
            JSON,
            rule("/counters/1/wait", "/counters/1/no", "/counters/1/desks"),
            Queue(waiting=1234),
        ),
        (JSON, rule("/counters/1/a~1b/~0", "/nowhere", "/counters/9"), Queue(waiting=5)),
        (
            HTML,
            rule(r"住民票</td><td><b>(\d+)", r"住民票.*?人</td><td>(\w+)"),
            Queue(waiting=7, called="A012"),
        ),
        ("<p>Waiting: 1,024</p>", rule(r"Waiting: ([\d,]+)"), Queue(waiting=1024)),
        ("\ufeff" + '{"w": 0}', rule("/w"), Queue(waiting=0)),
    ],
    ids=["JSON, full-width", "JSON, empty and null", "JSON, escapes", "HTML", "comma", "BOM"],
)
def test_numbers_are_found_by_pointer_or_pattern(page: str, where: QueueRule, queue: Queue) -> None:
    assert where.read(Page(page.encode())) == queue


@pytest.mark.parametrize(
    ("page", "where", "reason"),
    [
        (HTML, rule(r"証明</td><td><b>(.*?)</b>"), "want people waiting for tax, got none"),
        (HTML, rule("/a"), "want JSON, got something else"),
        (JSON, rule("/closed"), "want people waiting for tax, got none"),
        (JSON, rule("/counters"), "want people waiting for tax, got none"),
        (JSON, rule("/counters/-"), "want people waiting for tax, got none"),
        (JSON, rule("/counters/0/name"), "want a number of people waiting for tax, got something"),
        ('{"w": -3}', rule("/w"), "want a number of people waiting for tax, got something else"),
        ('{"w": "9999999"}', rule("/w"), "want a number of people waiting for tax"),
        ('{"w": 1e300}', rule("/w"), "want people waiting for tax, got none"),
        ("w 1 n " + "x" * 65, rule(r"w (\d)", r"n (x+)"), "want a called number of tax, got"),
        ("[" * 100_000, rule("/a"), "want JSON, got something else"),
        ("x" * (MAX_BYTES + 1), rule("(x)"), "want a page of at most 1048576 bytes, got a larger"),
    ],
)
def test_a_page_that_says_nothing_is_refused(page: str, where: QueueRule, reason: str) -> None:
    with pytest.raises(BadPayload) as refused:
        where.read(Page(page.encode()))
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("(", "want a regular expression, got missing ), unterminated subpattern at position 0"),
        (r"\d+", "want a group (...) around the value, got none"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_its_path(written: str, message: str) -> None:
    with pytest.raises(BadSite) as refused:
        Find(written, "services[0].waiting")
    assert str(refused.value) == f"{message} - at `$.services[0].waiting`"


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("Shift_JIS", "shift_jis"),
        ("EUC-JP", "euc_jp"),
        ("UTF8", "utf-8"),
        ("zip", "utf-8"),
        ("\0", "utf-8"),
        ("", "utf-8"),
        (None, "utf-8"),
        ("utf-16", "utf-8"),
    ],
)
def test_the_encoding_is_one_that_we_read(charset: str | None, encoding: str) -> None:
    assert encoding_of(charset) == encoding


def test_a_page_in_shift_jis_is_read() -> None:
    page = Page(HTML.encode("shift_jis"), "shift_jis")
    assert rule(r"住民票</td><td><b>(\d+)").read(page) == Queue(waiting=7)


WHERE = st.sampled_from(["/a", "/a/0", "/a/b", "(?s)(.*)", r"(\d+)", "(x)?y", r"(.)$"])
TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
)


@given(
    body=st.binary(max_size=300)
    | st.text(max_size=90).map(lambda text: text.encode("utf-8", "replace"))
    | TREE.map(lambda tree: msgspec.json.encode({"a": tree}) if _fits(tree) else b"{}"),
    encoding=st.sampled_from([None, "Shift_JIS", "EUC-JP", "idna", "x"]),
    waiting=WHERE,
    called=WHERE,
    counters=WHERE,
)
@example(b'{"a": "\\ud800"}', None, "/a", "/a", "/a")
@example(b'{"a": [1, "\\udfff"]}', None, "/a/0", "(.*)", "/a/0")
@example(b'{"a": ' + b"9" * 5000 + b"}", None, "/a", "/a", "/a")
def test_any_page_is_read_or_refused_and_what_is_read_is_of_the_contract(
    body: bytes, encoding: str | None, waiting: str, called: str, counters: str
) -> None:
    try:
        queue = rule(waiting, called, counters).read(Page(body, encoding_of(encoding)))
    except BadPayload:
        return
    assert msgspec.convert(msgspec.to_builtins(queue), Queue) == queue


def _fits(tree: object) -> bool:
    try:
        msgspec.json.encode(tree)
    except (OverflowError, UnicodeEncodeError, ValueError):
        return False
    return True
