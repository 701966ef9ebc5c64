"""The arguments of a traced callable: bound by name, flattened, checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import ArgumentError, TraceError


class Call(NamedTuple):
    """The flat arguments of one call.

    Attributes:
        arrays: the leaves that are arrays, or stand for one.
        static: the other leaves, with None in the place of arrays.
        dynamic: for each leaf, whether it is an array.
        tree: the structure.
    """

    arrays: tuple[Any, ...]
    static: tuple[Any, ...]
    dynamic: tuple[bool, ...]
    tree: Any

    def unflatten(self, arrays: Sequence[Any]) -> Any:
        """The arguments, with other arrays."""
        rest = iter(arrays)
        pairs = zip(self.static, self.dynamic, strict=True)
        leaves = [next(rest) if dynamic else leaf for leaf, dynamic in pairs]
        return jax.tree.unflatten(self.tree, leaves)


class Signature:
    """How a callable takes its arguments."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.name = getattr(fn, "__name__", type(fn).__name__)
        try:
            self.signature: inspect.Signature | None = inspect.signature(fn)
        except (TypeError, ValueError):
            self.signature = None

    def names(self) -> list[str]:
        """The names of the parameters; none if they are not known."""
        return [] if self.signature is None else list(self.signature.parameters)

    def positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The arguments by position.

        Returns:
            A tuple of them.

        Raises:
            ArgumentError: they don't fit; a keyword-only parameter is among them.
        """
        if not kwargs:
            return args
        if self.signature is None:
            raise ArgumentError(f"{self.name} takes its arguments by position.")
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self.name}: {error}.") from error
        if bound.kwargs:
            raise ArgumentError(
                f"{self.name} was traced with arguments by position; "
                f"{next(iter(bound.kwargs))!r} can only be given by name."
            )
        return bound.args

    def flatten(self, args: Sequence[Any]) -> Call:
        """Take arguments apart."""
        leaves, tree = jax.tree.flatten(tuple(args))
        dynamic = tuple(map(is_dynamic, leaves))
        pairs = list(zip(leaves, dynamic, strict=True))
        arrays = tuple([leaf for leaf, d in pairs if d])
        return Call(arrays, tuple([None if d else x for x, d in pairs]), dynamic, tree)

    def check(self, args: Sequence[Any], expected: Call, avals: Sequence[Any]) -> Any:
        """The arrays of a call like the one that was traced.

        Returns:
            One array for each input of the graph.

        Raises:
            TraceError: another structure, type or static value than was traced.
        """
        call = self.flatten(args)
        paths = self.check_static(args, call, expected)
        moving = [p for p, dynamic in zip(paths, call.dynamic, strict=True) if dynamic]
        triples = zip(moving, call.arrays, avals, strict=True)
        return [self._fitting(path, value, aval) for path, value, aval in triples]

    def check_static(self, args: Sequence[Any], call: Call, expected: Call) -> Any:
        """Refuse another structure, or static value, than was traced.

        Returns:
            The key path of each leaf.

        Raises:
            TraceError: it is another one.
        """
        if call.tree != expected.tree:
            raise TraceError(
                f"{self.name} was traced for arguments of another structure.\n"
                f"  Expected {expected.tree}; got {call.tree}.\n"
                "  Trace it again with arguments like these."
            )
        paths = [p for p, _ in jax.tree_util.tree_flatten_with_path(tuple(args))[0]]
        olds = zip(expected.static, expected.dynamic, strict=True)
        news = zip(call.static, call.dynamic, strict=True)
        for path, (old, was), (new, now) in zip(paths, olds, news, strict=True):
            if was != now or not same(old, new):
                raise TraceError(
                    f"{self.name} was traced with {self.path(path)} = "
                    f"{'an array' if was else repr(old)}; got "
                    f"{'an array' if now else repr(new)}.\n"
                    "  It is part of the graph: trace it again for another value."
                )
        return paths

    def _fitting(self, path: Any, value: Any, aval: Any) -> Any:
        """`value` as the type that was traced."""
        given = type_of(value)
        same = given.shape == aval.shape
        if same and given.dtype == aval.dtype:
            # What was traced with a weak type promotes as one.
            weak = given.weak_type == aval.weak_type
            return value if weak else _compat.as_aval(value, aval)
        if (
            same
            and given.weak_type
            and np.can_cast(np.dtype(given.dtype), np.dtype(aval.dtype), "same_kind")
        ):
            return _compat.as_aval(value, aval)
        raise TraceError(
            f"{self.name} was traced for {self.path(path)} of type "
            f"{aval.str_short()}; got {given.str_short()}.\n"
            "  Expected the type of the example: its shapes and dtypes are part of the "
            "graph.\n  Trace it again, or see graph_for(*args)."
        )

    def path(self, path: Any) -> str:
        """The argument, and the place in it, that a key path names."""
        names = self.names()
        first, rest = path[0].idx, path[1:]
        known = first < len(names) and self._plain(names[first])
        name = names[first] if known else f"argument {first}"
        return f"{name}{jax.tree_util.keystr(rest)}"

    def _plain(self, name: str) -> bool:
        assert self.signature is not None
        kind = self.signature.parameters[name].kind
        return kind in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )


def same(a: Any, b: Any) -> bool:
    """Whether two static values are equal; not where they can't say so."""
    if a is b:
        return True
    try:
        return bool(a == b)
    except Exception:  # an `__eq__` of the user's own, on arrays say
        return False


def is_dynamic(leaf: Any) -> bool:
    """Whether a leaf is an array, stands for one, or is a number."""
    kinds = (jax.Array, np.ndarray, np.generic, bool, int, float, complex)
    return isinstance(leaf, (*kinds, jax.ShapeDtypeStruct)) or _compat.is_ref(leaf)


def type_of(value: Any) -> Any:
    """The abstract value of an array, or of what stands for one."""
    if isinstance(value, jax.ShapeDtypeStruct):
        return jax.make_jaxpr(lambda x: x)(value).in_avals[0]
    return jax.typeof(value)
