"""Selective lowering: named nodes of a graph on a backend, the rest as before."""

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad.errors import BackendError
from jaxgrad.graph import Graph, Node, PythonOp, Value
from jaxgrad.lower import _lowered
from jaxgrad.lower._backend import Prepared, is_traced
from jaxgrad.lower._registry import get

Lower = Callable[[Callable[..., Any], tuple[Any, ...]], Any]


class SelectiveFunction:
    """A function with some of its nodes on a backend; `to_backend_selective` makes it.

    Attributes:
        graph: The graph, in which each of these nodes calls what it was lowered to.
        lowered: What it was lowered to, by the name that was asked for.
    """

    def __init__(
        self,
        original: Any,
        graph: Graph,
        lowered: dict[str, Any],
        spec: tuple[Any, ...],
    ) -> None:
        """Keeps the edited graph beside the function that it was made of."""
        self.graph = graph
        self.lowered = lowered
        self._original = original
        self._spec = spec
        self.__name__ = getattr(original, "__name__", "graph")
        if isinstance(original, Graph):
            self._run: Any = jax.jit(_lowered.graph_function(graph))
        else:
            self._run = copy.copy(original)
            self._run.graph = graph
        self._traceable = all(map(_is_traceable, lowered.values()))

    def __call__(self, *args: Any) -> Any:
        """Runs the function: compiled, if what its nodes are lowered to can be traced.

        Returns:
            What the function returns; for a graph its output, or a tuple of them.

        Raises:
            BackendError: If the backend of a node is not available here.
        """
        if self._traceable or is_traced(args):
            return self._run(*args)
        with jax.disable_jit():
            return self._run(*args)

    def save(self, path: Any, *, vjp_order: int = 1) -> None:
        """Writes the whole function as one portable program.

        Args:
            path: A path, or an open binary file.
            vjp_order: How often what is loaded can be differentiated.

        Raises:
            BackendError: If there are no example arguments to export it for.
        """
        if not self._spec and self.graph.inputs():
            raise BackendError(
                "save needs to know the arguments: give examples to "
                "to_backend_selective(fn, backend, names, *examples)."
            )
        fn = _lowered.as_callable(self._original)
        needs = {getattr(one, "name", "stablehlo") for one in self.lowered.values()}
        whole = {_lowered.CALL: Prepared(fn, self._spec)}
        _lowered.write(path, "stablehlo", needs, whole, vjp_order)

    def __repr__(self) -> str:
        """The function and its lowered nodes."""
        pairs = ", ".join(f"{name}: {one!r}" for name, one in self.lowered.items())
        return f"<SelectiveFunction {self.__name__} with {pairs}>"


def to_backend_selective(
    fn: Any,
    backend: str | Lower,
    node_names: Sequence[str],
    *examples: Any,
) -> SelectiveFunction:
    """Lowers named nodes of a graph for a backend, and leaves the others as they are.

    Args:
        fn: A traced function, or a Graph.
        backend: The name of a backend; or what is called with each node as a function
            of its inputs and their types, and returns a callable.
        node_names: For each node the name of one of its outputs (`y`), its kind
            (`lax::sin`), or the name of the Function that it applies.
        *examples: Example arguments, for saving, and where the graph has no types.

    Returns:
        A callable with the arguments of `fn`. The graph of `fn` stays as it is.

    Raises:
        BackendError: If `fn` has no graph, a name is unknown or matches several nodes,
            or there is no such backend.

    Example:
        >>> from jaxgrad.graph import Graph, types
        >>> graph = Graph()
        >>> x = graph.add_input("x").set_type(types.parse("f32[2]"))
        >>> y = graph.insert("lax::sin", x).set_debug_name("y")
        >>> graph.register_output(graph.insert("lax::mul", y, x))
        0
        >>> mixed = to_backend_selective(graph, "stablehlo", ["y"])
        >>> mixed.lowered
        {'y': <LoweredFunction y on stablehlo>}
    """
    graph = fn if isinstance(fn, Graph) else getattr(fn, "graph", None)
    if not isinstance(graph, Graph):
        raise BackendError(
            f"to_backend_selective needs a graph; got {type(fn).__name__}.\n"
            "  Trace it first: jaxgrad.trace(fn, *examples)."
        )
    if isinstance(node_names, str):
        node_names = [node_names]
    lower: Lower
    if callable(backend):
        lower = backend
    else:
        get(backend)
        lower = lambda node, spec: _lowered.to_backend(backend, node, spec)  # noqa: E731
    edited = graph.copy()
    # All are found before the first is replaced.
    nodes = [_find(edited, name) for name in node_names]
    same = [n for i, n in enumerate(node_names) if nodes[i] in nodes[:i]]
    if same:
        raise BackendError(f"the node {same[0]!r} is named twice in {node_names}.")
    specs = [_spec(edited, node, fn, examples) for node in nodes]
    lowered = {}
    for name, node, spec in zip(node_names, nodes, specs, strict=True):
        lowered[name] = lower(_as_function(node, _bare(name)), spec)
        _replace(edited, node, lowered[name], _bare(name))
    edited.lint()
    return SelectiveFunction(fn, edited, lowered, examples)


def _find(graph: Graph, name: str) -> Node:
    nodes = [node for node in graph.nodes() if node.kind() != "prim::Constant"]
    for matches in (_makes, _is_kind):
        found = [node for node in nodes if matches(node, _bare(name))]
        if len(found) == 1:
            return found[0]
        if found:
            outputs = ", ".join(map(_label, found))
            raise BackendError(
                f"the name {name!r} matches {len(found)} nodes: {outputs}.\n"
                "  Give the name of an output of one of them."
            )
    there = ", ".join(map(_label, nodes)) or "none"
    raise BackendError(f"the graph has no node {name!r}.\n  Its nodes are {there}.")


def _makes(node: Node, name: str) -> bool:
    return name in [value.debug_name() for value in node.outputs()]


def _is_kind(node: Node, name: str) -> bool:
    return name == node.kind() or (isinstance(node, PythonOp) and name == node.name())


def _bare(name: str) -> str:
    return name.removeprefix("%").removeprefix("^")


def _label(node: Node) -> str:
    kind = f"^{node.name()}" if isinstance(node, PythonOp) else node.kind()
    outputs = " ".join(f"%{value.debug_name()}" for value in node.outputs())
    return f"{outputs} = {kind}" if outputs else kind


def _operands(node: Node) -> list[Value]:
    """The inputs that are computed, once each; constants go with the node."""
    return [v for v in dict.fromkeys(node.inputs()) if not _is_constant(v)]


def _is_constant(value: Value) -> bool:
    return value.node().kind() == "prim::Constant"


def _as_function(node: Node, name: str) -> Callable[..., Any]:
    """The node alone, as a function of what it computes with."""
    alone = Graph()
    known = {v: alone.add_input(None, v.type()) for v in _operands(node)}
    for value in dict.fromkeys(node.inputs()):
        if _is_constant(value):
            constant = alone.create_clone(value.node(), known.__getitem__)
            known[value] = alone.append_node(constant).output()
    clone = alone.append_node(alone.create_clone(node, known.__getitem__))
    for value in clone.outputs():
        alone.register_output(value)
    function = _lowered.graph_function(alone)
    function.__name__ = function.__qualname__ = name
    return function


def _spec(
    graph: Graph, node: Node, fn: Any, examples: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The types of what a node computes with, from the graph or from the examples."""
    operands = _operands(node)
    avals: list[Any] = [getattr(value.type(), "aval", None) for value in operands]
    if None in avals:
        if not isinstance(fn, Graph) or len(examples) != len(graph.inputs()):
            raise BackendError(
                f"the types of what {_label(node)} computes with are not known.\n"
                "  Give one example for each input of the graph."
            )
        avals = _types_of(graph, operands, examples)
    return tuple(
        jax.ShapeDtypeStruct(a.shape, a.dtype, weak_type=getattr(a, "weak_type", False))
        for a in avals
    )


def _types_of(
    graph: Graph, values: Sequence[Value], examples: tuple[Any, ...]
) -> list[Any]:
    from jaxgrad.lower import run

    known = dict(zip(graph.inputs(), map(jax.typeof, examples), strict=True))
    wanted = [value for value in values if value not in known]
    count = len(graph.outputs())
    for value in wanted:
        graph.register_output(value)
    try:
        found = jax.eval_shape(lambda *xs: run(graph, *xs)[count:], *examples)
    finally:
        for _ in wanted:
            graph.erase_output(count)
    known |= dict(zip(wanted, found, strict=True))
    return [known[value] for value in values]


def _replace(graph: Graph, node: Node, target: Any, name: str) -> None:
    """Puts a call of `target` where the node is."""
    operands = _operands(node)
    call = graph.create_python_op(_named(target, name), "d" * len(operands), [])
    for value in operands:
        call.add_input(value)
    outputs = node.outputs()
    for _ in outputs[1:]:
        call.add_output()
    call.insert_before(node)
    call.copy_metadata(node)
    for old, new in zip(outputs, call.outputs(), strict=True):
        new.set_type_as(old)
        if old.has_debug_name():
            new.set_debug_name(old.debug_name())
        old.replace_all_uses_with(new)
    node.destroy()


def _named(target: Any, name: str) -> Any:
    """What is called, with a name by which the graph prints it."""
    if not getattr(target, "__name__", ""):
        with contextlib.suppress(AttributeError):
            target.__name__ = name
    return target


def _is_traceable(lowered: Any) -> bool:
    backend = getattr(lowered, "backend", lowered)
    return bool(getattr(backend, "traceable", False))
