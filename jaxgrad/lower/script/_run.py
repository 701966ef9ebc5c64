"""The interpreter of `py::` graphs: one node after the other, on Python values.

What a node does to traced values JAX stages; what it does to Python values happens
while the program is traced. Conditions and trip counts that are known are followed;
others make regions (`_branch`, `_loop`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.graph import Block, Node, Value
from jaxgrad.lower.script._explained import explained
from jaxgrad.lower.script._places import narrowed
from jaxgrad.lower.script._program import Program
from jaxgrad.lower.script._segment import is_growing
from jaxgrad.lower.script._session import Frame, Session
from jaxgrad.lower.script._values import SPECIAL, Clash, Maybe, Undefined

Rule = Callable[[Session, Frame, Node, list[Any]], Any]
# What each kind does; "" stands for those of libraries. `_kinds` fills it, whose rules
# run blocks.
RULES: dict[str, Rule] = {}
# Kinds that hand on what they are given, whatever it is.
_LENIENT = frozenset(
    {"prim::CellCreate", "prim::CellSet", "prim::Closure", "prim::Reached"}
)


def run_program(
    session: Session, program: Program, function: Any, values: Sequence[Any]
) -> Any:
    """What a program returns.

    Args:
        session: the session.
        program: the program.
        function: the live function that it is the source of, for globals; None if none.
        values: the captured values, then those of the parameters.

    Returns:
        The value that it returns.

    Raises:
        ScriptError: what it returns has no value on some path.
    """
    graph = program.graph
    env = dict(zip(graph.block()._param._outputs, values, strict=True))
    frame = Frame(program, function, env, {}, [])
    before = session.place
    (result,) = run_block(session, frame, graph.block())
    session.place = before
    if isinstance(result, Maybe):
        result = result.value
    if isinstance(result, SPECIAL):
        place = graph.outputs()[0].node().source_range()
        error = complaint(session, result, place or program.place, used=False)
        raise error
    return result


def names_of(values: Sequence[Any]) -> list[str]:
    """The variables that graph values stand for."""
    known = {"_ret": "$ret", "_status": "$status"}
    found = []
    for value in values:
        name = value.debug_name().partition(".")[0] if value.has_debug_name() else ""
        found.append(known.get(name, name) or "$value")
    return found


def run_block(session: Session, frame: Frame, block: Block) -> list[Any]:
    """Run the nodes of a block.

    Returns:
        The values of its outputs.
    """
    env = frame.env
    node: Any = block._end._next
    end = block._end
    while node is not end:
        run_node(session, frame, node, [env[v] for v in node._inputs])
        node = node._next
    return [env[v] for v in end._inputs]


def run_node(session: Session, frame: Frame, node: Node, values: list[Any]) -> None:
    """Run one node, and keep its outputs."""
    kind = node._kind
    if node._source is not None:
        session.place = node._source
    lenient = kind in _LENIENT
    count = len(values) if kind != "prim::Loop" else 2
    for value in values[:count]:
        if isinstance(value, SPECIAL) and not lenient:
            raise complaint(session, value, session.place)
    rule = RULES.get(kind) or RULES[""]
    try:
        if any(map(is_growing, values)):
            check_growing(session, node, values)
        result = rule(session, frame, node, values)
    except Exception as error:
        placed = _placed(session, frame, node, error)
        cause = error.__cause__ if placed is error else error
        raise placed from cause
    outputs = node._outputs
    if len(outputs) == 1 and kind not in _MANY:
        frame.env[outputs[0]] = result
    elif outputs:
        frame.env.update(zip(outputs, result, strict=True))


# What may be done with a list that the loop around appends to.
_APPENDS = frozenset({"append", "extend"})
_HANDS_ON = frozenset(
    {"prim::CallFunction", "prim::CellCreate", "prim::CellSet", "prim::Closure"}
    | {"prim::DictConstruct", "prim::ListConstruct", "prim::Loop", "prim::SetAttr"}
    | {"prim::TupleConstruct", "prim::Use", "prim::Reached", "prim::With"}
)


def check_growing(session: Session, node: Node, values: Sequence[Any]) -> None:
    """Refuse to look into a list that the loop around appends to.

    Raises:
        ScriptError: the node does more than appending.
    """
    name = node._attributes.get("name")
    appends = node._kind == "prim::CallMethod" and name in _APPENDS
    if appends and not any(map(is_growing, values[1:])):
        return
    if node._kind not in _HANDS_ON:
        raise session.needs_python(
            "its body reads a list that it appends to",
            "the loop around reads a list that it appends to, whose elements of "
            "earlier rounds are out of reach",
            "keep what the next round needs in a variable of its own",
        )


_MANY = frozenset(
    {"prim::If", "prim::Loop", "prim::With", "prim::TupleUnpack", "prim::Iterate"}
)


def _placed(session: Session, frame: Frame, node: Node, error: Exception) -> Exception:
    """The error, with the place in the script that it comes from."""
    place = node._source
    if place is not None and not getattr(error, "_placed", False):
        session.place = place
        error = explained(session, frame, node, error)
        if not isinstance(error, SyntaxError):
            error.add_note(f"In {place.text()}\n{place.highlight()}")
        with contextlib.suppress(AttributeError):  # an exception without a dict
            error._placed = True  # type: ignore[attr-defined]
    return error


def complaint(session: Session, value: Any, place: Any, used: bool = True) -> Exception:
    """The error for the use of what is no value; `used`: something uses it there."""
    if isinstance(value, Clash):
        places = [(what, where) for what, where in value.places if where is not None]
        first = places[0][1] if places else place
        also = [(f"the value in {what}", at) for what, at in places if at != first]
        if used and place != first:
            also.append(("used here", place))
        return session.error(value.message, value.remedy, first, also)
    name = value.name
    place = None if place is None else narrowed(place, name)
    if isinstance(value, Undefined):
        why = f": {value.why}" if value.why else ""
        message = f"{name!r} has no value here{why}"
        return session.error(message, "bind it before this line", place)
    return session.error(
        f"{name!r} may have no value here: {value.why}",
        "bind it on every path, before the branch or the loop",
        place,
    )


def free_values(session: Session, node: Node) -> list[Value]:
    """The values that the blocks of a node use and don't make."""
    found = session.free.get(node)
    if found is None:
        used: dict[Value, None] = {}
        made: set[Value] = set()
        for block in node._blocks or ():
            _uses(block, used, made)
        found = session.free[node] = [v for v in used if v not in made]
    return found


def _uses(block: Block, used: dict[Value, None], made: set[Value]) -> None:
    made.update(block._param._outputs)
    node: Any = block._end._next
    while node is not block._end:
        used.update(dict.fromkeys(node._inputs))
        made.update(node._outputs)
        for inner in node._blocks or ():
            _uses(inner, used, made)
        node = node._next
    used.update(dict.fromkeys(block._end._inputs))


def roots_of(session: Session, frame: Frame, node: Node) -> list[Any]:
    """What leads to the objects that the blocks of a node can reach."""
    env = frame.env
    return [env[v] for v in free_values(session, node) if v in env]
