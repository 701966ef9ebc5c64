"""What an entry of the table of script programs is, and how a function becomes one.

- `Program`: a Python function, argument sets, and what is known about it from outside.
- `Table`: a decorator that collects programs.
- `ROWS`: every construct that the table has to show.
- `s`, `v`, `m`, `i`, `iv`, `b`, `bv`: arrays of examples, short to write.
"""

import copy
import dataclasses
import enum
import types
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array

ROWS = frozenset({
    "if on a static value",
    "if on a traced value",
    "elif and nested ifs",
    "condition of shape (1,) or not bool",
    "join of types",
    "defined in one branch",
    "None against array",
    "ternary",
    "while on a static value",
    "while on a traced value",
    "while True",
    "for over a static range",
    "for over a traced range",
    "for over a symbolic range",
    "for over an array",
    "for over several arrays",
    "for over a container",
    "nested loops",
    "no trips",
    "loop else",
    "break",
    "continue",
    "return in a loop",
    "early return",
    "and, or, not",
    "chained comparison",
    "short circuit",
    "assert",
    "raise",
    "print",
    "f-string",
    "append in a loop of known length",
    "append in a while",
    "list methods",
    "aliases",
    "subscript store",
    "augmented subscript store",
    "attribute store",
    "dict store",
    "comprehension",
    "try",
    "recursion",
    "closure",
    "global value",
    "write to a global or nonlocal name",
    "nested def",
    "lambda",
    "call of a Python function",
    "call of a Function",
    "call of JAX",
    "transformation inside",
    "tuple",
    "NamedTuple",
    "dataclass",
    "object",
    "dict",
    "Optional",
    "Enum",
    "str",
    "dtype",
    "varargs, defaults, keyword-only",
    "with",
    "loop with max_steps",
    "int arithmetic",
    "bit operations",
    "builtins",
    "math",
    "static containers",
    "random keys",
    "del, pass, docstring",
    "walrus",
    "unpacking",
    "other dtypes",
    "is_scripting",
    "slices",
})  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Program:
    """One program: an ordinary function that plain Python runs too.

    Attributes:
        fn: The function.
        examples: Sets of arguments. NumPy arrays among them become JAX arrays; sets
            with the same static values take different paths.
        shows: The rows of `ROWS` that it shows.
        gradient: How it is differentiated, in every floating array of its arguments.
            "reverse": `jax.grad` answers as it does for the plain function. "forward":
            it has an open-ended `while`, so that `jax.grad` says so, and `jax.jvp`
            answers. "none": it has no floating result to differentiate.
        oracle: What plain Python runs, where it can't run `fn`: the same program with
            its branches in `jnp.where`.
        reference: What plain Python differentiates, where it can't differentiate that.
        raises: For the number of an argument set, what it raises there.
        refused: Part of the message with which script refuses it; Python runs it.
        batched: "" or why it can't run under `jax.vmap`.
        saved: "" or why it can't be saved.
        numpy: Whether plain Python runs it on NumPy arrays, as it stores into them.
        joined: Whether a type is joined over paths, so that script gives the wider
            dtype where Python, which took one path, gives the narrower.
    """

    fn: Callable[..., Any]
    examples: tuple[tuple[Any, ...], ...]
    shows: tuple[str, ...]
    gradient: str = "reverse"
    oracle: Callable[..., Any] | None = None
    reference: Callable[..., Any] | None = None
    raises: dict[int, tuple[type[BaseException], str]] = dataclasses.field(
        default_factory=dict
    )
    refused: str = ""
    batched: str = ""
    saved: str = ""
    numpy: bool = False
    joined: bool = False

    def __str__(self) -> str:
        return self.fn.__name__

    def plain(self, *args: Any) -> Any:
        """What plain Python answers."""
        if not self.numpy:
            return (self.oracle or self.fn)(*args)
        result = self.fn(*with_leaves(args, arrays(args), np.array))
        return with_leaves(result, arrays(result), jnp.asarray)

    def sets(self) -> list[tuple[Any, ...]]:
        """The argument sets, with JAX arrays."""
        return [with_leaves(e, arrays(e), jnp.asarray) for e in self.examples]


class Table:
    """Programs, collected by a decorator."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def __call__(
        self, *examples: tuple[Any, ...], shows: str, **rest: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Enter a function; `shows` names rows, with `;` between them."""
        rows = tuple(part.strip() for part in shows.split(";"))

        def enter(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.programs.append(Program(fn, examples, rows, **rest))
            return fn

        return enter


def walk(tree: Any) -> Iterator[Any]:
    """The arrays in a tree of containers and objects, as often as it holds them."""
    if isinstance(tree, (np.ndarray, np.generic, jax.Array)):
        yield tree
    else:
        for child in children(tree).values():
            yield from walk(child)


def arrays(tree: Any) -> list[Any]:
    """The arrays in a tree of containers and objects, each once."""
    return list({id(leaf): leaf for leaf in walk(tree)}.values())


def children(tree: Any) -> dict[Any, Any]:
    """What a container or an object holds, by key, index or attribute."""
    if isinstance(tree, dict):
        return tree
    if isinstance(tree, (tuple, list)):
        return dict(enumerate(tree))
    atoms = (type, str, int, float, complex, enum.Enum, types.ModuleType)
    if hasattr(tree, "__dict__") and not callable(tree) and not isinstance(tree, atoms):
        return vars(tree)
    return {}


def with_leaves(tree: Any, leaves: list[Any], new: Any) -> Any:
    """A copy with other arrays; aliases stay aliases.

    Args:
        tree: Containers and objects.
        leaves: Its arrays.
        new: The arrays that replace them, or a function that makes them.
    """
    made = [new(leaf) for leaf in leaves] if callable(new) else new
    memo = {id(old): value for old, value in zip(leaves, made, strict=True)}
    memo.update((id(fn), fn) for fn in _callables(tree))
    return copy.deepcopy(tree, memo)


def _callables(tree: Any) -> Iterator[Any]:
    if callable(tree):
        yield tree
    for child in children(tree).values():
        yield from _callables(child)


def s(value: float) -> Any:
    """A 0-d float32 array."""
    return np.array(value, np.float32)


def v(*values: float) -> Any:
    """A float32 vector."""
    return np.array(values, np.float32)


def m(*rows: tuple[float, ...]) -> Any:
    """A float32 matrix."""
    return np.array(rows, np.float32)


def i(value: int) -> Any:
    """A 0-d int32 array."""
    return np.array(value, np.int32)


def iv(*values: int) -> Any:
    """An int32 vector."""
    return np.array(values, np.int32)


def b(value: bool) -> Any:
    """A 0-d bool array."""
    return np.array(value, np.bool_)


def bv(*values: bool) -> Any:
    """A bool vector."""
    return np.array(values, np.bool_)
