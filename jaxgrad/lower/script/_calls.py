"""Calls: which ones the interpreter follows into the source, and which it makes.

Functions, methods and classes of the user's own are interpreted, so that they may have
control flow on traced values as well; those of libraries are called as they are.
"""

from __future__ import annotations

import enum
import functools
import inspect
import operator
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.errors import ScriptError
from jaxgrad.lower.script._closure import Closure, run_closure
from jaxgrad.lower.script._hooks import behind, hooks_of, reached
from jaxgrad.lower.script._iterate import Iterator, iterator_of
from jaxgrad.lower.script._native import native
from jaxgrad.lower.script._places import call_at
from jaxgrad.lower.script._program import bind
from jaxgrad.lower.script._run import run_program
from jaxgrad.lower.script._segment import (
    append_open,
    has_segments,
    is_open,
    pop_open,
    spread,
    unknown_length,
)
from jaxgrad.lower.script._session import add_chain
from jaxgrad.lower.script._values import Text, holds_traced, is_array, is_traced

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


def arrange(
    values: Sequence[Any], layout: Sequence[str] | None
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call by position and by name."""
    if not layout:
        return list(values), {}
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for value, how in zip(values, layout, strict=True):
        if not how:
            args.append(value)
        elif how == "*":
            args += list(value)
        elif how == "**":
            kwargs.update(value)
        else:
            kwargs[how] = value
    return args, kwargs


def call(session: Session, callee: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """Call any value."""
    if isinstance(callee, Closure):
        return run_closure(session, callee, args, kwargs)
    if isinstance(callee, types.MethodType):
        return call(session, callee.__func__, [callee.__self__, *args], kwargs)
    if isinstance(callee, functools.partial):
        merged = {**callee.keywords, **kwargs}
        return call(session, callee.func, [*callee.args, *args], merged)
    inside = getattr(type(callee), "_call_inside", None)
    if inside is not None:
        return inside(callee, session, args, kwargs)
    found = _followed(session, callee)
    if callable(found):  # it runs in Python, or not at all
        return found(session, args, kwargs)
    if found is not None:
        program, function, defaults, extra = found
        values = bind(program, [*extra, *args], kwargs, defaults)
        with session.call(program.name, session.place):
            return run_program(session, program, function, values)
    if isinstance(callee, type) and is_users(callee):
        return _construct(session, callee, args, kwargs)
    if not isinstance(callee, type | types.FunctionType | types.BuiltinFunctionType):
        return _call_object(session, callee, args, kwargs)
    return native(session, callee, args, kwargs)


def _call_object(session: Session, obj: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """Call an object, with its hooks if it has some."""
    own = getattr(obj, "__dict__", {})
    if "__func__" in own and "__self__" in own:  # a library's kind of bound method
        return call(session, obj.__func__, [obj.__self__, *args], kwargs)
    method = user_method(obj, "__call__")

    def run(args: Sequence[Any], kwargs: Any) -> Any:
        if method is None:
            return native(session, obj, args, kwargs)
        return call(session, method, [obj, *args], kwargs)

    if hooks_of(obj) is None:
        return run(args, kwargs)
    return call_hooked(session, obj, run, args, kwargs)


def _followed(session: Session, callee: Any, name: str = "") -> Any:
    """How a function is followed into its source; None if it isn't."""
    try:
        return session.host.callee(session, callee)
    except ScriptError as error:
        name = name or getattr(callee, "__name__", repr(callee))
        add_chain(error, name, session.place)
        raise


def _construct(session: Session, cls: type, args: Sequence[Any], kwargs: Any) -> Any:
    """An instance of a class of the user's own."""
    init = inspect.getattr_static(cls, "__init__", None)
    plain = isinstance(init, types.FunctionType) and type(cls) is type
    follow = plain and _followed(session, init, cls.__name__) is not None
    skip = issubclass(cls, tuple | enum.Enum | BaseException | str | int | float)
    if not follow or skip or cls.__new__ is not object.__new__:
        return native(session, cls, args, kwargs)
    made = object.__new__(cls)
    call(session, init, [made, *args], kwargs)
    return made


def call_hooked(
    session: Session,
    obj: Any,
    run: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
) -> Any:
    """Call an object with its hooks around.

    Args:
        session: the session.
        obj: the object.
        run: what it does, given arguments by position and by name.
        args: its arguments.
        kwargs: those by name.

    Returns:
        What it returns, or a hook in its place.
    """
    before, after = hooks_of(obj) or ((), ())
    args = tuple(args)
    for hook in before:
        found = call(session, hook.function, [obj, args], {})
        if found is not None:
            args = found if isinstance(found, tuple) else (found,)
    output = run(args, kwargs)
    for hook in after:
        found = call(session, hook.function, [obj, args, output], {})
        if found is not None:
            output = found
    return output


def call_method(
    session: Session, owner: Any, name: str, args: Sequence[Any], kwargs: Any
) -> Any:
    """`owner.name(*args, **kwargs)`."""
    if isinstance(owner, Iterator):
        raise AttributeError(
            f"{type(owner).__name__!r} object has no attribute {name!r}"
        )
    if is_open(owner):
        return _open_method(session, owner, name, args)
    if has_segments(owner) and name not in ("append", "extend"):
        owner[:] = spread(owner)
    if name in _MUTATORS and isinstance(owner, list | dict | set):
        session.check_changed(owner)
    if isinstance(owner, list) and name == "extend" and len(args) == 1:
        args = [list(args[0])]
    if isinstance(owner, str) and name == "format" and holds_traced([[*args], kwargs]):
        return Text((((tuple(args), dict(kwargs)), "format", owner),))
    if isinstance(owner, set) and any(map(is_traced, args)):
        raise session.needs_python(
            "a set can't hold traced values",
            "a set can't hold traced values: their hash is not known",
            "use a list",
        )
    found = get_attribute(session, owner, name)
    return call(session, found, args, kwargs)


_MUTATORS = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"}
    | {"update", "setdefault", "popitem", "add", "discard", "__setitem__"}
)


def _open_method(
    session: Session, owner: list[Any], name: str, args: Sequence[Any]
) -> Any:
    """A method of a list whose length is known when the program runs only."""
    if name == "append":
        append_open(owner, *args)
        return None
    if name == "extend" and not is_open(args[0]):
        for each in iterator_of(args[0]):
            append_open(owner, each)
        return None
    if name == "pop" and (not args or args == [-1]):
        return pop_open(session, owner)
    if name == "clear":
        owner.clear()
        return None
    raise unknown_length(session, f"list.{name}")


def get_attribute(session: Session, owner: Any, name: str) -> Any:
    """`owner.name`; the getter of a property of the user's own is interpreted."""
    owner = reached(owner, name)
    if not isinstance(owner, types.ModuleType) and is_users(type(owner)):
        found = inspect.getattr_static(type(owner), name, None)
        getter = found.fget if isinstance(found, property) else None
        if getter is not None and session.host.callee(session, getter) is not None:
            return call(session, getter, [owner], {})
    return call_at(session.place, getattr, (owner, name))


def set_attribute(session: Session, owner: Any, name: str, value: Any) -> None:
    """`owner.name = value`; the setter of a property is interpreted."""
    session.check_changed(owner)
    checks = getattr(type(owner), "_checks", None)
    if checks is not None:
        value = checks(owner, name, value)
    owner = reached(owner, name)
    if is_users(type(owner)):
        found = inspect.getattr_static(type(owner), name, None)
        setter = found.fset if isinstance(found, property) else None
        if setter is not None and session.host.callee(session, setter) is not None:
            call(session, setter, [owner, value], {})
            return
    if isinstance(owner, types.ModuleType | type):
        raise session.error(
            f"{owner.__name__}.{name} can't be bound while a script is compiled",
            "return the value, or keep it in an object that is an argument",
        )
    call_at(session.place, setattr, (owner, name, value))


_ROOTS = frozenset({"jax", "jaxlib", "numpy", "builtins", "ml_dtypes"})


@functools.lru_cache(maxsize=4096)
def is_users(cls: type) -> bool:
    """Whether a class may have methods of the user's own."""
    return cls.__module__.partition(".")[0] not in _ROOTS


def user_method(owner: Any, name: str) -> Any:
    """The function of a method that the user's class, or a base of it, defines."""
    if is_array(owner) or not is_users(type(owner)):
        return None
    found = inspect.getattr_static(type(owner), name, None)
    return found if isinstance(found, types.FunctionType) else None


def _is_sequence(value: Any) -> bool:
    """Whether an object of the user's own is iterated over by its indices."""
    if hasattr(type(value), "__iter__"):
        return False
    methods = user_method(value, "__getitem__"), user_method(value, "__len__")
    return None not in methods


def _items_of(session: Session, value: Any) -> list[Any]:
    count = operator.index(call(session, len, [value], {}))
    return [call_method(session, value, "__getitem__", [i], {}) for i in range(count)]


def iterable(session: Session, value: Any) -> Any:
    """What to iterate over: an iterator of the user's own is run to its end."""
    value = behind(value)
    method = user_method(value, "__iter__")
    if method is None or session.host.callee(session, method) is None:
        return _items_of(session, value) if _is_sequence(value) else value
    found = call(session, method, [value], {})
    step = user_method(found, "__next__")
    if step is None:
        return found
    items = []
    while True:
        try:
            items.append(call(session, step, [found], {}))
        except StopIteration:
            return items
