"""`Operands`: the part of a node that knows its inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError
from jaxgrad.graph import _schema, types
from jaxgrad.graph._position import Placed
from jaxgrad.graph._value import Use, Value, bury

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node


class Operands(Placed):
    """What goes into a node, and what comes out."""

    __slots__ = ("_inputs", "_outputs")

    _inputs: list[Value]
    _kind: str
    _outputs: list[Value]
    _edit: Any

    def _node(self) -> Any:
        return self

    # --- operands ---------------------------------------------------------------------

    def inputs(self) -> list[Value]:
        """What it is given."""
        return list(self._inputs)

    def inputs_at(self, i: int) -> Value:
        """Input number `i`; GraphError if there is none."""
        return _at(self, self._inputs, i, "input")

    def inputs_size(self) -> int:
        """How many inputs it has."""
        return len(self._inputs)

    def input(self) -> Value:
        """Its only input; GraphError if it has several, or none."""
        return _only(self, self._inputs, "input")

    def named_input(self, name: str) -> Value:
        """The input for the parameter `name`; GraphError if there is none."""
        names = _schema.input_names(self._node())
        if name not in names:
            known = ", ".join(names) or "none"
            raise GraphError(
                f"{self._kind} has no input named {name!r}.\n  It has: {known}."
            )
        return self._inputs[names.index(name)]

    def add_input(self, value: Value) -> Value:
        """Give it one more input.

        Returns:
            `value`.

        Raises:
            GraphError: `value` belongs to another graph.
        """
        self._check_operand(value)
        self._edit()
        self._append_input(value)
        return value

    def _append_input(self, value: Value) -> None:
        key = (id(self), len(self._inputs))
        value._uses[key] = Use(self._node(), len(self._inputs))
        self._inputs.append(value)

    def remove_input(self, i: int) -> None:
        """Take input number `i` away; those after it move up."""
        self.inputs_at(i)
        self._edit()
        i %= len(self._inputs)
        rest = self._inputs[i + 1 :]
        self._drop_inputs(i)
        for value in rest:
            self._append_input(value)

    def remove_all_inputs(self) -> None:
        """Take every input away."""
        self._edit()
        self._drop_inputs(0)

    def _drop_inputs(self, start: int) -> None:
        for offset in range(start, len(self._inputs)):
            del self._inputs[offset]._uses[id(self), offset]
        del self._inputs[start:]

    def replace_input(self, i: int, value: Value) -> Value:
        """Put `value` in the place of input number `i`.

        Returns:
            The input that was there.

        Raises:
            GraphError: there is no such input; `value` belongs to another graph.
        """
        old = self.inputs_at(i)
        i %= len(self._inputs)
        self._check_operand(value)
        self._edit()
        del old._uses[id(self), i]
        value._uses[id(self), i] = Use(self._node(), i)
        self._inputs[i] = value
        return old

    def replace_input_with(self, old: Value, new: Value) -> None:
        """Put `new` wherever `old` is an input."""
        for i, value in enumerate(self._inputs):
            if value is old:
                self.replace_input(i, new)

    def _check_operand(self, value: Any) -> Value:
        if not isinstance(value, Value):
            raise GraphError(
                f"{self._kind} expected a Value as input; got {type(value).__name__}."
            )
        if value._node._graph is not self._graph:
            raise GraphError(
                f"%{value.debug_name()} belongs to another graph than {self._kind}.\n"
                "  Copy nodes with graph.create_clone or graph.insert_graph."
            )
        return value

    # --- results ----------------------------------------------------------------------

    def outputs(self) -> list[Value]:
        """What it makes."""
        return list(self._outputs)

    def outputs_at(self, i: int) -> Value:
        """Output number `i`; GraphError if there is none."""
        return _at(self, self._outputs, i, "output")

    def outputs_size(self) -> int:
        """How many outputs it has."""
        return len(self._outputs)

    def output(self) -> Value:
        """Its only output; GraphError if it has several, or none."""
        return _only(self, self._outputs, "output")

    def add_output(self, type_: types.Type | None = None) -> Value:
        """Give it one more output, of an unknown type if none is said.

        Returns:
            The new value.
        """
        self._edit()
        return self._append_output(types.TensorType.get() if type_ is None else type_)

    def _append_output(self, type_: Any) -> Value:
        value = Value(
            self._node(), len(self._outputs), self._graph._next_unique(), type_
        )
        self._outputs.append(value)
        return value

    def erase_output(self, i: int) -> None:
        """Take output number `i` away; GraphError if it is used."""
        value = self.outputs_at(i)
        if value._uses:
            user = next(iter(value._uses.values())).user
            raise GraphError(
                f"%{value.debug_name()} can't be erased: {user._kind} uses it.\n"
                "  Replace its uses first, with replace_all_uses_with."
            )
        self._edit()
        i %= len(self._outputs)
        del self._outputs[i]
        for later in self._outputs[i:]:
            later._offset -= 1
        self._graph._forget(value)
        bury(value)

    def has_uses(self) -> bool:
        """Whether any output is used."""
        return any(value._uses for value in self._outputs)

    def has_multiple_outputs(self) -> bool:
        """Whether it has more than one output."""
        return len(self._outputs) > 1

    def replace_all_uses_with(self, other: Node) -> None:
        """Put the outputs of `other` where this node's are used.

        Raises:
            GraphError: `other` has another number of outputs.
        """
        if len(other._outputs) != len(self._outputs):
            raise GraphError(
                f"{self._kind} has {len(self._outputs)} outputs, and {other._kind}, "
                f"which should replace it, has {len(other._outputs)}."
            )
        for mine, theirs in zip(self._outputs, other._outputs, strict=True):
            mine.replace_all_uses_with(theirs)


def _at(node: Any, values: list[Value], i: int, what: str) -> Value:
    if not -len(values) <= i < len(values):
        raise GraphError(f"{node._kind} has no {what} {i}: it has {len(values)}.")
    return values[i]


def _only(node: Any, values: list[Value], what: str) -> Value:
    if len(values) != 1:
        raise GraphError(f"{node._kind} has {len(values)} {what}s, not one.")
    return values[0]
