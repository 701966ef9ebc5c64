"""Every listed test of torch is a test of that name here, or has a reason not to be."""

import ast
import collections
from pathlib import Path

from tests.upstream.listed import LISTED
from tests.upstream.without_meaning import WITHOUT_MEANING

HERE = Path(__file__).parent
# Tests of this folder that are not named after one of torch's.
OWN = {"test_listed.py", "test_database.py"}


def names_here() -> list[str]:
    trees = [
        ast.parse(path.read_text())
        for path in sorted(HERE.glob("test_*.py"))
        if path.name not in OWN
    ]
    return [
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_every_name_is_a_test_or_has_a_reason() -> None:
    listed = collections.Counter(name for group in LISTED.values() for name in group)
    tested = collections.Counter(names_here())
    assert len(listed) > 150
    for name, times in listed.items():
        if name in WITHOUT_MEANING:
            assert tested[name] == 0, f"{name} is a test, and without meaning"
        else:
            assert tested[name] == times, f"{name}: {tested[name]} tests of {times}"


def test_nothing_else_is_named_after_torch() -> None:
    listed = {name for group in LISTED.values() for name in group}
    assert set(WITHOUT_MEANING) <= listed
    assert set(names_here()) <= listed


def test_reasons_are_sentences() -> None:
    for name, reason in WITHOUT_MEANING.items():
        assert reason[0].isupper(), name
        assert reason.endswith("."), name
    assert len(set(WITHOUT_MEANING.values())) == len(WITHOUT_MEANING)
