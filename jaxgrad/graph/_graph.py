"""`Graph`: a program as nodes in blocks, every value made once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxgrad.errors import GraphError
from jaxgrad.graph import types
from jaxgrad.graph._block import Block, check_kind
from jaxgrad.graph._copy import copy_graph, copy_nodes
from jaxgrad.graph._names import Names, Text
from jaxgrad.graph._node import DestroyedNode, Node
from jaxgrad.graph._python_op import PythonOp
from jaxgrad.graph._value import Value
from jaxgrad.graph._walk import defined_graphs


class Graph(Names):
    """A program: nodes in order between inputs and outputs, some with nested blocks.

    It can be edited, and counts its edits, so that what was compiled of it is never
    stale. Members are those of torch's `torch._C.Graph`, in snake_case; lists that are
    returned are the caller's own.

    Example:
        >>> from jaxgrad.graph import Graph, types
        >>> graph = Graph()
        >>> x = graph.add_input("x").set_type(types.parse("f32[3]"))
        >>> y = graph.insert("lax::mul", x, x).set_debug_name("y")
        >>> graph.register_output(y)
        0
        >>> print(graph)
        graph(%x : f32[3]):
          %y : f32[3] = lax::mul(%x, %x)
          return (%y)
        >>> graph.lint()
    """

    def __init__(self) -> None:
        super().__init__()
        self._version = 0
        self._defined: Any = None  # what `defined_graphs` found, and when
        self._quiet = 0  # whether blocks are being imported, which is no edit
        self._block = Block(self, None)
        self._insert_point = self._block._end

    @property
    def version(self) -> int:
        """How often it was edited, and the functions that are defined in it."""
        return self._version + sum(inner.version for inner in defined_graphs(self))

    # --- reading ----------------------------------------------------------------------

    def inputs(self) -> list[Value]:
        """What the program is given."""
        return self._block.inputs()

    def outputs(self) -> list[Value]:
        """What the program returns."""
        return self._block.outputs()

    def nodes(self) -> list[Node]:
        """The nodes of the outermost block, in order."""
        return self._block.nodes()

    def block(self) -> Block:
        """The outermost block."""
        return self._block

    def param_node(self) -> Node:
        """The node whose outputs are the inputs of the graph."""
        return self._block._param

    def return_node(self) -> Node:
        """The node whose inputs are the outputs of the graph."""
        return self._block._end

    def find_node(self, kind: Text, recurse: bool = True) -> Node | None:
        """The first node of a kind, or None; see `Block.find_node`."""
        return self._block.find_node(kind, recurse)

    def find_all_nodes(self, kind: Text, recurse: bool = True) -> list[Node]:
        """All nodes of a kind, in order; see `Block.find_all_nodes`."""
        return self._block.find_all_nodes(kind, recurse)

    def str(self, print_source_ranges: bool = True) -> Text:
        """Its text form, with or without source lines."""
        from jaxgrad.graph._text import graph_text

        return graph_text(self, print_source_ranges)

    def __str__(self) -> Text:
        from jaxgrad.graph._text import graph_text

        return graph_text(self, None)

    __repr__ = __str__

    def lint(self) -> None:
        """Raise if it breaks a rule of its form.

        Raises:
            GraphError: the message names the rule and the node.
        """
        from jaxgrad.graph._lint import lint

        lint(self)

    # --- inputs and outputs -----------------------------------------------------------

    def add_input(
        self, name: Text | None = None, type_: types.Type | None = None
    ) -> Value:
        """Give it one more input.

        Returns:
            The new value.
        """
        return self._block.add_input_to_block(name, type_)

    def erase_input(self, i: int) -> None:
        """Take input number `i` away; GraphError if it is used."""
        self._block.erase_input(i)

    def register_output(self, value: Value) -> int:
        """Return one more value.

        Returns:
            The number of this output.
        """
        return self._block.register_output(value)

    def erase_output(self, i: int) -> None:
        """No longer return output number `i`."""
        self._block.erase_output(i)

    def permute_inputs(self, order: Sequence[int]) -> None:
        """Put the inputs in another order: input `order[i]` becomes number `i`.

        Raises:
            GraphError: `order` is not a permutation.
        """
        values = self._block._param._outputs
        if sorted(order) != list(range(len(values))):
            raise GraphError(
                f"permute_inputs expected a permutation of {len(values)} numbers; got "
                f"{list(order)}."
            )
        self._edited(self._block)
        values[:] = [values[i] for i in order]
        for offset, value in enumerate(values):
            value._offset = offset

    def make_multi_output_into_tuple(self) -> None:
        """Return one tuple instead of several outputs; one output stays as it is."""
        outputs = self.outputs()
        if len(outputs) == 1:
            return
        pack = self.create("prim::TupleConstruct", outputs)
        pack.output().set_type(types.TupleType([v.type() for v in outputs]))
        self.append_node(pack)
        self.return_node().remove_all_inputs()
        self.register_output(pack.output())

    # --- making nodes -----------------------------------------------------------------

    def create(
        self, kind: Text, inputs: Sequence[Value] = (), num_outputs: int = 1
    ) -> Node:
        """A new node, in no block yet.

        Args:
            kind: a qualified kind, `lax::sin` say.
            inputs: values of this graph.
            num_outputs: how many outputs it has, of unknown type.

        Returns:
            The node.

        Raises:
            GraphError: the kind has no `::`; an input is no value of this graph.
        """
        check_kind(kind)
        node = (PythonOp if kind == "prim::PythonOp" else Node)(self, kind)
        for value in inputs:
            node._check_operand(value)
        for value in inputs:
            node._append_input(value)
        for _ in range(num_outputs):
            node._append_output(types.TensorType.get())
        return node

    def create_clone(self, node: Node, map_fn: Callable[[Value], Value]) -> Node:
        """A copy of a node, of this graph or another, in no block yet.

        Args:
            node: the node; its blocks are copied too.
            map_fn: gives the value of this graph for each value that it uses.

        Returns:
            The copy.

        Raises:
            GraphError: `map_fn` gives no value of this graph.
        """
        check = self._block._end._check_operand
        return copy_nodes([node], self, lambda v: check(map_fn(v)), {})[0]

    def create_python_op(
        self, pyobj: Any, cconv: Text, scalar_args: Sequence[Any] = ()
    ) -> PythonOp:
        """An application of a Function, or another callable, in no block yet.

        Args:
            pyobj: the callable; `SomeFunction.apply`.
            cconv: one letter for each argument, `d` (an input) or `c` (a Python value).
            scalar_args: the Python values, in order.

        Returns:
            The node, without inputs.
        """
        node = self.create("prim::PythonOp")
        assert isinstance(node, PythonOp)
        node._attributes = {
            "pyobj": pyobj,
            "cconv": cconv,
            "scalar_args": list(scalar_args),
        }
        return node

    def append_node(self, node: Node) -> Node:
        """Put a new node last.

        Returns:
            The node.
        """
        return node.insert_before(self._block._end)

    def prepend_node(self, node: Node) -> Node:
        """Put a new node first.

        Returns:
            The node.
        """
        return node.insert_after(self._block._param)

    def insert_node(self, node: Node) -> Node:
        """Put a new node at the insert point.

        Returns:
            The node.
        """
        return node.insert_before(self._insert_point)

    def insert_constant(self, value: Any) -> Value:
        """A constant at the insert point.

        Returns:
            Its value.

        Raises:
            GraphError: `value` has no type.
        """
        node = self.create("prim::Constant")
        node._attributes = {"value": value}
        if isinstance(value, list) and not value:  # a list of arrays, as in torch
            node._outputs[0]._type = types.ListType.of_tensors()
            return self.insert_node(node).output()
        inferred = types.try_infer(value)
        if not inferred.success():
            raise GraphError(f"No constant can hold that: {inferred.reason()}")
        node._outputs[0]._type = inferred.type()
        return self.insert_node(node).output()

    def insert(self, kind: Text, *inputs: Any, **attributes: Any) -> Any:
        """A node at the insert point, typed by abstract evaluation.

        Args:
            kind: `lax::NAME` for a function of `jax.lax`, `py::PATH` for a callable of
                an imported module, `py::jax.numpy.sin` say.
            *inputs: values of this graph; anything else becomes a constant.
            **attributes: keyword arguments of that function.

        Returns:
            The output; a list of them if there are several.

        Raises:
            GraphError: there is no such function, or it refuses these types.
        """
        from jaxgrad.graph._callables import output_types

        constant = self.insert_constant
        values = [v if isinstance(v, Value) else constant(v) for v in inputs]
        found = output_types(kind, values, attributes)
        node = self.create(kind, values, len(found))
        node._attributes = dict(attributes)
        for value, type_ in zip(node._outputs, found, strict=True):
            value._type = type_
        self.insert_node(node)
        return node.output() if len(found) == 1 else node.outputs()

    def insert_graph(self, graph: Graph, inputs: Sequence[Value]) -> list[Value]:
        """Copy the nodes of another graph to the insert point.

        Args:
            graph: the other graph.
            inputs: values of this graph for the inputs of the other.

        Returns:
            The values of this graph for the outputs of the other.

        Raises:
            GraphError: wrong number of inputs.
        """
        if len(inputs) != len(graph.inputs()):
            raise GraphError(
                f"insert_graph expected {len(graph.inputs())} inputs; got "
                f"{len(inputs)}."
            )
        given = map(self._block._end._check_operand, inputs)
        known = dict(zip(graph.inputs(), given, strict=True))
        for node in copy_nodes(graph.nodes(), self, known.__getitem__, known):
            self.insert_node(node)
        return [known[value] for value in graph.outputs()]

    # --- the insert point -------------------------------------------------------------

    def insert_point(self) -> Node:
        """The node before which `insert_node` puts new ones."""
        return self._insert_point

    def set_insert_point(self, place: Node | Block) -> None:
        """Insert before a node from now on, or at the end of a block."""
        node = place._end if isinstance(place, Block) else place
        if node._block is None or node._graph is not self:
            raise GraphError("The insert point has to be in a block of this graph.")
        self._insert_point = node

    @contextlib.contextmanager
    def insert_point_guard(self, place: Node | Block) -> Iterator[None]:
        """Insert before a node, or at the end of a block, inside this context."""
        before = self._insert_point
        self.set_insert_point(place)
        try:
            yield
        finally:
            # What was destroyed inside is no place any more.
            gone = isinstance(before, DestroyedNode) or before._block is None
            self._insert_point = self._block._end if gone else before

    # --- the whole --------------------------------------------------------------------

    def copy(self) -> Graph:
        """A graph that is equal and shares nothing that can be edited."""
        new = Graph()
        copy_graph(self, new)
        return new

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Graph:
        return self.copy()

    # --- bookkeeping ------------------------------------------------------------------

    def _new_block(self, owner: Node, editable: bool) -> Block:
        return Block(self, owner, editable)

    @contextlib.contextmanager
    def _importing(self) -> Iterator[None]:
        """What is built inside was there all along, and is no edit."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def _edited(self, block: Block | None) -> None:
        """Count an edit in `block`; GraphError if it must not be edited."""
        if self._quiet:
            return
        self._version += 1
        while block is not None and block._owner is not None:
            owner = block._owner
            if not block._editable:
                raise GraphError(
                    f"The blocks of {owner._kind} can't be edited: they show what its "
                    "derivative rule, or its compiler, was given.\n"
                    "  Edit a node outside it, or replace the whole node."
                )
            owner._changed = True
            block = owner._block
