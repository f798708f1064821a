"""The page of estimators has a place for each table, and only that is written anew."""

from tests.referee.estimates import AHEAD, PAGE, TABLES, filled, table


def test_every_table_has_its_place_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in [*TABLES, AHEAD]:
        assert filled(page, name, "new") != page, name
        assert filled(page, name, "new").count("new") == page.count("new") + 1


def test_what_stands_around_a_table_stays() -> None:
    page = (
        "before\n<!-- table: a -->\n\nold\n\n<!-- end -->\nthen\n<!-- table: b -->\n<!-- end -->\n"
    )
    made = table("x | y", [["1", "2"]])
    once = filled(page, "a", made)
    assert once == page.replace("old\n", "| x | y |\n| --- | --- |\n| 1 | 2 |\n")
    assert filled(once, "a", made) == once
    assert filled(page, "c", made) == page
