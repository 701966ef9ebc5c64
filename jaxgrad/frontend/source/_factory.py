"""Source ranges in a piece of text.

- `SourceRangeFactory`: makes them from lines and columns, or from offsets.
"""

from __future__ import annotations

from jaxgrad.frontend.source._files import split_lines
from jaxgrad.graph import SourceRange


class SourceRangeFactory:
    r"""Makes the source ranges of a piece of text that is part of a file.

    Args:
        text: the text, as it stands in the file.
        filename: the name of the file.
        lineno: the line of the file on which the text begins, counted from 1.
        leading_whitespace: how many characters of indentation were taken from each line
            before the text was parsed; they are added to columns.

    Example:
        >>> factory = SourceRangeFactory("    x = 1\n    y = 2\n", "model.py", 10, 4)
        >>> print(factory.make_range(2, 4, 5))
        model.py:11:8
    """

    def __init__(
        self, text: str, filename: str, lineno: int, leading_whitespace: int
    ) -> None:
        self._text = text
        self._filename = filename
        self._lineno = lineno
        self._leading_whitespace = leading_whitespace

    @property
    def source(self) -> str:
        """The text."""
        return self._text

    def make_range(self, line: int, start: int, end: int) -> SourceRange:
        """A range on one line.

        Args:
            line: the line in the text, counted from 1.
            start: its first column, counted from 0, without the indentation.
            end: the column after its last character.

        Returns:
            The range.
        """
        number = self._lineno + line - 1
        more = self._leading_whitespace
        return SourceRange(self._filename, number, start + more, number, end + more)

    def make_raw_range(self, start: int, end: int) -> SourceRange:
        """A range from one character of the text to another.

        Args:
            start: the offset of its first character.
            end: the offset after its last character.

        Returns:
            The range.
        """
        return SourceRange(self._filename, *self._at(start), *self._at(end))

    def _at(self, offset: int) -> tuple[int, int]:
        """The line of the file and the column of an offset."""
        before = split_lines(self._text[:offset])
        return self._lineno + len(before) - 1, len(before[-1])
