"""What the documents for staff tell to type is there, and the two languages tell the same."""

import contextlib
import io
import re
import shlex

import pytest

import machiai
from models.care.trouble import KINDS
from signage.wording import catalogue
from tests.conftest import ROOT
from tests.house.markdown import tables

STAFFS = ("docs/runbook.md", "docs/install.md", "docs/install.ja.md", "docs/updates.md")
SAID = (*STAFFS, "docs/security.md", "SECURITY.md", "docs/staff.md")
ANSIBLE = ROOT / "ansible"
BOOLEANS = {"--check", "--diff", "-K", "-C"}


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def typed(page: str) -> list[str]:
    """Every line of a box of commands, and every command in a sentence."""
    boxes = re.findall(r"^```sh\n(.*?)^```$", text(page), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for box in boxes for line in box.splitlines()]
    return [line for line in lines if line and not line.startswith("#")] + re.findall(
        r"`([^`\n]+)`", text(page)
    )


def commands(page: str, program: str) -> list[list[str]]:
    """The words of each call of a program."""
    found = []
    for line in typed(page):
        for call in re.split(r" && | \| ", line):
            words = shlex.split(call, comments=True) if call.count("'") % 2 == 0 else call.split()
            if words[:1] == ["ssh"]:
                words = words[3 if words[1] == "-t" else 2 :]
            if words[:1] == ["sudo"]:
                words = words[1:]
            if words and words[0].rpartition("/")[2] == program:
                found.append(words)
    return found


@pytest.mark.parametrize("page", SAID)
def test_machiai_takes_each_command_that_is_told(page: str) -> None:
    for words in commands(page, "machiai"):
        argv = words[1:]
        if len(argv) == 1 and not argv[0].startswith("-"):
            argv = [*argv, "--help"]  # the command is only named
        elif len(argv) == 2 and argv[0] == "pki":
            argv = [*argv, "--help"]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                machiai._parser(argv).parse_args(argv)
                code: object = 0
            except SystemExit as end:
                code = end.code
        assert code == 0, f"{page}: {' '.join(words)}: {said.getvalue()}"


@pytest.mark.parametrize("page", SAID)
def test_make_has_each_target_that_is_told(page: str) -> None:
    makefile = text("Makefile")
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared is not None
    for words in commands(page, "make"):
        rest = words[3:] if words[1] == "-C" else words[1:]
        assert rest[0] in declared[1].split(), f"{page}: {' '.join(words)}"


@pytest.mark.parametrize("page", SAID)
def test_each_playbook_that_is_told_is_there_and_so_are_its_variables(page: str) -> None:
    everything = "".join(
        path.read_text(encoding="utf-8") for path in ANSIBLE.rglob("*.yml") if path.is_file()
    )
    for words in commands(page, "ansible-playbook"):
        books = [word for word in words if word.endswith(".yml")]
        assert len(books) == 1, f"{page}: {' '.join(words)}"
        assert (ANSIBLE / books[0]).is_file(), f"{page}: {' '.join(words)}"
        rest = iter(word for word in words[1:] if word not in {*books, *BOOLEANS})
        for option in rest:
            value = next(rest, None)
            assert option in {"-i", "-l", "-e", "-t"}, f"{page}: {' '.join(words)}"
            assert value is not None
            if option == "-i":
                assert value.startswith("inventory/")
            if option == "-e":
                name = value.partition("=")[0]
                assert re.search(rf"\b{name}\b", everything), f"{page}: nobody reads {name}"
    named = re.findall(r"\b([a-z]+\.yml)\b", text(page))
    assert not {name for name in named if not _is_ours(name)}


def _is_ours(name: str) -> bool:
    return (ANSIBLE / name).is_file() or name in {"all.yml", "hosts.yml", "main.yml"}


@pytest.mark.parametrize("page", SAID)
def test_each_file_of_ours_that_is_told_is_there(page: str) -> None:
    for line in typed(page):
        for word in line.split():
            if re.fullmatch(r"(?:docs|tools|tests|ansible|signage|broker|models)/[\w./-]+", word):
                assert (ROOT / word.rstrip("/.,")).exists(), f"{page}: {word}"
            if re.fullmatch(r"sites/[\w./-]+", word) and "minami" not in word:
                assert (ANSIBLE / word).exists(), f"{page}: {word}"


@pytest.mark.parametrize("page", STAFFS)
def test_each_page_of_ours_that_is_told_is_served(page: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "signage").rglob("*.py"))
    for path in re.findall(r"`(/[a-z]+(?:/[a-z]+)?)`", text(page)):
        assert f'"{path}"' in code or f'{path}"' in code, f"{page}: {path}"


@pytest.mark.parametrize("page", STAFFS)
def test_each_unit_that_is_told_is_installed(page: str) -> None:
    units = {path.name.split(".")[0] for path in ANSIBLE.rglob("*.service.j2")}
    for unit in re.findall(r"\b(machiai-(?:edge|hub|web|display|kiosk))\b", text(page)):
        assert unit in units, f"{page}: {unit}"


def labels(language: str) -> set[str]:
    """All that the staff's pages say in a language."""
    return {str(form) for forms in catalogue(language, "staff").values() for form in forms}


@pytest.mark.parametrize(
    ("page", "language"),
    [("docs/runbook.md", "en"), ("docs/install.md", "en"), ("docs/install.ja.md", "ja")],
)
def test_what_a_table_has_in_bold_is_on_the_staffs_page(page: str, language: str) -> None:
    rows = [line for line in text(page).splitlines() if line.startswith("|")]
    told = [label for row in rows for label in re.findall(r"\*\*([^*]+)\*\*", row)]
    assert told
    assert not set(told) - labels(language)


def test_the_runbook_has_a_line_for_all_that_the_staffs_page_says() -> None:
    """In its words: what changes in a sentence is left out."""
    rows = tables("docs/runbook.md")["What the staff's page says"]
    told = [row["it says"] for row in rows]
    said = catalogue("en", "staff")
    wanted = [re.sub(r"\{\w+\}", "…", str(said[f"care.{kind}"][0])) for kind in KINDS]
    assert told == wanted
    assert all(row["cure"] for row in rows)


def boxes(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text(page), re.MULTILINE | re.DOTALL)


def test_both_languages_of_the_installation_tell_the_same_steps() -> None:
    english, japanese = "docs/install.md", "docs/install.ja.md"
    assert boxes(english) == boxes(japanese)
    heads = [re.findall(r"^## (\d*)", text(page), re.MULTILINE) for page in (english, japanese)]
    assert heads[0] == heads[1]
    rows = [re.findall(r"^\|(?!---)", text(page), re.MULTILINE) for page in (english, japanese)]
    assert len(rows[0]) == len(rows[1])
    spans = [
        sorted(re.findall(r"`((?:machiai|ansible-playbook|make|ssh|sh|sudo) [^`]+)`", text(page)))
        for page in (english, japanese)
    ]
    assert spans[0] == spans[1]
    links = [set(re.findall(r"\]\(([^)]+)\)", text(page))) for page in (english, japanese)]
    assert links[0] - {"install.ja.md"} == links[1] - {"install.md"}


def test_the_steps_come_in_the_order_in_which_they_can_be_done() -> None:
    told = " ".join(boxes("docs/install.md"))
    order = [
        "venv.sh", "ssh-keygen", "machiai check", "machiai pki init", "machiai inventory",
        "machiai first-boot", "make", "ansible-playbook", "machiai staff",
    ]  # fmt: skip
    places = [told.index(step, told.index("cp sites")) for step in order[2:]]
    assert places == sorted(places)
    assert told.index("venv.sh") < told.index("ssh-keygen") < places[0]


def evidence(page: str) -> list[tuple[str, str]]:
    """What each line of a table of requirements leads to."""
    return [
        (next(iter(row.values())), found)
        for rows in tables(page).values()
        for row in rows
        if "evidence" in row
        for found in re.findall(r"`([^`]+)`", row["evidence"])
    ]


def test_every_piece_of_evidence_is_there() -> None:
    missing = []
    for item, found in evidence("docs/security.md"):
        path, _, test = found.partition("::")
        if not (ROOT / path).exists():
            missing.append(f"{item}: {path}")
        elif test and not re.search(rf"^(?:async )?def {test}\(", text(path), re.MULTILINE):
            missing.append(f"{item}: {found}")
    assert not missing


PROVISIONS = {"5.1": 5, "5.2": 3, "5.3": 16, "5.4": 4, "5.5": 8, "5.6": 9, "5.7": 2, "5.8": 3,
              "5.9": 3, "5.10": 1, "5.11": 4, "5.12": 3, "5.13": 1, "6": 5}  # fmt: skip
"""How many ETSI EN 303 645 V2.1.1 has."""


def test_every_requirement_has_its_line() -> None:
    page = tables("docs/security.md")
    star = [row["item"] for row in page["JC-STAR ★1"]]
    assert star == [f"S1.1-{number:02}" for number in range(1, 17)]
    etsi = [row["provision"] for row in page["ETSI EN 303 645"]]
    assert etsi == [
        f"{clause}-{number}" for clause, last in PROVISIONS.items() for number in range(1, last + 1)
    ]
    guidebook = [row["consideration"].split()[0] for row in page["Camera images"]]
    assert list(dict.fromkeys(guidebook)) == ["基本原則", "事前告知", "取得時", "取扱い", "管理"]
    for rows in (page["JC-STAR ★1"], page["ETSI EN 303 645"], page["Camera images"]):
        for row in rows:
            assert re.match(r"(prepared|partly|office|none)\b", row["state"]), row
            assert "`" in row["evidence"], row


def test_nothing_claims_to_conform() -> None:
    for page in (*SAID, "README.md", "README.ja.md"):
        said = re.findall(
            r"(?i)\b(?:conformant|compliant|certified)\b|適合しています|準拠しています", text(page)
        )
        assert not said, page


def test_security_txt_says_what_the_policy_says() -> None:
    policy = text("SECURITY.md")
    served = "".join(
        path.read_text(encoding="utf-8")
        for path in (ANSIBLE / "roles" / "web" / "templates").iterdir()
    )
    assert "/.well-known/security.txt" in served
    assert "/.well-known/security.txt" in policy
    for variable in re.findall(r"Contact: \{\{ (\w+)", served):
        assert variable in policy
    for field in ("Contact:", "Expires:", "Preferred-Languages: ja, en"):
        assert field in served
    assert "Japanese or English" in policy
