"""Source that comes as a string."""

import inspect
import linecache
import traceback
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.errors import JaxgradError, ScriptError
from jaxgrad.frontend.source import parse_text, source_of


def compiled(text: str) -> dict[str, Any]:
    module, filename = parse_text(text)
    space: dict[str, Any] = {}
    exec(compile(module, filename, "exec"), space)
    return space


def test_texts_get_names_of_their_own() -> None:
    module, first = parse_text("def f(x):\n    return x\n")
    _, second = parse_text("def f(x):\n    return -x\n")
    assert first != second
    assert first.startswith("<jaxgrad script ")
    assert parse_text("def f(x):\n    return x\n")[1] == first
    assert module.body[0].name == "f"
    assert linecache.getline(second, 2) == "    return -x\n"


def test_inspect_and_tracebacks_show_the_text() -> None:
    text = "def f(x):\n    return [\n        x / 0]\n"
    fn = compiled(text)["f"]
    assert inspect.getsource(fn) == text
    assert source_of(fn).lines() == text.splitlines()
    with pytest.raises(ZeroDivisionError) as info:
        fn(1)
    assert "x / 0" in "".join(traceback.format_exception(info.value))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\n\n    def f():\n        return 1\n", "\n\ndef f():\n    return 1\n"),
        ("  # first\n    def f(): pass", "  # first\ndef f(): pass"),
        ("\tdef f():\n\t\tpass\n\n\n", "def f():\n\tpass\n\n\n"),
        ("def f(): return '''\na\n'''", "def f(): return '''\na\n'''"),
        ("  def f(): return '''\na\n  b'''", "def f(): return '''\na\nb'''"),
        ("def f():\r\n    pass\r\n", "def f():\n    pass\n"),
        ("", ""),
    ],
)
def test_indentation_is_taken_away(text: str, wanted: str) -> None:
    _, filename = parse_text(text)
    lines = "".join(linecache.getlines(filename))
    assert lines.removesuffix("\n") == wanted.removesuffix("\n")


def test_a_name_can_be_given(tmp_path: Path) -> None:
    _, filename = parse_text("a = 1", "<mine>")
    assert filename == "<mine>"
    assert linecache.getline("<mine>", 1) == "a = 1\n"
    path = tmp_path / "real.py"
    path.write_text("b = 2\n")
    parse_text("a = 1", str(path))
    assert linecache.getline(str(path), 1) == "b = 2\n"  # what exists isn't hidden


def test_text_that_is_no_python() -> None:
    text = "    def f(x):\n        return 'é' + (x +)\n"
    with pytest.raises(ScriptError) as info:
        parse_text(text)
    error = info.value
    assert isinstance(error, JaxgradError)
    assert error.msg == "the source isn't Python: invalid syntax"
    assert (error.lineno, error.offset) == (2, 22)
    assert error.text.strip() == "return 'é' + (x +)"
    assert linecache.getline(error.filename, 2) == "    return 'é' + (x +)\n"
    shown = "".join(traceback.format_exception_only(error)).split("\n")
    assert shown[1:3] == ["    return 'é' + (x +)", " " * 21 + "^"]
    with pytest.raises(ScriptError, match=r"isn't Python: .*null"):
        parse_text("a = 1\0")
    with pytest.raises(ScriptError, match="is a string, but this is of type int"):
        parse_text(3)
