"""Every listed test of AutoGraph is a test of that name here, or has a reason."""

import ast
import collections
from pathlib import Path

from tests.upstream.autograph.listed import LISTED
from tests.upstream.autograph.listed_analysis import ANALYSES
from tests.upstream.autograph.without_meaning import WITHOUT_MEANING

HERE = Path(__file__).parent
ALL = LISTED | ANALYSES


def names_here() -> collections.Counter[tuple[str, str]]:
    """How many tests there are of a class and a name; a class may be in two files."""
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
                found.update(
                    (node.name, m.name) for m in methods if m.name.startswith("test_")
                )
    return found


def test_every_name_is_a_test_or_has_a_reason() -> None:
    listed = [(owner, name) for (_, owner), names in ALL.items() for name in names]
    assert len(set(listed)) == len(listed) > 400
    here = names_here()
    for row in listed:
        assert here[row] == (0 if row in WITHOUT_MEANING else 1), row
    assert set(here) | set(WITHOUT_MEANING) == set(listed)


def test_reasons_are_sentences() -> None:
    for row, reason in WITHOUT_MEANING.items():
        assert reason[0].isupper(), row
        assert reason.endswith("."), row
    assert len(set(WITHOUT_MEANING.values())) == len(WITHOUT_MEANING)
