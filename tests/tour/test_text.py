"""Tables and the progress line."""

import io

import pytest

from jaxgrad._text import Progress, human_bytes, table


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_columns_line_up_and_numbers_go_right() -> None:
    text = table(["name", "n", "status"], [["a", 1, "ok"], ["long name", 1000, "-"]])
    assert text.splitlines() == [
        "name          n  status",
        "---------  ----  ------",
        "a             1  ok",
        "long name  1000  -",
    ]


def test_alignment_can_be_given_and_short_rows_are_filled() -> None:
    text = table(["aa", "bb"], [["1"], ["2", "x"]], align="lr")
    assert text.splitlines() == ["aa  bb", "--  --", "1", "2    x"]


def test_a_table_without_rows() -> None:
    assert table(["a", "b"], []).splitlines() == ["a  b", "-  -"]


def test_refused_tables() -> None:
    with pytest.raises(ValueError, match="a row has 2 cells for 1 headers"):
        table(["a"], [["1", "2"]])
    with pytest.raises(ValueError, match="align is 'lx'"):
        table(["a", "b"], [], align="lx")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 << 29, "1.5 GiB")],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert human_bytes(count) == text


def test_progress_draws_on_a_terminal_and_erases_itself() -> None:
    stream = Terminal()
    with Progress("work", total=2, stream=stream) as progress:
        progress.step("one")
        progress.step("two")
        progress.step("more than there was")
    text = stream.getvalue()
    assert "work [############............] 1/2" in text or "0/2" in text
    assert f"work [{'#' * 24}] 2/2 two" in text
    assert text.endswith("\r")
    assert not text.split("\r")[-2].strip()
    assert "\n" not in text


def test_progress_is_silent_elsewhere() -> None:
    stream = io.StringIO()
    with Progress("work", total=1, stream=stream) as progress:
        progress.step()
    assert stream.getvalue() == ""
