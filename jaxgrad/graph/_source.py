"""Where in the user's files something was written.

- `SourceRange`: a file, a line, columns where they are known, and the function's name.
"""

import dataclasses
import linecache
import os

# Longer ranges show their first lines alone.
_SHOWN_LINES = 6


@dataclasses.dataclass(frozen=True, slots=True)
class SourceRange:
    """A range of source text.

    Attributes:
        filename: the file, as the compiler was told.
        line: the first line, counted from 1.
        column: the first column, counted from 0 in characters; None where unknown.
        end_line: the last line; None where unknown.
        end_column: the column after the last character; None where unknown.
        function: the name of the function around it, "" where unknown.

    Example:
        >>> print(SourceRange("/home/ada/model.py", 12, 4))
        /home/ada/model.py:12:4
    """

    filename: str
    line: int
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    function: str = ""

    def text(self) -> str:
        """The short form: the file's own name and the line.

        Returns:
            The text.

        Example:
            >>> SourceRange("/home/ada/model.py", 12, 4).text()
            'model.py:12'
        """
        return f"{os.path.basename(self.filename)}:{self.line}"

    def __str__(self) -> str:
        """The file, the line, the column where it is known, and the function."""
        place = f"{self.filename}:{self.line}"
        if self.column is not None:
            place += f":{self.column}"
        return f"{place} ({self.function})" if self.function else place

    def highlight(self) -> str:
        """The source lines, with carets under the range.

        Without columns the whole line is underlined. Of a long range the first lines
        are shown.

        Returns:
            The lines, each followed by its carets; "" where the source is absent.
        """
        end = self.line if self.end_line is None else max(self.line, self.end_line)
        last = min(end, self.line + _SHOWN_LINES - 1)
        shown = []
        for number in range(self.line, last + 1):
            source = linecache.getline(self.filename, number).rstrip("\n")
            if source.strip():
                shown += [source, self._carets(source, number, end)]
        if shown and last < end:
            shown.append("...")
        return "\n".join(shown)

    def _carets(self, source: str, number: int, end: int) -> str:
        indent = len(source) - len(source.lstrip())
        first, stop = indent, len(source.rstrip())
        if number == self.line and self.column is not None:
            first = min(self.column, stop)
        if number == end and self.end_column is not None:
            stop = min(self.end_column, stop)
        # Tabs stay tabs, so that the carets stand where the text stands.
        blank = "".join("\t" if c == "\t" else " " for c in source[:first])
        return blank + "^" * max(stop - first, 1)
