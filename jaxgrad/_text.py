"""Plain text for a terminal: tables and a progress line.

- `table(headers, rows, align=...)`: aligned columns, no colour.
- `Progress(label, total)`: a bar on stderr, shown only where stderr is a terminal.
- `human_bytes(n)`: 4,096 as `4.0 KiB`.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self, TextIO

# A terminal redraws faster than this without anybody noticing.
_REDRAW_S = 0.05
_BAR_WIDTH = 24


def table(
    headers: Sequence[object],
    rows: Iterable[Sequence[object]],
    align: str | None = None,
) -> str:
    """Lays out rows under headers, columns two spaces apart.

    Args:
        headers: One title per column; `str` is applied.
        rows: One sequence of cells per row; `str` is applied, missing cells are empty.
        align: One letter per column, `l` or `r`. By default a column is right-aligned
            when each of its cells starts with a digit, a sign or a dash.

    Returns:
        The table, with a rule under the headers and no newline at its end.

    Raises:
        ValueError: If a row is longer than the headers, or `align` doesn't fit them.

    Example:
        >>> print(table(["name", "bytes"], [["silu", 512], ["lsq", 16]]))
        name  bytes
        ----  -----
        silu    512
        lsq      16
    """
    head = [str(h) for h in headers]
    cells = [[str(cell) for cell in row] for row in rows]
    for row in cells:
        if len(row) > len(head):
            raise ValueError(
                f"a row has {len(row)} cells for {len(head)} headers: {row}"
            )
        row.extend([""] * (len(head) - len(row)))
    columns = [[row[i] for row in cells] for i in range(len(head))]
    if align is None:
        align = "".join("r" if _numeric(column) else "l" for column in columns)
    if len(align) != len(head) or set(align) - {"l", "r"}:
        raise ValueError(f"align is {align!r}: need one of l, r for each of {head}")
    widths = [
        max(map(len, [title, *column]))
        for title, column in zip(head, columns, strict=True)
    ]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(row, widths, align) for row in [head, rule, *cells])


def _numeric(column: list[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(c[0].isdigit() or c[0] in "+-" for c in filled)


def _line(row: Sequence[str], widths: Sequence[int], align: str) -> str:
    padded = (
        cell.rjust(width) if side == "r" else cell.ljust(width)
        for cell, width, side in zip(row, widths, align, strict=True)
    )
    return "  ".join(padded).rstrip()


def human_bytes(count: int) -> str:
    """Writes a number of bytes for people.

    Args:
        count: The number of bytes.

    Returns:
        For example `12 B`, `4.0 KiB` or `1.5 GiB`.

    Example:
        >>> human_bytes(4096)
        '4.0 KiB'
    """
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"


class Progress:
    """A one-line progress bar on stderr, silent where stderr is not a terminal.

    The line is erased at the end, so that nothing of it stays among the results.

    Example:
        >>> with Progress("checking", total=3) as progress:
        ...     for name in ("a", "b", "c"):
        ...         progress.step(name)
    """

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        """Prepares the bar.

        Args:
            label: What is going on; stands before the bar.
            total: How many steps there will be.
            stream: Where to write, `sys.stderr` by default.
        """
        self.label = label
        self.total = max(total, 1)
        self.done = 0
        self._stream = sys.stderr if stream is None else stream
        self._shown = bool(getattr(self._stream, "isatty", lambda: False)())
        self._width = 0
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        """Draws the empty bar."""
        self._draw("")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Erases the bar, after an error too."""
        if self._shown:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def step(self, note: str = "", count: int = 1) -> None:
        """Moves the bar on.

        Args:
            note: What is being done now; stands after the bar.
            count: How many steps were made.
        """
        self.done = min(self.done + count, self.total)
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _REDRAW_S or self.done == self.total:
            self._drawn_s = now_s
            self._draw(note)

    def _draw(self, note: str) -> None:
        if not self._shown:
            return
        full = _BAR_WIDTH * self.done // self.total
        bar = "#" * full + "." * (_BAR_WIDTH - full)
        line = f"{self.label} [{bar}] {self.done}/{self.total} {note}"[:78].rstrip()
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._width = max(self._width, len(line))
