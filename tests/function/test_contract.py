"""The table of the contract is complete, and every row has a test that runs."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.function.contract import (
    DIFFERENT,
    GROUPS,
    ROWS,
    SAME,
    STATES,
    Row,
    parse,
    render,
)

ROOT = Path(__file__).parents[2]

# What makes a test not run, or its failure not count.
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def test_every_row_is_there_exactly_once_and_in_order() -> None:
    want = [f"{g}.{i}" for g, (_, n) in GROUPS.items() for i in range(1, n + 1)]
    assert [row.number for row in ROWS] == want
    assert len(want) == 243


def test_every_state_is_legal() -> None:
    assert {row.number: row.state for row in ROWS if row.state not in STATES} == {}
    assert {row.state for row in ROWS} == set(STATES)


def test_every_row_says_what_torch_does_and_what_is_other_here() -> None:
    for row in ROWS:
        assert row.torch.endswith((".", "!")), row.number
        assert bool(row.how) == (row.state != SAME), row.number
        assert row.how == "" or row.how.endswith("."), row.number


def test_differences_are_in_the_readme() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    start = readme.index("## What is different, and why")
    section = readme[start : readme.index("## Licence")]
    for row in ROWS:
        assert bool(row.readme) == (row.state == DIFFERENT), row.number
    absent = {row.readme: row.number for row in ROWS if row.readme not in section}
    assert absent == {}


@functools.cache
def defined_in(path: str) -> dict[str, ast.FunctionDef]:
    """The test functions of a file, by name."""
    body = ast.parse((ROOT / path).read_text()).body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def names_in(tree: ast.AST) -> set[str]:
    """Every name and attribute that is read in a piece of source."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


def shows_something(test: ast.FunctionDef) -> bool:
    """Whether a test asserts, or expects an error or a warning."""
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(test))
    expects = {"refuses", "explains", "raises", "warns"}
    calls = names_in(test)
    return asserts or bool(calls & expects) or any("assert_" in name for name in calls)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_every_row_has_a_test_that_can_fail(row: Row) -> None:
    assert row.tests
    for test_id in row.tests:
        path, _, name = test_id.partition("::")
        tests = defined_in(path)
        assert name in tests, test_id
        assert name.startswith("test_"), test_id
        assert not names_in(tests[name]) & SKIPS, test_id
        assert shows_something(tests[name]), test_id
        prefix = "test_row_" + row.number.replace(".", "_")
        assert name == prefix or name.startswith(prefix + "_") or "/rows/" not in path


@pytest.mark.parametrize(
    "path", sorted({t.partition("::")[0] for r in ROWS for t in r.tests})
)
def test_no_file_of_rows_is_skipped(path: str) -> None:
    assert not names_in(ast.parse((ROOT / path).read_text())) & SKIPS


def test_every_test_of_a_row_is_in_the_table() -> None:
    listed = {test for row in ROWS for test in row.tests}
    written = {
        f"tests/function/rows/{path.name}::{name}"
        for path in sorted((ROOT / "tests/function/rows").glob("test_*.py"))
        for name in defined_in(f"tests/function/rows/{path.name}")
        if name.startswith("test_row_")
    }
    assert written - listed == set()


@pytest.mark.parametrize(
    "text",
    ["1.1 same as torch\n    nothing: x", "one", "1.1 x\n    here: a\n    here: b"],
)
def test_a_file_that_is_not_a_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not|times"):
        list(parse(text))


def test_the_table_prints() -> None:
    text = render()
    assert "3.13  same as torch" in text
    assert f"{len(ROWS):4}  rows" in text
    assert max(map(len, text.splitlines())) <= 100
    run = subprocess.run(
        [sys.executable, "-m", "tests.function.contract"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == text + "\n"
