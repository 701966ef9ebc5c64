"""The text form of graphs, which reads like TorchScript's and parses back.

- `graph_text`, `block_text`, `node_line`: the texts.
- `set_global_print_source_ranges`, `global_print_source_ranges`: whether source lines
  are in them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.graph import _literals
from jaxgrad.graph._callables import lax_function
from jaxgrad.graph._value import DestroyedValue

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

_INDENT = "  "
# What a PythonOp shows by its name, its scalars, and the order of its letters.
_PYTHON_OP = frozenset({"pyobj", "cconv", "scalar_args"})
# What a closure doesn't show in its line: its graph stands below it, and says the rest.
_CLOSURE = frozenset({"graph", "program"})
# Nested calls have many parameters that say nothing about what they compute.
_CALLS = frozenset({"lax::jit", "lax::pjit"})

_print_source_ranges = True


def set_global_print_source_ranges(on: bool) -> None:
    """Choose whether texts show source lines where the caller doesn't say.

    It holds for all threads.

    Args:
        on: whether they do, as they do at first.
    """
    global _print_source_ranges
    _print_source_ranges = bool(on)


def global_print_source_ranges() -> bool:
    """Whether texts show source lines where the caller doesn't say.

    Returns:
        What `set_global_print_source_ranges` was given last, True at first.
    """
    return _print_source_ranges


def graph_text(graph: Graph, print_source_ranges: bool | None) -> str:
    """A graph, one node a line.

    Args:
        graph: the graph.
        print_source_ranges: whether with source lines; None for the global choice.

    Returns:
        The text, without a newline at its end.
    """
    return "\n".join(_Writer(print_source_ranges).graph(graph, ""))


def block_text(block: Block) -> str:
    """A block, one node a line."""
    return "\n".join(_Writer(None).block(block, "block", ""))


def node_line(node: Node) -> str:
    """A node in one line, without its blocks."""
    if node.kind() == "prim::Return":
        return f"return ({_names(node._inputs)})"
    return _Writer(None).line(node)


class _Writer:
    """Writes lines, each type once."""

    def __init__(self, source_ranges: bool | None) -> None:
        given = _print_source_ranges if source_ranges is None else source_ranges
        self.source_ranges = given
        self.types: dict[int, tuple[Any, str]] = {}

    def graph(self, graph: Graph, indent: str) -> Iterator[str]:
        """The lines of a graph."""
        opening = f"{indent}graph("
        inputs = f",\n{' ' * len(opening)}".join(self.values(graph.inputs()))
        yield f"{opening}{inputs}):"
        yield from self.nodes(graph.block(), indent + _INDENT)
        yield f"{indent}{_INDENT}return ({_names(graph.return_node()._inputs)})"

    def block(self, block: Block, label: str, indent: str) -> Iterator[str]:
        """The lines of a nested block."""
        inputs = ", ".join(self.values(block.inputs()))
        yield f"{indent}{label}({inputs}):"
        yield from self.nodes(block, indent + _INDENT)
        yield f"{indent}{_INDENT}-> ({_names(block.return_node()._inputs)})"

    def nodes(self, block: Block, indent: str) -> Iterator[str]:
        """The lines of the nodes of a block."""
        for node in block.nodes():
            yield indent + self.line(node)
            for i, inner in enumerate(node.blocks()):
                yield from self.block(inner, f"block{i}", indent + _INDENT)
            if node._kind == "prim::Closure" and "graph" in node._attributes:
                yield from self.graph(node._attributes["graph"], indent + _INDENT)

    def line(self, node: Node) -> str:
        """One node."""
        outputs = ", ".join(self.values(node._outputs))
        line = f"{outputs} = " if outputs else "= "
        line += f"{_operation(node)}({_names(node._inputs)})"
        source = node.source_range() if self.source_ranges else None
        return line if source is None else f"{line}  # {source.text()}"

    def values(self, values: Sequence[Value]) -> list[str]:
        """Names with types."""
        return [f"%{_name(v)} : {self.type(v)}" for v in values]

    def type(self, value: Value) -> str:
        """The text of a type; many values share one object."""
        if isinstance(value, DestroyedValue):
            return "?"
        key = value._type
        found = self.types.get(id(key))
        if found is None:
            found = self.types[id(key)] = (key, str(value.type()))
        return found[1]


def _name(value: Value) -> str:
    if isinstance(value, DestroyedValue):
        return "<destroyed>"
    return value.debug_name()


def _names(values: Sequence[Value]) -> str:
    return ", ".join([f"%{_name(v)}" for v in values])


def _operation(node: Node) -> str:
    """The kind with the attributes."""
    attributes = node._attributes
    if node._kind == "prim::PythonOp" and attributes.keys() >= _PYTHON_OP:
        return _python_op(node)
    if node._kind == "prim::Constant" and attributes.keys() == {"value"}:
        return _constant(node)
    if not attributes:
        return node._kind
    return node._kind + _bracketed(_attributes(node))


@functools.cache
def _callable_with(kind: str, inputs: int, attributes: tuple[str, ...]) -> bool:
    """Whether a public function of JAX's takes so many inputs, and these attributes."""
    function = lax_function(kind) if kind.startswith("lax::") else None
    if function is None:
        return False
    try:
        inspect.signature(function).bind(*range(inputs), **dict.fromkeys(attributes))
    except (TypeError, ValueError):
        return False
    return True


def _constant(node: Node) -> str:
    value, outputs = node._attributes["value"], node._outputs
    if len(outputs) == 1 and not isinstance(outputs[0], DestroyedValue):
        written = _literals.constant_text(value, outputs[0].type())
    else:
        written = _literals.text(value)
    return f"prim::Constant[value={written}]"


def _python_op(node: Any) -> str:
    letters, scalars = node.cconv, node.scalar_args
    rest = {n: v for n, v in node._attributes.items() if n not in _PYTHON_OP}
    # How it is called, where letters don't say it all: shown, and never parsed.
    forms = {n: rest.pop(n) for n in ("call", "vmap") if n in rest}
    shown = [f"{n}={form!r}" for n, form in forms.items()]
    shown += [f"{_key(n)}={_literals.text(v)}" for n, v in rest.items()]
    # Arrays come before Python values, if nothing else is said.
    if not isinstance(letters, str) or letters != default_cconv(
        len(node._inputs), len(scalars)
    ):
        shown.insert(0, f"cconv={_literals.text(letters)}")
    inner = ", ".join(map(_literals.text, scalars))
    return f"^{node.name()}{_bracketed(shown)}({inner})"


def default_cconv(inputs: int, scalars: int) -> str:
    """The calling convention of a PythonOp whose text shows none."""
    return "d" * inputs + "c" * scalars


def _attributes(node: Node) -> list[str]:
    hidden, attributes = set(node._hidden()), node._attributes
    if node._kind == "prim::Closure":
        attributes = {n: v for n, v in attributes.items() if n not in _CLOSURE}
    if node._operator is not None and any(v is None for v in attributes.values()):
        # What nobody gave; JAX's public functions don't always take it.
        given = {n: v for n, v in attributes.items() if v is not None}
        if hidden or _callable_with(node._kind, len(node._inputs), tuple(given)):
            attributes = given
    if not hidden:
        return [f"{_key(n)}={_literals.text(v)}" for n, v in attributes.items()]
    shown = []
    for name, value in attributes.items():
        if name in hidden or not _literals.is_literal(value):
            continue
        if node._kind not in _CALLS or name == "name":
            shown.append(f"{_key(name)}={_literals.text(value)}")
    return [*shown, "..."]


def _key(name: Any) -> str:
    return name if isinstance(name, str) and name.isidentifier() else repr(name)


def _bracketed(parts: Sequence[str]) -> str:
    return f"[{', '.join(parts)}]" if parts else ""
