"""What script says of wrong programs: the error's class, its place, every word of it.

Nothing here runs: all of it fails while it is traced, but for `max_steps`.
"""

import functools
import linecache
import os
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import JaxgradError, JaxgradWarning, ScriptError
from tests.frontend.program import v
from tests.frontend.wrong_program import Wrong, drawn, line_at
from tests.frontend.wrong_programs import PARTS, WRONG_PROGRAMS

X = v(1, 2, 3)


def notes_of(error: BaseException) -> list[str]:
    """The notes of an error without the one that JAX adds to whatever passes it."""
    notes = getattr(error, "__notes__", [])
    return [note for note in notes if "JAX_TRACEBACK_FILTERING" not in note]


def caught(call: Callable[[], Any]) -> BaseException:
    """What a call raises; that it took long to compile is not the question here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JaxgradWarning)
        try:
            result = call()
        except Exception as error:
            return error
    raise AssertionError(f"it gave {result!r}")


def shown(error: BaseException) -> list[str]:
    """What Python prints of an error below the traceback."""
    return "".join(traceback.format_exception_only(error)).splitlines()


def assert_drawn(error: ScriptError, line: str, under: str) -> None:
    """Python draws the line of an error, and carets under the text that is wrong."""
    printed = shown(error)
    at = next(i for i, text in enumerate(printed) if text.strip() == line.strip())
    carets = printed[at + 1]
    first = printed[at].index(under)
    assert carets == " " * first + "^" * len(under)


def test_the_table() -> None:
    names = Counter(str(program) for program in WRONG_PROGRAMS)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(WRONG_PROGRAMS) >= 120
    for part in PARTS:
        functions = [n for n, f in vars(part).items() if hasattr(f, "__code__")]
        source = Path(part.__file__).read_text(encoding="utf-8")
        entered = {str(program) for program in part.wrong.programs}
        assert source.count("\n@wrong(") == len(entered)
        assert entered <= set(functions)


@pytest.mark.parametrize("program", WRONG_PROGRAMS, ids=str)
def test_a_wrong_program(program: Wrong) -> None:
    error = caught(program.call)
    line = program.lines()["here"]
    assert type(error) is program.error
    assert notes_of(error) == program.expected_notes()
    if not isinstance(error, SyntaxError):
        assert str(error) == program.message()
        place = f"In {os.path.basename(program.filename)}:{line}"
        assert f"{place}\n{drawn(program.filename, line, program.under)}" in notes_of(
            error
        )
        return
    text = line_at(program.filename, line)
    first = text.index(program.under) + 1
    assert error.msg == program.message()
    assert (error.filename, error.lineno) == (program.filename, line)
    assert error.end_lineno == line
    assert error.text is not None
    assert error.text.rstrip("\n") == text
    assert (error.offset, error.end_offset) == (first, first + len(program.under))
    assert isinstance(error, JaxgradError)


def test_messages_are_of_one_form() -> None:
    for program in WRONG_PROGRAMS:
        if not issubclass(program.error, ScriptError):
            continue
        assert program.remedy, program
        for line in (program.sentence, program.remedy):
            assert line[0].islower() or line[0] in "'\"`", line
            assert not line.endswith("."), line
            assert "Tracer" not in line, line
        words = set(program.sentence.replace("'", " ").split())
        assert not words & {"node", "leaf", "form", "aval", "region", "jaxpr"}


def by_name(name: str) -> Wrong:
    """An entry of the table."""
    return next(program for program in WRONG_PROGRAMS if str(program) == name)


@pytest.mark.parametrize(
    "name", ["two_shapes", "bound_in_a_while", "traced_size", "try_and_except"]
)
def test_python_draws_the_line(name: str) -> None:
    program = by_name(name)
    error = caught(program.call)
    assert isinstance(error, ScriptError)
    line = program.lines()["here"]
    assert_drawn(error, line_at(program.filename, line), program.under)
    printed = shown(error)
    assert printed[0] == f'  File "{program.filename}", line {line}'
    says = [text.partition("ScriptError: ")[2] for text in printed]
    assert program.message().splitlines()[0] in says
    for note in program.expected_notes():
        assert note in "\n".join(printed)
    whole = "".join(traceback.format_exception(error)).splitlines()
    assert whole[-len(printed) :] == printed


CELL = """\
import jax.numpy as jnp

def f(x):
    if x[0] > 0:
        é = x
    else:
        é = x[:1]
    return é + 1
"""


def test_a_cell_of_a_notebook_is_drawn() -> None:
    filename = "<ipython-input-7-0123456789ab>"
    lines = CELL.splitlines(keepends=True)
    linecache.cache[filename] = (len(CELL), None, lines, filename)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(CELL, filename, "exec"), space)
    error = caught(functools.partial(jaxgrad.script(space["f"]), X))
    assert isinstance(error, ScriptError)
    assert (error.filename, error.lineno) == (filename, 5)
    assert_drawn(error, "        é = x", "x")
    assert f"{filename}:7:\n            é = x[:1]\n                ^^^^^" in "\n".join(
        notes_of(error)
    )


def test_source_that_is_no_python() -> None:
    error = caught(lambda: jaxgrad.script("def f(x):\n    return x +\n"))
    assert isinstance(error, ScriptError)
    assert error.msg == "the source isn't Python: invalid syntax"
    assert (error.lineno, error.text) == (2, "    return x +\n")
    assert "    return x +" in shown(error)


def test_a_text_of_source() -> None:
    script = jaxgrad.script("def f(x):\n    y = x * 2\n    return y + z\n")
    error = caught(lambda: script(X))
    assert isinstance(error, ScriptError)
    assert error.msg.startswith("the name 'z' is not defined\n  ")
    assert (error.lineno, error.offset, error.end_offset) == (3, 16, 17)
    assert_drawn(error, "return y + z", "z")


def test_a_text_without_a_function() -> None:
    error = caught(lambda: jaxgrad.script("x = 1"))
    assert type(error) is ScriptError
    assert str(error).startswith("the source defines no function\n")


def test_a_lambda() -> None:
    double = jaxgrad.script(lambda x: x * missing)  # type: ignore[name-defined] # noqa: F821
    error = caught(lambda: double(X))
    assert isinstance(error, ScriptError)
    assert (error.filename, error.msg.splitlines()[0]) == (
        __file__,
        "the name 'missing' is not defined",
    )
    assert_drawn(error, error.text or "", "missing")


class Scale:
    """A class with a method that can't be compiled."""

    def __init__(self, by: Any) -> None:
        self.by = by

    @jaxgrad.script
    def apply(self, x: Any) -> Any:
        if x[0] > 0:
            y = x * self.by
        return y


def test_a_method() -> None:
    error = caught(lambda: Scale(2.0).apply(jnp.asarray(X)))
    assert isinstance(error, ScriptError)
    assert "'y' may have no value here: the path that skips the if (" in error.msg
    assert_drawn(error, "return y", "y")


def test_no_source() -> None:
    space: dict[str, Any] = {}
    exec("def f(x):\n    return x", space)
    error = caught(lambda: jaxgrad.script(space["f"])(X))
    assert isinstance(error, ScriptError)
    assert error.msg == (
        "the source of f can't be found: there is no text of '<string>'\n"
        "  put it into a file, or give its source as a string: script(source_string)"
    )


@pytest.mark.parametrize("function", [len, jnp.sin, os.path.join])
def test_functions_of_others(function: Any) -> None:
    error = caught(lambda: jaxgrad.script(function))
    assert type(error) is ScriptError
    assert "has no source of yours to compile\n  " in str(error)


def one_and_two(x: Any, y: Any) -> Any:
    """Two arguments."""
    return x + y


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((X,), {}), ((X, X, X), {}), ((X, X), {"z": X})],
)
def test_arguments_of_the_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    plain = caught(lambda: one_and_two(*args, **kwargs))
    error = caught(lambda: jaxgrad.script(one_and_two)(*args, **kwargs))
    assert type(error) is type(plain) is TypeError
    kind = re.compile("(?<=required )positional ")
    assert kind.sub("", str(error)) == kind.sub("", str(plain))


def test_options() -> None:
    error = caught(lambda: jaxgrad.script(one_and_two, errors="print"))
    assert isinstance(error, JaxgradError)
    assert str(error) == (
        "script got errors='print'; expected one of raise, return, ignore."
    )
