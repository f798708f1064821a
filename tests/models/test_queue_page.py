from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.contract.observations import Queue
from models.errors import BadPayload, BadSite
from models.sensing.queue_page import (
    MAX_BYTES,
    Find,
    Made,
    Page,
    QueueRule,
    called_in,
    encoding_of,
)

TOKYO = ZoneInfo("Asia/Tokyo")
JSON = """{"counters": [{"name": "税", "wait": "１２", "no": 305, "desks": 2},
{"name": "届出", "wait": 1234, "no": "", "desks": null, "a/b": {"~": 5}}], "closed": true}"""
HTML = """<html><tr><td>住民票</td><td><b>７</b> 人</td><td>Ａ０１２</td></tr>
<tr><td>証明</td><td><b></b> 人</td><td></td></tr></html>"""
TABLE = """<html><body><p>更新 10:21</p><table><caption>１階</caption>
<tr><th>窓口</th><th>呼出</th><th>待ち 人数</th><th>待ち時間</th></tr>
<tr><td rowspan=2>住民票</td><td>Ａ０１２番</td><td><b>１２</b>人</td><td>25分</td></tr>
<tr><td colspan=3>１階の奥です</td></tr>
<tr><td>戸籍</td><td>－</td><td>0人</td><td>3/5</td></tr>
<tr><td>税&amp;料<td>なし<td>1,024名<td>10:30</table>
<table><tr><td></td><td>証明</td><td>届出</td></tr><tr><td>お待ち</td><td>3</td><td>4</td></tr>
</table><table><tr><td>ただいま</td><td>8</td><td>人</td></tr></table></body></html>"""
SCRIPT = """<html><script>var a = {b: [1}; if (a["b"] = {1</script><script type="application/json">
{"q": {"list": [["証明", 5, "A1"], ["届出", 6, "B1"]], "by": {"c1": {"n": 7}}}}</script></html>"""
TEXT = """10:21 更新
証明　呼出中　Ａ０１２　待ち　１２ 人
届出　呼出中　－　待ち　1,024人
税 混雑 * 待ち 5人
お待ち -3人 平均 1.5人"""


def rule(waiting: str, called: str | None = None, counters: str | None = None) -> QueueRule:
    return QueueRule(
        "tax",
        waiting=Find(waiting, "waiting"),
        called=Find(called, "called", "called") if called else None,
        open_counters=Find(counters, "open", "open") if counters else None,
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
            JSON,
            rule("json: counters[name=税].wait", "json: $.counters[0].no"),
            Queue(waiting=12, called="305"),
        ),
        (
            SCRIPT,
            rule("json: q.list[0=届出][1]", "json: q.list[1][2]"),
            Queue(waiting=6, called="B1"),
        ),
        (SCRIPT, rule("json: q.by.c1.n"), Queue(waiting=7)),
        ('cb({"w": 3});', rule("json: w"), Queue(waiting=3)),
        (
            HTML,
            rule("html: 住民票</td><td><b>{waiting}", "住民票 {waiting}人 {called}"),
            Queue(waiting=7, called="A012"),
        ),
        (
            TABLE,
            rule("table: 住民票 | 待ち人数", "table: 呼出 | 住民票"),
            Queue(waiting=12, called="A012"),
        ),
        (TABLE, rule("table: 戸籍 | 待ち人数", "table: 戸籍 | 呼出"), Queue(waiting=0)),
        (TABLE, rule("table: 税&料 | 待ち人数", "table: 税&料 | 呼出"), Queue(waiting=1024)),
        (TABLE, rule("table: 届出 | お待ち"), Queue(waiting=4)),
        (TABLE, rule("table: ただいま"), Queue(waiting=8)),
        (
            TEXT,
            rule("証明 * 待ち {waiting}人", "証明 呼出中 {called}"),
            Queue(waiting=12, called="A012"),
        ),
        (
            TEXT,
            rule("届出 呼出中 {called} 待ち{waiting}人", "届出 呼出中{called}"),
            Queue(waiting=1024),
        ),
        (TEXT, rule("税 {any} {any} 待ち {waiting}人"), Queue(waiting=5)),
        ("<p>Waiting: 1,024</p>", rule("Waiting: {waiting}"), Queue(waiting=1024)),
        (
            "<p>Waiting<br><img src=2.gif alt=２><img alt='4'></p>",
            rule("Waiting {waiting}"),
            Queue(waiting=24),
        ),
        ("\ufeff" + '{"w": 0}', rule("/w"), Queue(waiting=0)),
        ("待ち5人<br>待ち ５人", rule("待ち{waiting}人"), Queue(waiting=5)),
    ],
)
def test_numbers_are_found_by_what_a_person_writes_down(
    page: str, where: QueueRule, queue: Queue
) -> None:
    assert where.read(Page(page.encode())) == queue


@pytest.mark.parametrize(
    ("page", "where", "reason"),
    [
        (HTML, rule("証明 {waiting}人"), "want people waiting for tax, got none"),
        (HTML, rule("/a"), "want JSON, got something else"),
        (JSON, rule("/closed"), "want people waiting for tax, got none"),
        (JSON, rule("/counters"), "want people waiting for tax, got none"),
        (JSON, rule("/counters/-"), "want people waiting for tax, got none"),
        (JSON, rule("/counters/0/name"), "want a number of people waiting for tax, got something"),
        (JSON, rule("json: counters[closed=].wait"), "want one element of the list, got several"),
        ('{"w": -3}', rule("/w"), "want a number of people waiting for tax, got something else"),
        ('{"w": "9999999"}', rule("/w"), "want a number of people waiting for tax"),
        ('{"w": "15分"}', rule("/w"), "want a number of people waiting for tax, got something"),
        ('{"w": "10:21"}', rule("/w"), "want a number of people waiting for tax, got something"),
        ('{"w": 1e300}', rule("/w"), "want people waiting for tax, got none"),
        ('{"w": 1, "n": "' + "7" * 65 + '"}', rule("/w", "/n"), "want a called number of tax, got"),
        (TABLE, rule("table: 住民票 | 待ち時間"), "want a number of people waiting for tax, got"),
        (TABLE, rule("table: 戸籍 | 待ち時間"), "want a number of people waiting for tax, got"),
        (TABLE, rule("table: お待ち"), "want one place that fits, got several with different"),
        (TEXT, rule("待ち {waiting}人"), "want one place that fits, got several with different"),
        (TEXT, rule("証明 * 待ち {waiting}名"), "want people waiting for tax, got none"),
        (TEXT, rule("更新 * {waiting}人"), "want people waiting for tax, got none"),
        (TEXT, rule("お待ち {waiting}人"), "want people waiting for tax, got none"),
        (TEXT, rule("平均 {waiting}人"), "want people waiting for tax, got none"),
        (TEXT, rule("更新 証明 呼出中 {waiting}人"), "want people waiting for tax, got none"),
        ("[" * 100_000, rule("/a"), "want JSON, got something else"),
        ("x" * (MAX_BYTES + 1), rule("x {waiting}"), "want a page of at most 1048576 bytes, got"),
    ],
)
def test_a_page_that_says_nothing_is_refused(page: str, where: QueueRule, reason: str) -> None:
    with pytest.raises(BadPayload) as refused:
        where.read(Page(page.encode()))
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (r"(\d+)", r"want {waiting} once in '(\\d+)'"),
        ("{waiting} {waiting}", "want {waiting} once in '{waiting} {waiting}'"),
        ("{called} {waiting}", "want words around {waiting}, got none"),
        ("待ち {people}人", "want {any}, {called}, {open}, {time}, {waiting}, got {people}"),
        ("a * {any} {waiting}", "want words between * and {any}, got none"),
        ("a*b*c*d*e*f {waiting}", "want at most 4 of * and {any}, got more"),
        ("x" * 300 + "{waiting}", "want at most 300 signs, got 309"),
        ("json: ", "want a path like a.list[name=x].b, got nothing"),
        ("json: a[", "want a path like a.list[name=x].b, got ' a['"),
        ("json: " + "a." * 40 + "b", "want a path like a.list[name=x].b, got ' a."),
        ("table: a | b | c", "want table: ROW | COLUMN, got 'a | b | c'"),
        ("table: | b", "want table: ROW | COLUMN, got '| b'"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_with_its_path(written: str, message: str) -> None:
    with pytest.raises(BadSite) as refused:
        Find(written, "services[0].waiting")
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith(" - at `$.services[0].waiting`")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A012", "A012"),
        ("次は 12番", "12"),
        ("次は12番", "12"),
        ("あ12", "あ12"),
        ("12-034", "12-034"),
        ("C-105 番の方", "C-105"),
        ("---", None),
        ("受付終了", None),
        ("", None),
    ],
)
def test_a_number_on_a_ticket_is_told_from_the_words_around_it(
    text: str, number: str | None
) -> None:
    assert called_in(text) == number


@pytest.mark.parametrize(
    ("charset", "body", "encoding"),
    [
        ("Shift_JIS", b"", "cp932"),  # as browsers read it
        ("EUC-JP", b'<meta charset="utf-8">', "euc_jp"),
        ("UTF8", b"", "utf-8"),
        ("zip", b"", "utf-8"),
        ("\0", b"", "utf-8"),
        ("", b'<META content="text/html; charset=x-sjis">', "cp932"),
        (None, b"<meta charset = 'EUC-JP'>", "euc_jp"),
        (None, b'<?xml version="1.0" encoding="Shift_JIS"?>', "cp932"),
        (None, b" " * 3000 + b'<meta charset="euc-jp">', "utf-8"),
        ("utf-16", b"", "utf-8"),
    ],
)
def test_the_encoding_is_one_that_we_read(charset: str | None, body: bytes, encoding: str) -> None:
    assert encoding_of(charset, body) == encoding


@pytest.mark.parametrize("encoding", ["cp932", "shift_jis", "euc_jp"])
def test_a_page_in_an_old_encoding_is_read(encoding: str) -> None:
    page = Page(HTML.encode(encoding), encoding_of(encoding))
    assert rule("住民票 {waiting}人").read(page) == Queue(waiting=7)


NOW = datetime(2026, 11, 24, 10, 21, 30, tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("page", "where", "reason"),
    [
        ("10:21 更新 待ち 5人", "{time} 更新", None),
        ("１０時２１分 現在", "{time} 現在", None),
        ("2026年11月24日 10時21分 現在", "{time}現在", None),
        ("2026/11/24 10:20:59 現在", "{time} 現在", None),
        ('{"at": "2026-11-24T01:21:00Z"}', "json: at", None),
        ('{"at": "2026-11-24T10:18:00"}', "json: at", None),
        ("10:16 更新", "{time} 更新", "want a page of the last 300 s, got one of 10:16"),
        ("10:27 更新", "{time} 更新", "want a page of the last 300 s, got one of 10:27"),
        (
            "2026年11月23日 10時21分 現在",
            "{time}現在",
            "want a page of the last 300 s, got one of 10:21",
        ),
        ("更新中", "{time} 更新", "want the time of the page, got none"),
        ('{"at": "soon"}', "json: at", "want the time of the page, got none"),
        ('{"at": "2026-13-24 10:21"}', "json: at", "want the time of the page, got none"),
    ],
)
def test_a_page_that_stands_still_is_refused(page: str, where: str, reason: str | None) -> None:
    made = Made(Find(where, "updated", "time"), TOKYO, 300)
    if reason is None:
        made.check(Page(page.encode()), NOW)
        return
    with pytest.raises(BadPayload) as refused:
        made.check(Page(page.encode()), NOW)
    assert str(refused.value) == reason


def test_the_time_of_the_day_is_the_nearest_one_at_midnight_too() -> None:
    midnight = datetime(2026, 11, 24, 0, 1, tzinfo=TOKYO)
    made = Made(Find("{time} 更新", "updated", "time"), TOKYO, 300)
    made.check(Page("23:58 更新".encode()), midnight)
    made.check(Page("0:02 更新".encode()), midnight)
    made.check(Page("00:00 更新".encode()), midnight - timedelta(minutes=2))


WHERE = st.sampled_from(
    ["/a", "/a/0", "/a/b", "json: a[0]", "json: a[b=x].a", "table: a", "table: a | b"]
) | st.sampled_from(
    ["{waiting}人", "html: <b>{waiting}", "a * b {any} {called} {waiting} {open}人"]
)
TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
)
PARTS = (
    "<table> <tr> <td> </table> <script> </script> <!-- --> <b> <br > a b 12 １２ 人 x=[ &# ; &amp;"
)
MARKUP = st.lists(
    st.sampled_from(
        [*PARTS.split(), "<td colspan=9 rowspan='3'>", "<img alt=3>", '={"a":[1', "9" * 5000, "\n"]
    ),
    max_size=40,
).map("".join)


@given(
    body=st.binary(max_size=300)
    | st.text(max_size=90).map(lambda text: text.encode("utf-8", "replace"))
    | MARKUP.map(str.encode)
    | TREE.map(lambda tree: msgspec.json.encode({"a": tree}) if _fits(tree) else b"{}"),
    encoding=st.sampled_from([None, "Shift_JIS", "EUC-JP", "idna", "x"]),
    waiting=WHERE,
    called=st.sampled_from(["/a", "/a/0", "{called}人", "a * b {called} {any}", "table: a"]),
    counters=st.sampled_from(["/a", "{open}人", "table: a | b", "json: a[a=b]"]),
)
@example(b'{"a": "\\ud800"}', None, "/a", "/a", "/a")
@example(b'{"a": [1, "\\udfff"]}', None, "/a/0", "/a", "/a")
@example(b'{"a": ' + b"9" * 5000 + b"}", None, "/a", "/a", "/a")
@example(b"<b>&#" + b"9" * 5000 + b";", None, "{waiting}人", "/a", "/a")
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
