"""Files and functions of the library stay small enough to read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LIBRARY = Path(__file__).parents[1] / "jaxgrad"
FILES = sorted(LIBRARY.rglob("*.py"))


def function_lengths(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.end_lineno - node.lineno + 1


# Nothing else may touch JAX's semi-public modules, so that this one can't be split.
LONGER = {"_compat.py": 550}


def test_files_are_at_most_400_lines() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in FILES}
    assert sizes
    long = {str(p): n for p, n in sizes.items() if n > LONGER.get(p.name, 400)}
    assert long == {}


def test_functions_are_short() -> None:
    lengths = [n for path in FILES for n in function_lengths(path.read_text())]
    assert np.median(lengths) <= 10
    assert np.percentile(lengths, 90) <= 35
