"""What a check found: one `Cell` for each transformation, together a `Report`."""

import collections
import dataclasses
from typing import Literal

from jaxgrad._text import table
from jaxgrad.errors import CheckError

Status = Literal["ok", "refused", "limit", "failed"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """How one combination of transformations went.

    Attributes:
        name: The combination, for example `jit(grad)`.
        status: `ok`: the expected answer. `refused`: the documented error, where the
            class has no rule for this. `limit`: JAX can't do this with a hand-written
            rule either, and says so. `failed`: another answer, or another error.
        detail: The error in one line, or what differs; empty where all is well.
    """

    name: str
    status: Status
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """The transform matrix of one Function; `str` of it is a table.

    Attributes:
        function: The name of the class.
        cells: One for each transformation that was tried.

    Example:
        >>> report = Report("Silu", (Cell("grad", "ok"), Cell("jvp", "refused", "why")))
        >>> report.ok
        True
        >>> print(report)
        Silu: 1 ok, 1 refused, 0 limit, 0 failed
        <BLANKLINE>
        cell  status   detail
        ----  -------  ------
        grad  ok
        jvp   refused  why
    """

    function: str
    cells: tuple[Cell, ...]

    @property
    def ok(self) -> bool:
        """Whether no cell failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Cell, ...]:
        """The cells that failed."""
        return tuple(cell for cell in self.cells if cell.status == "failed")

    def __str__(self) -> str:
        rows = [(cell.name, cell.status, cell.detail) for cell in self.cells]
        headers = ("cell", "status", "detail")
        return f"{self._summary()}\n\n{table(headers, rows, align='lll')}"

    def _summary(self) -> str:
        counts = collections.Counter(cell.status for cell in self.cells)
        statuses = ("ok", "refused", "limit", "failed")
        return f"{self.function}: " + ", ".join(f"{counts[s]} {s}" for s in statuses)

    def raise_if_failed(self) -> None:
        """Makes a failed cell an error.

        Raises:
            CheckError: If a cell failed; the message names each, and what differs.
        """
        if self.failed:
            lines = [f"  {cell.name}: {cell.detail}" for cell in self.failed]
            raise CheckError("\n".join([self._summary(), *lines]))
