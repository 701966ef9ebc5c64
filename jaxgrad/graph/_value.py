"""`Value`: what one node makes and others use; `Use`: one place where it is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from jaxgrad.errors import GraphError
from jaxgrad.graph import types

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node

_NAME = re.compile(r"[^\W\d][\w.]*\Z")


class Use(NamedTuple):
    """One place where a value is used.

    Attributes:
        user: the node that uses it.
        offset: which of the node's inputs it is.
    """

    user: Node
    offset: int

    def is_after(self, other: Use) -> bool:
        """Whether this use comes later in the graph than `other`.

        Returns:
            True if it does. A use in a nested block comes before one by a node that
            stands after the owner of the block.

        Raises:
            GraphError: the two are in different graphs.
        """
        if self.user is other.user:
            return self.offset > other.offset
        mine, theirs = self.user._path(), other.user._path()
        # The owner of a nested block uses its inputs before the block runs; its own
        # place is after what is nested in it only if it is the very same owner.
        for a, b in zip(mine, theirs, strict=False):
            if a is not b:
                return a.is_after(b)
        return len(mine) < len(theirs)


class Value:
    """What one node makes, typed; every value is made once.

    Values are made by adding inputs to graphs or blocks, and outputs to nodes.
    """

    # Tracing makes tens of thousands of them.
    __slots__ = ("_name", "_node", "_offset", "_type", "_unique", "_uses")

    def __init__(self, node: Node, offset: int, unique: int, type_: Any) -> None:
        self._node = node
        self._offset = offset
        self._unique = unique
        self._type = type_  # a Type, or the abstract value that it is made of
        self._name: str | None = None
        self._uses: dict[tuple[int, int], Use] = {}

    # --- what it is -------------------------------------------------------------------

    def debug_name(self) -> str:
        """The name that the text form shows after `%`; a number if it has none."""
        return self._name or str(self._unique)

    def has_debug_name(self) -> bool:
        """Whether somebody gave it a name."""
        return self._name is not None

    def set_debug_name(self, name: str) -> Value:
        """Give it a name; a value that has this name already gets another one.

        Returns:
            The value itself.

        Raises:
            GraphError: the name is no identifier (dots may be in it).
        """
        if not isinstance(name, str) or not _NAME.match(name):
            raise GraphError(
                f"{name!r} can't be the name of a value.\n"
                "  Expected letters, digits, underscores and dots, no digit first."
            )
        graph = self._node._graph
        graph._edited(self._node._block)
        graph._rename(self, name)
        return self

    def unique(self) -> int:
        """A number that no other value of the graph has."""
        return self._unique

    def node(self) -> Node:
        """The node that makes it."""
        return self._node

    def offset(self) -> int:
        """Which of its node's outputs it is."""
        return self._offset

    def type(self) -> types.Type:
        """Its type, dtype and shape as far as they are known."""
        if not isinstance(self._type, types.Type):
            self._type = types.of_aval(self._type)
        return self._type

    def set_type(self, type_: types.Type) -> Value:
        """Declare its type.

        Returns:
            The value itself.

        Raises:
            GraphError: `type_` is not a type.
        """
        if not isinstance(type_, types.Type):
            raise GraphError(
                f"set_type of %{self.debug_name()} expected a jaxgrad.graph.types.Type;"
                f" got {type(type_).__name__}."
            )
        self._node._graph._edited(self._node._block)
        self._type = type_
        return self

    def set_type_as(self, other: Value) -> Value:
        """Declare the type of `other`.

        Returns:
            The value itself.
        """
        return self.set_type(other.type())

    def infer_type_from(self, example: Any) -> Value:
        """Declare the type of an example.

        Returns:
            The value itself.

        Raises:
            GraphError: the example has no type; the message says why.
        """
        inferred = types.try_infer(example)
        if not inferred.success():
            raise GraphError(
                f"%{self.debug_name()} can't have the type of the example: "
                f"{inferred.reason()}"
            )
        return self.set_type(inferred.type())

    def is_complete_tensor(self) -> bool:
        """Whether it is an array whose dtype and shape are known."""
        mine = self.type()
        return isinstance(mine, types.TensorType) and mine.is_complete()

    def requires_grad(self) -> bool:
        """Whether a derivative with respect to it exists: a float or complex array.

        Returns:
            True if it is one. What is differentiated is chosen by `jax.grad`.
        """
        mine = self.type()
        if not isinstance(mine, types.TensorType) or mine.dtype() is None:
            return False
        return bool(jax.numpy.issubdtype(mine.dtype(), jax.numpy.inexact))

    def to_ival(self) -> Any:
        """The value itself where it is a constant, else None."""
        if self._node._kind != "prim::Constant":
            return None
        return self._node._attributes.get("value")

    # --- where it is used -------------------------------------------------------------

    def uses(self) -> list[Use]:
        """The places where it is used."""
        return list(self._uses.values())

    def has_uses(self) -> bool:
        """Whether it is used at all."""
        return bool(self._uses)

    def replace_all_uses_with(self, other: Value) -> None:
        """Put `other` in every place where this value is used.

        Raises:
            GraphError: `other` belongs to another graph.
        """
        self._check_same_graph(other)
        if other is self:
            return
        for use in self.uses():
            use.user.replace_input(use.offset, other)

    def replace_all_uses_after_node_with(self, node: Node, other: Value) -> None:
        """The same for the uses after `node` alone.

        Raises:
            GraphError: `other` belongs to another graph.
        """
        self._check_same_graph(other)
        for use in self.uses():
            if use.user._block is not None and use.user.is_after(node):
                use.user.replace_input(use.offset, other)

    def copy_metadata(self, other: Value) -> Value:
        """Take over the type of `other`, and its name with a number after it.

        Returns:
            The value itself.
        """
        self.set_type(other.type())
        if other._name is not None:
            self._node._graph._suggest(self, other._name)
        return self

    def _check_same_graph(self, other: Value) -> None:
        if other._node._graph is not self._node._graph:
            raise GraphError(
                f"%{self.debug_name()} can't be replaced by %{other.debug_name()}, "
                "which belongs to another graph."
            )

    def __repr__(self) -> str:
        return f"%{self.debug_name()} : {self.type()}"


class DestroyedValue(Value):
    """What a value becomes when its node is destroyed, so that a use is an error."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise used_after_destroy("value")

    def __repr__(self) -> str:
        return "<destroyed value>"


def used_after_destroy(what: str) -> GraphError:
    """The error of whoever uses a `what` that is gone."""
    return GraphError(
        f"This {what} was destroyed, and is used.\n"
        "  Expected one that is still in its graph: look it up again, or replace its "
        "uses before it is destroyed."
    )


def bury(value: Value) -> None:
    """Make every later use of `value` an error."""
    value.__class__ = DestroyedValue
