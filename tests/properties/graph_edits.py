"""Random legal edits of a random graph, made in the steps beside it too.

- `edit`: makes one.
"""

import numpy as np

from jaxgrad.graph import Graph, Node, Value
from tests.properties.graph_builder import NAMES, Builder
from tests.properties.graph_steps import Case, substitute


def edit(builder: Builder, case: Case) -> None:
    """Make one legal edit of a graph that was just built."""
    builder.pick(_EDITS)(builder, case)


def everything(graph: Graph) -> list[Node]:
    """All nodes, at any depth, in order."""
    found, todo = [], graph.nodes()[::-1]
    while todo:
        node = todo.pop()
        found.append(node)
        inner = [n for block in node.blocks() for n in block.nodes()]
        todo += inner[::-1]
    return found


def _number(builder: Builder, value: Value) -> int:
    """The number of a value; -1 if it was made by an edit."""
    return next((n for n, v in builder.values.items() if v is value), -1)


def _top(node: Node) -> Node:
    """The node of the outermost block that holds a node."""
    while True:
        block = node.owning_block()
        assert block is not None
        owner = block.owning_node()
        if owner is None:
            return node
        node = owner


def _used(node: Node) -> list[Value]:
    inner = [
        n for block in node.blocks() for n in (*block.nodes(), block.return_node())
    ]
    return [*node.inputs(), *(v for n in inner for v in _used(n))]


def _move(builder: Builder, case: Case) -> None:
    """Move a node without effects as far as what it uses and its users allow."""
    nodes = case.graph.nodes()
    movable = [n for n in nodes if not n.has_side_effects()]
    if not movable:
        return
    node = builder.pick(movable)
    places = {n: i for i, n in enumerate(nodes)}
    makers = [_top(v.node()) for v in _used(node) if v.node().kind() != "prim::Param"]
    first = max((places[n] for n in makers if n is not node), default=-1) + 1
    users = [_top(u.user) for v in node.outputs() for u in v.uses()]
    last = min((places[n] for n in users if n in places), default=len(nodes))
    there = first + builder.below(last - first) if last > first else first
    target = nodes[there] if there < len(nodes) else case.graph.return_node()
    if builder.chance(2) or target is case.graph.return_node():
        node.move_before(target)
    elif there < last:
        node.move_after(target)


def _clone(builder: Builder, case: Case) -> None:
    """Put a copy of a node in its place, or leave both."""
    pure = [n for n in case.graph.nodes() if not n.has_side_effects()]
    if not pure:
        return
    node = builder.pick(pure)
    clone = case.graph.create_clone(node, lambda v: v).insert_after(node)
    if builder.chance(2):
        numbers = [_number(builder, v) for v in node.outputs()]
        node.replace_all_uses_with(clone)
        node.destroy()
        for number, value in zip(numbers, clone.outputs(), strict=True):
            builder.values[number] = value


def _replace(builder: Builder, case: Case) -> None:
    """Use an earlier value of the same type instead of another."""
    made = [v for n in case.graph.nodes() for v in n.outputs() if n.kind()[:3] != "pri"]
    made = [v for v in made if str(v.type()).startswith("f32[")]
    made = [v for v in made if _number(builder, v) >= 0]
    if not made:
        return
    old = builder.pick(made)
    earlier = [v for v in case.graph.inputs() if v.type() == old.type()]
    earlier += [
        v for v in made if v.type() == old.type() and old.node().is_after(v.node())
    ]
    if not earlier:
        return
    new = builder.pick(earlier)
    numbers = [_number(builder, v) for v in (old, new)]
    old.replace_all_uses_with(new)
    substitute(case.steps, *numbers)
    case.slope = None


def _destroy(builder: Builder, case: Case) -> None:
    """Destroy a node that nobody needs."""
    nodes = [n for n in case.graph.nodes() if not n.has_uses()]
    nodes = [n for n in nodes if not n.has_side_effects()]
    if nodes:
        builder.pick(nodes).destroy()


def _erase_input(builder: Builder, case: Case) -> None:
    unused = [i for i, v in enumerate(case.graph.inputs()) if not v.uses()]
    unused = [i for i in unused if case.graph.inputs()]
    if unused:
        i = builder.pick(unused)
        number = _number(builder, case.graph.inputs()[i])
        case.graph.erase_input(i)
        case.steps.inputs.remove(number)
        _prune(case, number)


def _prune(case: Case, number: int) -> None:
    """Take away the steps of destroyed nodes that used a value."""
    gone = {number}
    kept = []
    for step in case.steps.steps:
        if gone & set(step.operands):
            gone |= set(step.results)
        else:
            kept.append(step)
    case.steps.steps[:] = kept


def _permute(builder: Builder, case: Case) -> None:
    order = list(range(len(case.graph.inputs())))
    for i in range(len(order) - 1):
        j = i + builder.below(len(order) - i)
        order[i], order[j] = order[j], order[i]
    case.graph.permute_inputs(order)
    case.steps.inputs[:] = [case.steps.inputs[i] for i in order]


def _name(builder: Builder, case: Case) -> None:
    values = [v for n in everything(case.graph) for v in n.outputs()]
    values += case.graph.inputs()
    if values:
        builder.pick(values).set_debug_name(builder.pick(NAMES))


def _insert(builder: Builder, case: Case) -> None:
    """Insert a node that nobody needs, anywhere."""
    blocks = [b for n in everything(case.graph) for b in n.blocks()]
    place = builder.pick([*case.graph.nodes(), *blocks, case.graph.block()])
    with case.graph.insert_point_guard(place):
        half = case.graph.insert_constant(np.float32(0.5))
        case.graph.insert("lax::mul", half, half)


def _outputs(builder: Builder, case: Case) -> None:
    """Return one output fewer, or an input once more."""
    if case.graph.outputs() and builder.chance(2):
        i = builder.below(len(case.graph.outputs()))
        case.graph.erase_output(i)
        del case.steps.outputs[i]
    elif case.graph.inputs():
        value = builder.pick(case.graph.inputs())
        case.graph.register_output(value)
        case.steps.outputs.append(_number(builder, value))
        case.slope = None if case.slope is None else case.slope + 1


_EDITS = (
    *(_move, _move, _clone, _replace, _destroy, _erase_input),
    *(_permute, _name, _insert, _outputs),
)
