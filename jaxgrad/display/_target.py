"""What one Function costs on a target, as a table."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad._text import table
from jaxgrad.errors import BackendError
from jaxgrad.function._trees import short_type
from jaxgrad.lower._topology import CompiledProgram, compile_for

Part = tuple[str, str]

_MEMORY = (
    ("argument bytes", "argument_size_in_bytes"),
    ("output bytes", "output_size_in_bytes"),
    ("temporary bytes", "temp_size_in_bytes"),
    ("generated code bytes", "generated_code_size_in_bytes"),
)
_COST = (("flops", "flops"), ("bytes accessed", "bytes accessed"))


def target_parts(
    target: str,
    shard: str | None,
    programs: Sequence[tuple[str, Callable[..., Any], Sequence[Any]]],
    missing: str,
) -> list[Part]:
    """Compiles functions for a target, and compares what they cost there.

    Args:
        target: As in `compile_for`.
        shard: The name of the axis over which leading axes are split, or None.
        programs: A title, a function and its arguments, for each column.
        missing: Why there is no further column, or "".

    Returns:
        One part: a table with a column for each function, all numbers for one device;
        where the arrays are, if they are split; and why a column is missing.
    """
    columns: dict[str, CompiledProgram] = {}
    notes = [missing] if missing else []
    for title, function, given in programs:
        try:
            columns[title] = compile_for(target, function, *given, in_shardings=shard)
        except BackendError as error:
            notes.append(f"{title}: {error}")
    heading = f"Compiled for {target}"
    if columns:
        first = next(iter(columns.values()))
        heading += f": one {first.kind}"
        if shard:
            heading += f" of {first.devices}, the leading axes split over {shard!r}"
            notes += [
                f"{title}: {_split(columns[title], given)}"
                for title, _, given in programs
                if title in columns
            ]
    text = [_table(columns)] if columns else []
    return [(heading, "\n".join(text + notes))]


def _table(columns: dict[str, CompiledProgram]) -> str:
    programs = columns.values()
    rows = [["HLO instructions", *(f"{p.instruction_count():,}" for p in programs)]]
    for name, key in _COST:
        rows.append([name, *(_number(p.cost_analysis().get(key)) for p in programs)])
    for name, key in _MEMORY:
        sizes = (getattr(p.memory_analysis(), key, None) for p in programs)
        rows.append([name, *map(_number, sizes)])
    found = [p.collectives() for p in programs]
    for kind in sorted(set().union(*found)):
        rows.append([kind, *(str(counts.get(kind, 0)) for counts in found)])
    return table(["", *columns], rows, align="l" + "r" * len(columns))


def _number(value: float | None) -> str:
    # XLA answers -1, or nothing, for what it doesn't know.
    return "?" if value is None or value < 0 else f"{int(value):,}"


def _split(program: CompiledProgram, given: Sequence[Any]) -> str:
    """Which arrays are split and which are whole on every device."""
    leaves = zip(jax.tree.leaves(tuple(given)), program.shardings, strict=True)
    split: dict[bool, list[str]] = {True: [], False: []}
    for leaf, sharding in leaves:
        split[not sharding.is_fully_replicated].append(short_type(leaf))
    whole = f"; whole on each: {', '.join(split[False])}" if split[False] else ""
    return f"split: {', '.join(split[True]) or 'nothing'}{whole}"
