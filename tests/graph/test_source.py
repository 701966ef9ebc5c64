"""`SourceRange`: where in the user's files something was written."""

import dataclasses
from pathlib import Path

import pytest

from jaxgrad.graph import SourceRange

CODE = "def f(x):\n    y = sin(x)\n\tz = (\n        x\n    )\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "model.py"
    path.write_text(CODE)
    return str(path)


def test_text_is_the_name_and_the_line() -> None:
    assert SourceRange("/a/b/model.py", 12).text() == "model.py:12"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (SourceRange("m.py", 3), "m.py:3"),
        (SourceRange("m.py", 3, 0), "m.py:3:0"),
        (SourceRange("m.py", 3, 4, 3, 9, "forward"), "m.py:3:4 (forward)"),
    ],
)
def test_str_says_what_is_known(source: SourceRange, expected: str) -> None:
    assert str(source) == expected


def test_highlight_puts_carets_under_the_columns(file: str) -> None:
    shown = SourceRange(file, 2, 8, 2, 14).highlight()
    assert shown == "    y = sin(x)\n        ^^^^^^"


def test_highlight_without_columns_underlines_the_line(file: str) -> None:
    assert SourceRange(file, 2).highlight() == "    y = sin(x)\n    ^^^^^^^^^^"


def test_highlight_of_several_lines(file: str) -> None:
    assert SourceRange(file, 3, 5, 5, 5).highlight().split("\n") == [
        "\tz = (",
        "\t    ^",
        "        x",
        "        ^",
        "    )",
        "    ^",
    ]


def test_highlight_of_many_lines_shows_the_first(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x\n" * 20)
    shown = SourceRange(str(path), 1, 0, 20, 1).highlight().split("\n")
    assert shown == ["x", "^"] * 6 + ["..."]


def test_highlight_of_columns_beyond_the_line_still_points(file: str) -> None:
    assert SourceRange(file, 1, 90, 1, 95).highlight() == "def f(x):\n         ^"


@pytest.mark.parametrize("line", [1, 99])
def test_highlight_of_an_absent_source_is_empty(line: int) -> None:
    assert SourceRange("/no/such/file.py", line, 0, line, 3).highlight() == ""


def test_it_is_a_frozen_value() -> None:
    source = SourceRange("m.py", 3)
    assert source == SourceRange("m.py", 3)
    assert len({source, SourceRange("m.py", 3), SourceRange("m.py", 4)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        source.line = 4  # type: ignore[misc]
    assert not hasattr(source, "__dict__")
