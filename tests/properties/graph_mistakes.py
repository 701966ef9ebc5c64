"""Random mistakes in editing a random graph, and that each of them is refused.

- `MISTAKES`: by name, edits that break a rule.
- `mistakes`: a strategy of graphs with a mistake.
- `refused`: makes it, and asserts that it is refused, or found by `lint`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np

from jaxgrad.errors import GraphError
from jaxgrad.graph import Graph, Node, PythonOp, Value, types
from tests.properties.graph_edits import everything
from tests.properties.graph_ops import Scaled
from tests.properties.graph_steps import Case
from tests.properties.graphs import graphs
from tests.properties.strategies import Draw


class Mistake(NamedTuple):
    """An edit that breaks a rule.

    Attributes:
        kind: a key of `MISTAKES`.
        case: the graph.
        choices: numbers that choose the place.
    """

    kind: str
    case: Case
    choices: tuple[int, ...]


class Chosen:
    """What a mistake is made with."""

    def __init__(self, graph: Graph, choices: tuple[int, ...]) -> None:
        self.graph = graph
        self.choices = list(choices)

    def pick(self, found: Any) -> Any:
        found = list(found)
        return found[self.choices.pop() % len(found)]

    def node(self) -> Node:
        return self.pick(everything(self.graph))

    def pair(self) -> tuple[Node, Node]:
        """A node of the outermost block that makes what a later one of it uses."""
        made = [
            (n, u.user)
            for n in self.graph.nodes()
            for v in n.outputs()
            for u in v.uses()
            if u.user.owning_block() is self.graph.block()
            and u.user is not self.graph.return_node()
        ]
        return self.pick(made)

    def of(self, kind: str) -> Any:
        return self.pick(self.graph.find_all_nodes(kind))

    def value(self) -> Value:
        return self.pick([*self.graph.inputs(), *(v for v in self.made())])

    def made(self) -> list[Value]:
        return [v for n in self.graph.nodes() for v in n.outputs()]

    def foreign(self) -> Value:
        copy = self.graph.copy()
        return self.pick(
            [*copy.inputs(), *(v for n in copy.nodes() for v in n.outputs())]
        )

    def destroyed(self) -> tuple[Node, Value]:
        value = self.graph.insert_constant(1.0)
        node = value.node()
        node.destroy()
        return node, value


def _before(c: Chosen) -> None:
    maker, user = c.pair()
    user.move_before(maker)


def _after(c: Chosen) -> None:
    maker, user = c.pair()
    maker.move_after(user)


def _itself(c: Chosen) -> None:
    node = c.pick([n for n in c.graph.nodes() if n.inputs() and n.outputs()])
    node.replace_input(0, node.outputs()[0])


def _outside(c: Chosen) -> None:
    inner = [v for n in c.graph.nodes() for b in n.blocks() for v in _in(b)]
    c.graph.register_output(c.pick(inner))


def _in(block: Any) -> list[Value]:
    return [*block.inputs(), *(v for n in block.nodes() for v in n.outputs())]


def _control(c: Chosen) -> Node:
    return c.pick(
        [*c.graph.find_all_nodes("prim::If"), *c.graph.find_all_nodes("prim::Loop")]
    )


def _more_results(c: Chosen) -> None:
    c.pick(_control(c).blocks()).register_output(c.graph.inputs()[0])


def _fewer_results(c: Chosen) -> None:
    blocks = [b for b in _control(c).blocks() if b.outputs()]
    c.pick(blocks).erase_output(0)


def _other_results(c: Chosen) -> None:
    """A result of a type that no value of these graphs has."""
    blocks = [b for b in _control(c).blocks() if b.outputs()]
    block = c.pick(blocks)
    odd = c.graph.add_input(None, types.parse("f32[7, 7]"))
    block.return_node().replace_input(-1, odd)


def _more_outputs(c: Chosen) -> None:
    _control(c).add_output(types.parse("f32[3]"))


def _more_blocks(c: Chosen) -> None:
    c.node().add_block().owning_node().add_block().owning_node().add_block()


def _block_inputs(c: Chosen) -> None:
    c.pick(_control(c).blocks()).add_input_to_block()


def _condition(c: Chosen) -> None:
    odd = c.graph.add_input(None, types.parse("f32[7, 7]"))
    node = _control(c)
    node.replace_input(0 if node.kind() == "prim::If" else c.pick([0, 1]), odd)


def _cconv(c: Chosen) -> None:
    node: Any = c.of("prim::PythonOp")
    letters = ["", "dcx", node.cconv + "d", node.cconv + "c", node.cconv[1:], 3]
    node.ival_("cconv", c.pick(letters))


def _scalars(c: Chosen) -> None:
    node: Any = c.of("prim::PythonOp")
    node.ival_("scalar_args", [*node.scalar_args, 1.0])


def _no_callable(c: Chosen) -> None:
    c.of("prim::PythonOp").ival_("pyobj", c.pick([None, 3, "Scaled"]))


def _removed(c: Chosen) -> None:
    c.of("prim::PythonOp").remove_input(0)


def _no_attribute(c: Chosen) -> None:
    name = c.pick(["pyobj", "cconv"])
    c.of("prim::PythonOp").remove_attribute(name)


def _foreign_input(c: Chosen) -> None:
    c.node().add_input(c.foreign())


def _foreign_output(c: Chosen) -> None:
    c.graph.register_output(c.foreign())


def _foreign_replace(c: Chosen) -> None:
    c.value().replace_all_uses_with(c.foreign())


def _foreign_created(c: Chosen) -> None:
    c.graph.insert("lax::neg", c.foreign())


def _foreign_place(c: Chosen) -> None:
    c.graph.create("lax::neg", [c.graph.inputs()[0]]).insert_before(
        c.graph.copy().return_node()
    )


def _foreign_moved(c: Chosen) -> None:
    c.pick(c.graph.nodes()).move_before(c.graph.copy().return_node())


def _destroyed_input(c: Chosen) -> None:
    c.node().add_input(c.destroyed()[1])


def _destroyed_output(c: Chosen) -> None:
    c.graph.register_output(c.destroyed()[1])


def _destroyed_use(c: Chosen) -> None:
    node, value = c.destroyed()
    uses: list[Callable[[], Any]] = [
        *(node.kind, node.inputs, node.destroy, node.outputs, value.type),
        *(value.debug_name, value.uses, lambda: value.set_debug_name("x")),
        lambda: c.graph.append_node(node),
        lambda: node.move_before(c.graph.return_node()),
        lambda: c.graph.set_insert_point(node),
        lambda: c.value().replace_all_uses_with(value),
        lambda: c.graph.insert("lax::neg", value),
    ]
    c.pick(uses)()


def _destroy_used(c: Chosen) -> None:
    c.pick([n for n in c.graph.nodes() if n.has_uses()]).destroy()


def _destroy_own(c: Chosen) -> None:
    c.pick([c.graph.param_node(), c.graph.return_node()]).destroy()


def _erase_used(c: Chosen) -> None:
    i = c.pick([i for i, v in enumerate(c.graph.inputs()) if v.uses()])
    c.graph.erase_input(i)


def _no_such(c: Chosen) -> None:
    g, node = c.graph, c.node()
    asks: list[Callable[[], Any]] = [
        lambda: node.inputs_at(99),
        lambda: node.outputs_at(-99),
        lambda: node.remove_input(99),
        lambda: node.replace_input(99, g.inputs()[0]),
        lambda: node.erase_output(99),
        lambda: g.erase_input(99),
        lambda: g.erase_output(-99),
        lambda: g.permute_inputs([0, 0]),
        lambda: g.permute_inputs(range(1, 9)),
        lambda: node.named_input("no such input"),
        lambda: node.i("no such attribute"),
        lambda: node.remove_attribute("no such attribute"),
        lambda: g.find_node("sin"),
        lambda: g.create("sin"),
        lambda: g.insert_point_guard(g.create("lax::neg")).__enter__(),
    ]
    c.pick(asks)()


def _bad_name(c: Chosen) -> None:
    c.value().set_debug_name(c.pick(["", "1", "a b", "%x", "a-b", 3, None, ".x"]))


def _twice(c: Chosen) -> None:
    c.node().insert_before(c.graph.return_node())


def _in_itself(c: Chosen) -> None:
    node = _control(c)
    node.move_before(c.pick(node.blocks()).return_node())


def _bad_insert(c: Chosen) -> None:
    g, x = c.graph, c.graph.inputs()[0]
    asks: list[Callable[[], Any]] = [
        lambda: g.insert("lax::no_such_function", x),
        lambda: g.insert("py::no_such_module.f", x),
        lambda: g.insert("lax::sin"),
        lambda: g.insert("lax::sin", x, x, x),
        lambda: g.insert("lax::sin", x, no_such_parameter=1),
        lambda: g.insert("lax::sin", "a text"),
        lambda: g.insert("lax::dot", g.add_input(None, types.parse("f32[5]")), x),
        lambda: g.insert("sin", x),
        lambda: g.insert("prim::If", x),
        lambda: g.insert("lax::sin", g.add_input()),
        lambda: g.insert_constant(object()),
    ]
    c.pick(asks)()


def _no_kind(c: Chosen) -> None:
    kinds = ["prim::Nothing", "prim::Param", "prim::Return", "::", "lax::"]
    c.graph.append_node(c.graph.create(c.pick(kinds), (), 0))


def _detached(c: Chosen) -> None:
    c.graph.register_output(c.graph.create("lax::neg", [c.value()]).output())


def _counts(c: Chosen) -> None:
    g, x = c.graph, c.graph.inputs()[0]
    whole = g.create("prim::TupleConstruct", [x, x])
    whole.output().set_type(types.TupleType([x.type()] * c.pick([0, 1, 3])))
    made = [whole, g.create("prim::Constant"), g.create("prim::If", [x], 0)]
    made.append(g.create("prim::CallFunction", [x]))
    g.append_node(c.pick(made))


def _no_type(c: Chosen) -> None:
    c.value().set_type(c.pick(["f32[3]", None, np.float32, 3]))


def _not_a_value(c: Chosen) -> None:
    c.node().add_input(c.pick([3, None, "x", c.graph.inputs()]))


def _own_node(c: Chosen) -> None:
    node = c.pick([c.graph.param_node(), c.graph.return_node()])
    node.move_before(c.pick(c.graph.nodes()))


MISTAKES: dict[str, Callable[[Chosen], Any]] = {
    function.__name__.strip("_"): function
    for function in (
        *(_before, _after, _itself, _outside, _more_results, _fewer_results),
        *(_other_results, _more_outputs, _more_blocks, _block_inputs, _condition),
        *(_cconv, _scalars, _no_callable, _removed, _no_attribute),
        *(_foreign_input, _foreign_output, _foreign_replace, _foreign_created),
        *(_foreign_place, _foreign_moved, _destroyed_input, _destroyed_output),
        *(_destroyed_use, _destroy_used, _destroy_own, _erase_used, _no_such),
        *(_bad_name, _twice, _in_itself, _bad_insert, _no_kind, _detached),
        *(_counts, _no_type, _not_a_value, _own_node),
    )
}


@st.composite
def mistakes(draw: Draw, kind: str) -> Mistake:
    """A legal graph that has room for a mistake, and the mistake."""
    case = draw(graphs(size=4, edits=1))
    choices = draw(st.lists(st.integers(0, 50), min_size=4, max_size=4))
    _make_room(case.graph)
    return Mistake(kind, case, tuple(choices))


def _make_room(graph: Graph) -> None:
    """Add what some mistakes need: an application, branches, a loop."""
    x = graph.add_input(None, types.parse("f32[3]"))
    op: PythonOp = graph.create_python_op(Scaled.apply, "dc", [2.0])
    op.add_input(x)
    y = graph.append_node(op).output().set_type(x.type())
    yes, three = graph.insert_constant(True), graph.insert_constant(3)
    chosen = graph.append_node(graph.create("prim::If", [yes], 0))
    for value in (x, y):
        block = chosen.add_block()
        with graph.insert_point_guard(block):
            block.register_output(graph.insert("lax::sin", value))
    repeated = graph.append_node(graph.create("prim::Loop", [three, yes, y], 0))
    block = repeated.add_block()
    block.add_input_to_block(None, types.parse("i32[]"))
    carried = block.add_input_to_block(None, x.type())
    block.register_output(yes)
    block.register_output(carried)
    for node in (chosen, repeated):
        graph.register_output(node.add_output(x.type()))


# These begin with a legal edit.
_TWO_EDITS = ("bad_insert", "foreign_created", "destroyed_use", "destroyed_input")


def refused(mistake: Mistake) -> None:
    """Assert that a mistake is a GraphError, at once or from `lint`, and no other."""
    graph = mistake.case.graph.copy()
    graph.lint()
    before = str(graph.copy())
    message = _error(lambda: MISTAKES[mistake.kind](Chosen(graph, mistake.choices)))
    if message is None:
        message = _error(graph.lint)
        assert message is not None, f"{mistake.kind} was accepted:\n{graph}"
    elif mistake.kind not in _TWO_EDITS:  # a refused edit changes nothing
        graph.lint()
        assert str(graph) == before
    assert len(message) > 20, message


def _error(edit: Callable[[], Any]) -> str | None:
    """The message of the GraphError that an edit raises, None if it raises none."""
    try:
        edit()
    except GraphError as error:
        return str(error)
    return None
