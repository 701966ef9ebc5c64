"""What each kind of node does: one function each, by kind.

Each takes the session, the frame, the node and its inputs, and returns its output; its
outputs, where the kind has several.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxgrad.graph import Node, PythonOp
from jaxgrad.graph._callables import resolve
from jaxgrad.lower.script import _calls, _raising
from jaxgrad.lower.script._branch import Paths, choose
from jaxgrad.lower.script._closure import Closure
from jaxgrad.lower.script._items import set_item, traced_key
from jaxgrad.lower.script._iterate import Counted, iterator_of
from jaxgrad.lower.script._loop import loop
from jaxgrad.lower.script._native import native
from jaxgrad.lower.script._program import Origins
from jaxgrad.lower.script._run import (
    RULES,
    complaint,
    names_of,
    roots_of,
    run_block,
)
from jaxgrad.lower.script._segment import is_open, length_of, whole
from jaxgrad.lower.script._session import Frame, LoopOptions, Session
from jaxgrad.lower.script._values import (
    SPECIAL,
    Cell,
    Maybe,
    Text,
    Undefined,
    holds_traced,
    is_traced,
    truth,
)

Values = list[Any]


def callable_node(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    """A `py::` or `lax::` node: the call of a library function."""
    callee = session.host.resolved(node._kind, resolve)
    attributes = dict(node._attributes)
    args, kwargs = _calls.arrange(values, attributes.pop("layout", None))
    return native(session, callee, args, {**attributes, **kwargs})


def _constant(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return node._attributes["value"]


def _global(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return session.host.lookup(session, frame, node._attributes["name"])


def _uninitialized(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    attributes = node._attributes
    line = attributes.get("deleted")
    why = "" if line is None else f"line {line} deletes it"
    name, exits = attributes.get("name", "a value"), attributes.get("exits", 0)
    return Undefined(name, why, exits)


def _reached(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    """A variable where no exit was met, so that a path that left it out is past."""
    (value,) = values
    past = isinstance(value, Maybe) and (value.exits or "sure" in node._attributes)
    return value.value if past else value


def _cell(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return Cell(node._attributes["name"], values[0])


def _cell_get(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    found = values[0].contents
    if isinstance(found, SPECIAL):
        raise complaint(session, found, session.place)
    return found


def _cell_set(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    values[0].contents = values[1]


def _get(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return _calls.get_attribute(session, values[0], node._attributes["name"])


def _set(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    owner, value, *old = values
    if not (old and value is old[0]):
        _calls.set_attribute(session, owner, node._attributes["name"], value)


def _set_item(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    owner, index, value, *old = values
    if old and value is old[0]:
        return owner
    return set_item(session, owner, index, value)


def _unchanged(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    old, new = values
    if old is not new:
        name = node._attributes["name"]
        raise session.error(
            f"an element of {name!r} can't be stored: arrays are immutable, and "
            "nothing here can be bound to the new one",
            "bind the array to a local variable first",
        )


def _tuple(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return tuple(_spread(node, values))


def _list(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return _spread(node, values)


def _set_display(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    found = _spread(node, values)
    if any(map(is_traced, found)):
        raise session.error(
            "a set can't hold traced values: their hash is not known",
            "use a list",
        )
    return set(found)


def _spread(node: Node, values: Values) -> Values:
    stars = node._attributes.get("stars", ())
    found: Values = []
    for i, value in enumerate(values):
        if i in stars:
            found += list(iterator_of(value))
        else:
            found.append(value)
    return found


def _dict(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    merged = node._attributes.get("merged", ())
    found: dict[Any, Any] = {}
    for i in range(len(values) // 2):
        key, value = values[2 * i], values[2 * i + 1]
        if i in merged:
            found.update(value)
        elif is_traced(key):
            raise traced_key(session, key)
        else:
            found[key] = value
    return found


def _unpack(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    iterator = iterator_of(values[0])
    found = list(iterator)
    count, star = len(node._outputs), node._attributes.get("star")
    if star is None:
        if len(found) != count:
            few = len(found) < count
            got = f"expected {count}" + (f", got {len(found)}" if few else "")
            raise ValueError(
                f"{'not enough' if few else 'too many'} values to unpack ({got})"
            )
        return found
    after = count - star - 1
    if len(found) < count - 1:
        raise ValueError(
            f"not enough values to unpack (expected at least {count - 1}, got "
            f"{len(found)})"
        )
    middle = found[star : len(found) - after]
    return [*found[:star], middle, *found[len(found) - after :]]


_CHEAP = frozenset(
    {"prim::Constant", "prim::Global", "prim::GetAttr", "prim::CellGet"}
    | {
        f"py::operator.{name}"
        for name in (
            *("lt", "le", "gt", "ge", "eq", "ne", "is_", "is_not", "not_", "and_"),
            *("or_", "xor", "invert", "add", "sub", "mul", "neg", "pos", "getitem"),
        )
    }
)


def _is_cheap(block: Any) -> bool:
    """Whether a block may as well be run where its value is not asked for."""
    return all(
        n._kind in _CHEAP
        or (
            n._kind == "prim::If"
            and "logical" in n._attributes
            and all(map(_is_cheap, n.blocks()))
        )
        for n in block.nodes()
    )


def _if(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    given = values[0]
    condition = length_of(given) != 0 if is_open(given) else truth(given)
    blocks = node._blocks or []
    if not is_traced(condition):
        return run_block(session, frame, blocks[0 if condition else 1])
    word = node._attributes.get("logical")
    if word is not None and len(node._outputs) == 1:
        arm = blocks[0 if word == "and" else 1]
        plain = node._attributes.get("truth") or values[0].dtype == jnp.bool_
        if plain and _is_cheap(arm):
            (other,) = run_block(session, frame, arm)
            bare = node._attributes.get("truth") or _is_bool(other)
            if bare:
                join = jnp.logical_and if word == "and" else jnp.logical_or
                return [join(condition, truth(other))]
    place = node.source_range()
    origins = frame.program.origins.get(node, Origins(((), ())))
    whats = origins.paths or ("the if-branch", "the else-branch")
    paths = Paths(names_of(node._outputs), whats, origins.places, place)
    runs = [lambda b=b: run_block(session, frame, b) for b in blocks]
    return choose(session, condition, runs, roots_of(session, frame, node), paths)


def _is_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    return getattr(value, "dtype", None) == jnp.bool_ and getattr(value, "ndim", 1) == 0


def _iterate(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    (value,) = values
    content = getattr(value, "_content", None)  # what a ScriptList holds
    value = content if type(content) is list else value
    if is_open(value):
        buffer = whole(session, value)
        return [Counted(buffer.stack, buffer.count), buffer.count]
    iterator = iterator_of(_calls.iterable(session, value))
    return [iterator, iterator.length]


def _item(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    return frame.items[node._inputs[0]]


def _with(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    (manager,) = values
    body = node.blocks()[0]
    enter = body._param._outputs[0]
    if isinstance(manager, LoopOptions):
        frame.env[enter] = manager
        frame.loops.append(manager)
        try:
            return run_block(session, frame, body)
        finally:
            frame.loops.pop()
    call = _calls.call_method
    place = session.place
    frame.env[enter] = call(session, manager, "__enter__", [], {})
    try:
        found = run_block(session, frame, body)
    except BaseException as error:
        what = (type(error), error, error.__traceback__)
        raised = session.place
        if call(session, manager, "__exit__", list(what), {}):
            raise session.error(
                f"this context manager swallows a {type(error).__name__}, which "
                "compiled code can't",
                "test for the case with `if`, or put the `with` round the call of the "
                "scripted function",
                place,
                [("raised here", raised)],
            ) from error
        raise
    call(session, manager, "__exit__", [None, None, None], {})
    return found


def _closure(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    attributes = node._attributes
    program, names = session.program_of(node), attributes["defaults"]
    count = len(program.captures)
    defaults = dict(zip(names, values[count:], strict=True))
    static = (program, session, frame.function, tuple(defaults))
    return Closure(static, [*values[:count], *defaults.values()])


def _call(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    callee, *rest = values
    args, kwargs = _calls.arrange(rest, node._attributes.get("layout"))
    return _calls.call(session, callee, args, kwargs)


def _method(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    owner, *rest = values
    args, kwargs = _calls.arrange(rest, node._attributes.get("layout"))
    return _calls.call_method(session, owner, node._attributes["name"], args, kwargs)


def _python_op(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    assert isinstance(node, PythonOp)
    node.lint_python()
    arrays, scalars = iter(values), iter(node.scalar_args)
    args = [next(arrays if letter == "d" else scalars) for letter in node.cconv]
    return native(session, node.pyobj, args, {})


def _assert(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    block = node.blocks()[0]
    place = session.place

    def message() -> Any:
        found = run_block(session, frame, block)
        session.place = place
        return found[0] if found else None

    _raising.check(session, truth(values[0]), message)


def _raise(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    _raising.raise_exception(session, values[0])


def _format(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    rest = iter(values)
    parts: list[Any] = []
    for entry in node._attributes["layout"]:
        if isinstance(entry, str):
            parts.append(entry)
            continue
        conversion, has_spec = entry
        value = next(rest)
        spec = next(rest) if has_spec else ""
        parts.append((value, conversion, spec))
    if any(holds_traced(p[0]) for p in parts if not isinstance(p, str)):
        return Text(tuple(parts))
    return _raising.formatted(parts, [])


def _super(session: Session, frame: Frame, node: Node, values: Values) -> Any:
    cls = session.host.lookup(session, frame, "__class__")
    return super(cls, values[0])


RULES |= {
    "": callable_node,
    "prim::Assert": _assert,
    "prim::CallFunction": _call,
    "prim::CallMethod": _method,
    "prim::CellCreate": _cell,
    "prim::CellGet": _cell_get,
    "prim::CellSet": _cell_set,
    "prim::Closure": _closure,
    "prim::Constant": _constant,
    "prim::DictConstruct": _dict,
    "prim::Format": _format,
    "prim::GetAttr": _get,
    "prim::Global": _global,
    "prim::If": _if,
    "prim::Item": _item,
    "prim::Iterate": _iterate,
    "prim::ListConstruct": _list,
    "prim::Loop": loop,
    "prim::PythonOp": _python_op,
    "prim::RaiseException": _raise,
    "prim::Reached": _reached,
    "prim::SetAttr": _set,
    "prim::SetConstruct": _set_display,
    "prim::SetItem": _set_item,
    "prim::Super": _super,
    "prim::TupleConstruct": _tuple,
    "prim::TupleUnpack": _unpack,
    "prim::Unchanged": _unchanged,
    "prim::Uninitialized": _uninitialized,
    "prim::Use": lambda session, frame, node, values: values[0],
    "prim::With": _with,
}
