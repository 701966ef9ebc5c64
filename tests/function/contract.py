"""The contract with torch's `autograd.Function`, row by row, and what shows each row.

Nine groups of rows, in `rows/group1.txt` to `rows/group9.txt`, one entry each:

    3.9 different, documented
        torch: what torch does
        here: what is better or different, or what a no-op or an error is instead
        README: words of the README's section on differences
        test: rows/test_group3_returns.py::test_row_3_9

- `Row`: one of them; `ROWS`: all, in order.
- `GROUPS`: how many rows a group has.
- `render`: the table as text; `python -m tests.function.contract` prints it.
"""

import collections
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent

# Title and number of rows of each group.
GROUPS = {
    1: ("Class, context and node", 46),
    2: ("Forward", 34),
    3: ("Backward", 50),
    4: ("Forward mode", 22),
    5: ("Batching", 21),
    6: ("Dirty inputs, changes in place, views", 18),
    7: ("Hooks", 20),
    8: ("Complex gradients", 11),
    9: ("gradcheck and gradgradcheck", 21),
}

SAME = "same as torch"
BETTER = "better than torch"
DIFFERENT = "different, documented"
NO_MEANING = "no meaning on immutable arrays"
STATES = (SAME, BETTER, DIFFERENT, NO_MEANING)

_HEAD = re.compile(r"(\d\.\d+) (.+)")
_FIELD = re.compile(r"    (torch|here|README|test): (.+)")


class Row(NamedTuple):
    """One behaviour of torch.

    Attributes:
        number: "<group>.<row>".
        state: one of `STATES`.
        torch: what torch does.
        how: what is better or different, or the no-op or error; empty where the same.
        readme: words by which the README documents a difference; else empty.
        tests: pytest's ids of the tests that show it.
    """

    number: str
    state: str
    torch: str
    how: str
    readme: str
    tests: tuple[str, ...]

    @property
    def group(self) -> int:
        """The group that the row is in."""
        return int(self.number.partition(".")[0])


def parse(text: str) -> Iterator[Row]:
    """The rows of one file.

    Args:
        text: the file's contents.

    Yields:
        One row for each entry.

    Raises:
        ValueError: a line that is neither a head nor a field, or a field twice.
    """
    for entry in re.split(r"\n\n+", text.strip()):
        head, *lines = entry.split("\n")
        fields: dict[str, list[str]] = collections.defaultdict(list)
        for line in lines:
            if (match := _FIELD.fullmatch(line)) is None:
                raise ValueError(f"not a field: {line!r}")
            fields[match[1]].append(match[2])
        if (match := _HEAD.fullmatch(head)) is None:
            raise ValueError(f"not the head of a row: {head!r}")
        torch, here, readme = (
            _only(head, fields[name]) for name in ("torch", "here", "README")
        )
        tests = tuple(f"tests/function/{test}" for test in fields["test"])
        yield Row(match[1], match[2], torch, here, readme, tests)


def _only(head: str, values: list[str]) -> str:
    if len(values) > 1:
        raise ValueError(f"{head}: a field that is there {len(values)} times")
    return values[0] if values else ""


ROWS = tuple(
    row
    for group in GROUPS
    for row in parse((FOLDER / "rows" / f"group{group}.txt").read_text())
)


def render(rows: tuple[Row, ...] = ROWS) -> str:
    """The table as text, with the counts of the states at the end.

    Args:
        rows: the rows to show.

    Returns:
        One block for each row, under the titles of the groups.
    """
    blocks = []
    group = 0
    for row in rows:
        if row.group != group:
            group = row.group
            title = f"{group}. {GROUPS[group][0]}"
            blocks.append(f"{title}\n{'=' * len(title)}")
        lines = [f"{row.number}  {row.state}", *_wrapped("torch: ", row.torch)]
        if row.how:
            lines += _wrapped("here:  ", row.how)
        blocks.append("\n".join([*lines, *(f"      {test}" for test in row.tests)]))
    counts = collections.Counter(row.state for row in rows)
    total = [f"{counts[state]:4}  {state}" for state in STATES]
    blocks.append("\n".join([*total, f"{len(rows):4}  rows"]))
    return "\n\n".join(blocks)


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, 88, initial_indent=f"      {label}", subsequent_indent=" " * 13
    )


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
