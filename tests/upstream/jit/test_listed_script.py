"""Every listed test of torch's script is a test of that name here, or has a reason."""

import ast
import collections
from pathlib import Path

from tests.upstream.jit.listed_script_types import LISTED_SCRIPT
from tests.upstream.jit.script_without_meaning import SCRIPT_WITHOUT_MEANING

HERE = Path(__file__).parent


def names_here() -> collections.Counter[tuple[str, str]]:
    """How many tests there are of a class and a name; a class may be in two files."""
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    for path in sorted(HERE.glob("test_script_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
                found.update(
                    (node.name, m.name) for m in methods if m.name.startswith("test_")
                )
    return found


def test_every_name_is_a_test_or_has_a_reason() -> None:
    listed = [
        (owner, name) for (_, owner), group in LISTED_SCRIPT.items() for name in group
    ]
    assert len(set(listed)) == len(listed) > 400
    here = names_here()
    for row in listed:
        assert here[row] == (0 if row in SCRIPT_WITHOUT_MEANING else 1), row
    assert set(here) | set(SCRIPT_WITHOUT_MEANING) == set(listed)


def test_reasons_are_sentences() -> None:
    for row, reason in SCRIPT_WITHOUT_MEANING.items():
        assert reason[0].isupper(), row
        assert reason.endswith("."), row
    assert len(set(SCRIPT_WITHOUT_MEANING.values())) == len(SCRIPT_WITHOUT_MEANING)
