"""What importing jaxgrad brings in, and which parts of JAX its sources may name."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "jaxgrad"
FILES = sorted(LIBRARY.rglob("*.py"))
OPTIONAL = ("torch", "libcst", "treescope", "graphlay", "rich", "flatbuffers")


def loaded_after(statement: str) -> set[str]:
    """The optional packages that a fresh interpreter has loaded after `statement`."""
    code = (
        f"import sys; {statement}; print(*(m for m in {OPTIONAL} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=LIBRARY.parent,
    )
    return set(done.stdout.split())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_importing_jaxgrad_loads_no_optional_package() -> None:
    ours = loaded_after("import jaxgrad, jaxgrad.__main__, jaxgrad.verify")
    assert ours == loaded_after("import jax")  # which takes flatbuffers where it is


def test_the_check_of_loaded_packages_can_fail() -> None:
    assert loaded_after("import flatbuffers") == {"flatbuffers"}


def test_no_source_names_private_jax() -> None:
    names = {name for path in FILES for name in imported(path)}
    assert "jax.numpy" in names
    assert not [name for name in names if name.startswith("jax._src")]
