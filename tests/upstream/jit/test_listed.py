"""Every listed test of torch is a test of that name here, or has a reason not to be."""

import ast
import collections
from pathlib import Path

from tests.upstream.jit.listed import BACKENDS, LISTED
from tests.upstream.jit.without_meaning import WITHOUT_MEANING

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# Tests of this folder that are not named after one of torch's, or after several.
OWN = {"test_listed.py", "test_listed_script.py", "test_backends_upstream.py"}


def named(body: list[ast.stmt]) -> list[str]:
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return [f.name for f in functions if f.name.startswith("test_")]


def names_here() -> list[str]:
    paths = [p for p in sorted(HERE.glob("test_*.py")) if p.name not in OWN]
    return [name for p in paths for name in named(ast.parse(p.read_text()).body)]


def test_every_name_is_a_test_or_has_a_reason() -> None:
    listed = [name for group in LISTED.values() for name in group]
    assert len(set(listed)) == len(listed) > 150
    tested = collections.Counter(names_here())
    for name in listed:
        if name in WITHOUT_MEANING:
            assert tested[name] == 0, f"{name} is a test, and without meaning"
        else:
            assert tested[name] == 1, f"{name}: {tested[name]} tests"


def test_nothing_else_is_named_after_torch() -> None:
    listed = {name for group in LISTED.values() for name in group}
    assert set(WITHOUT_MEANING) <= listed
    assert set(names_here()) <= listed


def test_reasons_are_sentences() -> None:
    for name, reason in WITHOUT_MEANING.items():
        assert reason[0].isupper(), name
        assert reason.endswith("."), name
    assert len(set(WITHOUT_MEANING.values())) == len(WITHOUT_MEANING)


def test_the_tests_of_backends_are_where_they_are_said_to_be() -> None:
    assert len(BACKENDS) == 15
    pointed: list[tuple[str, str, str]] = []
    for path, owner, names in BACKENDS.values():
        tree = ast.parse((ROOT / path).read_text())
        (found,) = [
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name == owner
        ]
        assert set(names) <= set(named(found.body)), (path, owner)
        pointed += [(path, owner, name) for name in names]
    assert len(set(pointed)) == len(pointed)  # no test stands for two of torch's
