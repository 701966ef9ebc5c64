"""A recording as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad._text import table
from jaxgrad.frontend._tape_node import AccumulateGrad, TapeNode, nbytes
from jaxgrad.function._trees import short_type

if TYPE_CHECKING:
    from jaxgrad.frontend._tape import Recording

_HEADERS = ("node", "value", "source", "output", "saved for backward", "bytes")


def tape_text(recording: Recording) -> str:
    """One row for each node, and one more for each value that it saves.

    Returns:
        The table, with the bytes that are kept in all as its last row.
    """
    rows: list[tuple[str, ...]] = []
    for node in recording.nodes:
        name, value, source, output = _node(node)
        saved = [(f"{n}: {short_type(v)}", f"{nbytes(v):,}") for n, v in node._kept()]
        first = saved[0] if saved else ("(freed)" if node._freed else "", "0")
        rows.append((name, value, source, output, *first))
        rows += [("", "", "", "", *entry) for entry in saved[1:]]
    rows.append(("total", "", "", "", "each once", f"{recording.saved_bytes:,}"))
    return table(_HEADERS, rows, align="lllllr")


def _node(node: TapeNode) -> tuple[str, str, str, str]:
    place: Any = node.source_range
    source = "" if place is None else place.text()
    if isinstance(node, AccumulateGrad):
        return node.name(), node.path, "argument", short_type(node.variable)
    values = node.graph_node.outputs()
    names = ", ".join(f"%{value.debug_name()}" for value in values)
    types = ", ".join(str(value.type()) for value in values)
    return node.name(), names, source, types
