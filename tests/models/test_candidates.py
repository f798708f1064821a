"""What `machiai probe` proposes by itself, on pages of the shapes that ticket systems have."""

import time

import pytest

from models.errors import BadPayload
from models.sensing.candidates import candidates, kind_of
from models.sensing.queue_page import MAX_BYTES, Find, Page, encoding_of
from tests.edge.saved import NAMES, body_of

Found = dict[tuple[str, str], str]


def page(name: str) -> Page:
    body = body_of(name)
    return Page(body, encoding_of(None, body))


def found(name: str) -> Found:
    return {(one.label, one.wanted): one.reads for one in candidates(page(name))}


SHAPES: dict[str, Found] = {
    "table.html": {
        ("住民票・証明", "waiting"): "12", ("住民票・証明", "called"): "105",
        ("転入・転出", "waiting"): "4", ("転入・転出", "called"): "231",
        ("マイナンバー", "waiting"): "0", ("マイナンバー", "called"): "",
    },
    "turned-sjis.html": {
        ("1証明", "waiting"): "18", ("1証明", "called"): "A012", ("1証明", "open"): "3",
        ("2届出", "waiting"): "7", ("2届出", "called"): "B204", ("2届出", "open"): "2",
        ("3保険年金", "waiting"): "0", ("3保険年金", "called"): "", ("3保険年金", "open"): "1",
    },
    "cards.html": {
        ("住民票・印鑑証明", "waiting"): "5", ("住民票・印鑑証明", "called"): "A012",
        ("国民健康保険", "waiting"): "1024", ("国民健康保険", "called"): "C303",
    },
    "queues.json": {
        ("住民票", "waiting"): "12", ("住民票", "called"): "105", ("住民票", "open"): "2",
        ("戸籍", "waiting"): "3", ("戸籍", "called"): "", ("戸籍", "open"): "1",
        ("税務証明", "waiting"): "", ("税務証明", "called"): "", ("税務証明", "open"): "0",
    },
    "state.html": {
        ("1番 住民票", "waiting"): "9", ("1番 住民票", "called"): "87",
        ("2番 印鑑登録", "waiting"): "0", ("2番 印鑑登録", "called"): "412",
    },
    "variable-eucjp.html": {
        ("市民窓口", "waiting"): "16", ("市民窓口", "called"): "A047",
        ("税証明", "waiting"): "2",
    },
    "callback.js": {
        ("Passports", "waiting"): "14", ("Passports", "called"): "P-231",
        ("Driving licences", "waiting"): "6", ("Driving licences", "called"): "D-077",
    },
    "board.txt": {
        ("住民票", "waiting"): "5", ("住民票", "called"): "A012",
        ("戸籍", "waiting"): "0",
        ("税証明", "waiting"): "11", ("税証明", "called"): "C105",
    },
    "one.html": {("", "waiting"): "23", ("", "called"): "A105"},
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_waiting_called_and_open_are_found_on_a_page_of_this_shape(name: str) -> None:
    assert found(name) == SHAPES[name]


def test_every_saved_page_is_tested() -> None:
    assert set(NAMES) == set(SHAPES)


@pytest.mark.parametrize(
    ("name", "later", "written", "reads"),
    [
        ("table.html", ("１２人", "３人"), "table: 住民票・証明 | 待ち人数", "3人"),
        (
            "cards.html",
            ("A012", "－"),
            "住民票・印鑑証明 呼出中 {called} 待ち人数 {waiting}人",
            "5",
        ),
        (
            "queues.json",
            ('"id": 1, ', '"id": 9, "x": {}, '),
            "json: data.list[name=住民票].waitingCount",
            "12",
        ),
    ],
    ids=["another number", "nobody is called", "another key before it"],
)
def test_what_it_proposes_goes_on_reading_when_the_page_changes(
    name: str, later: tuple[str, str], written: str, reads: str
) -> None:
    assert written in {one.written for one in candidates(page(name))}
    text = page(name).text
    assert later[0] in text
    changed = Page(text.replace(*later, 1).encode())
    assert Find(written, "waiting").text(changed) == reads


@pytest.mark.parametrize(
    "title",
    ["待ち時間", "Estimated wait (min)", "更新時刻", "平均待ち時間", "waitTimeMinutes", "窓口", ""],
)
def test_a_time_is_never_taken_for_people(title: str) -> None:
    assert kind_of(title) is None


def test_what_a_page_says_cannot_write_on_the_terminal() -> None:
    hostile = '[{"name": "税\\u001b[2J務", "waiting": 3}, {"name": "戸籍", "waiting": 4}]'
    assert [one.label for one in candidates(Page(hostile.encode()))] == ["戸籍"]


_KIB = 128
HOSTILE = {
    "digits": ("待ち人数 ", "9"),
    "gaps": ("<b>待ち", " "),
    "tags that never end": ("", "<a "),
    "comments that never end": ("", "<!-- <!"),
    "scripts in scripts": ("", "<script>"),
    "JSON that never ends": ("<script>", '={"a":['),
    "strings that never end": ("<script>", '=["\\"'),
    "depth": ("<script>=", "["),
    "the first words": ("<p>", "待ち"),
    "all but the number": ("<p>", "証明 待ち "),
    "tables in tables": ("", "<table><tr><td>"),
    "cells": ("<table>", "<tr><td rowspan=60>待ち"),
    "signs by number": ("<p>", "&#9"),
    "signs that grow": ("<p>", "\ufdfa"),
}
PATTERNS = (
    "証明 * 待ち {waiting}人",
    "証 * 待 * ち * 人 * {waiting}名",
    "待ち {any} {called} {waiting}人",
    "html: <b {waiting}",
    "table: a | 待ち",
    "json: a[name=x].b",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_made_to_harm_takes_a_time_that_grows_with_its_size_alone(name: str) -> None:
    head, part = HOSTILE[name]

    def seconds(kib: int) -> float:
        began = time.process_time()
        body = (head + part * (kib * 1024 // len(part.encode()))).encode()
        for written in PATTERNS:
            try:
                Find(written, "waiting").text(Page(body))
            except BadPayload:
                continue
        return time.process_time() - began

    small = min(seconds(_KIB // 4) for _ in range(2))
    most = 4 * 2.5 * small + 0.2  # of the square it would be 16 times as long
    assert any(seconds(_KIB) < most for _ in range(5))  # a busy machine slows down one


@pytest.mark.parametrize(
    "part", ["<td>", "<tr><td colspan=60 rowspan=60>x", "<table><tr><td colspan=60>x</table>"]
)
def test_tables_without_an_end_are_refused_in_one_line(part: str) -> None:
    body = ("<table><tr>" + part * (MAX_BYTES // len(part) - 9)).encode()
    with pytest.raises(BadPayload, match=r"^want tables of at most 20000 cells, got larger ones$"):
        Find("table: a | b", "waiting").text(Page(body))
