"""A random body as a list of steps, and its derivatives from whatever was saved.

- `Program`: the steps. Values are numbered: the leaves of the arguments, then one for
  each step.
- `evaluate`, `recall`: the values, from the leaves or from some of them.
- `pull`, `push`: reverse and forward mode by the hand-written local derivatives.
- `reads`, `sources`: what a derivative looks at, and what has to be saved for it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tests.properties.ops import OPS, At


class Step(NamedTuple):
    """One operation on earlier values; `data` is the axis and keepdims, if any."""

    op: str
    operands: tuple[int, ...]
    data: Any = None


class Program(NamedTuple):
    """A body.

    Attributes:
        leaves: how many arrays the arguments hold.
        steps: in order.
        outputs: a pytree of numbers of values, which is what the body returns.
    """

    leaves: int
    steps: tuple[Step, ...]
    outputs: Any

    def numbered(self) -> list[tuple[int, Step]]:
        return list(enumerate(self.steps, self.leaves))

    def returned(self) -> list[int]:
        return jax.tree.leaves(self.outputs)


Static = dict[str, Any]
Type = tuple[tuple[int, ...], Any]  # shape and dtype


def _same(value: Any) -> Any:
    return value


def _compute(step: Step, xs: Sequence[Any], static: Static) -> Any:
    at = At(tuple(xs), None, jnp.shape(xs[0]), step.data, static, _same)
    return OPS[step.op].value(at)


def evaluate(program: Program, leaves: Sequence[Any], static: Static) -> list[Any]:
    """Every value of the body."""
    values = list(leaves)
    for step in program.steps:
        values.append(_compute(step, [values[i] for i in step.operands], static))
    return values


def returned(program: Program, values: Sequence[Any]) -> Any:
    """What the body returns, of all of its values."""
    return jax.tree.map(lambda i: values[i], program.outputs)


def body(program: Program, static: Static, *leaves: Any) -> Any:
    """The body as a plain JAX function of the leaves."""
    return returned(program, evaluate(program, leaves, static))


def recall(
    program: Program, known: dict[int, Any], static: Static
) -> Callable[[int], Any]:
    """Any value of the body, from those which are known."""
    values = dict(known)

    def value(i: int) -> Any:
        if i not in values:
            step = program.steps[i - program.leaves]
            values[i] = _compute(step, [value(j) for j in step.operands], static)
        return values[i]

    return value


def _at(
    step: Step,
    i: int,
    value: Callable[[int], Any],
    types: Sequence[Type],
    static: Static,
    c: Callable[[Any], Any],
) -> At:
    read = OPS[step.op].reads
    xs = tuple(value(j) for j in step.operands) if "x" in read else ()
    y = value(i) if "y" in read else None
    return At(xs, y, types[step.operands[0]][0], step.data, static, c)


def moving(program: Program, wanted: Sequence[bool]) -> list[bool]:
    """Which values depend on the wanted leaves."""
    out = list(wanted)
    for step in program.steps:
        out.append(any(out[i] for i in step.operands))
    return out


def pull(
    program: Program,
    value: Callable[[int], Any],
    types: Sequence[Type],
    cotangents: Sequence[Any],
    static: Static,
    c: Callable[[Any], Any],
    moving: Sequence[bool],
    large: bool,
) -> list[Any]:
    """The gradients of the leaves, by reverse mode.

    Args:
        program: the body.
        value: looks up the value with a number.
        types: of all values.
        cotangents: one for each returned value; None where it is absent.
        static: the static arguments.
        c: conjugates slopes, in torch's convention.
        moving: which values have a derivative.
        large: leave the gradients of leaves as large as broadcasting made them.

    Returns:
        One for each leaf, None where it has none.
    """
    found: dict[int, Any] = {}

    def add(i: int, g: Any) -> None:
        if jnp.iscomplexobj(g) and not jnp.issubdtype(types[i][1], jnp.complexfloating):
            g = g.real
        if i in found and found[i].shape != g.shape:
            g, found[i] = (unbroadcast(h, types[i][0]) for h in (g, found[i]))
        found[i] = found[i] + g if i in found else g

    for i, cotangent in zip(program.returned(), cotangents, strict=True):
        if cotangent is not None and moving[i]:
            add(i, cotangent)
    for i, step in reversed(program.numbered()):
        if i not in found:
            continue
        g = unbroadcast(found.pop(i), types[i][0])
        at = _at(step, i, value, types, static, c)
        for k, j in enumerate(step.operands):
            if moving[j]:
                add(j, OPS[step.op].pull(g, k, at))
    if not large:
        found = {i: unbroadcast(g, types[i][0]) for i, g in found.items()}
    return [found.get(i) for i in range(program.leaves)]


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """A cotangent summed over what broadcasting added to `shape`."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = [extra + i for i, n in enumerate(shape) if n != g.shape[extra + i]]
    return g.sum((*range(extra), *axes)).reshape(shape)


def push(
    program: Program,
    value: Callable[[int], Any],
    types: Sequence[Type],
    tangents: Sequence[Any],
    static: Static,
) -> list[Any]:
    """The tangents of the returned values, by forward mode; None where there is none.

    Args:
        program: the body.
        value: looks up the value with a number.
        types: of all values.
        tangents: one for each leaf, or None.
        static: the static arguments.

    Returns:
        One for each returned value, of its type.
    """
    found = {i: t for i, t in enumerate(tangents) if t is not None}
    for i, step in program.numbered():
        present = [(k, j) for k, j in enumerate(step.operands) if j in found]
        if not present:
            continue
        at = _at(step, i, value, types, static, _same)
        parts = [OPS[step.op].push(found[j], k, at) for k, j in present]
        found[i] = parts[0] + parts[1] if len(parts) == 2 else parts[0]
    out = []
    for i in program.returned():
        t = found.get(i)
        inexact = jnp.issubdtype(types[i][1], jnp.inexact)
        out.append(
            jnp.broadcast_to(t, types[i][0]).astype(types[i][1])
            if t is not None and inexact
            else None
        )
    return out


def reads(program: Program) -> Iterator[int]:
    """The numbers of the values that derivatives may look at."""
    for i, step in program.numbered():
        read = OPS[step.op].reads
        yield from step.operands if "x" in read else ()
        yield from [i] if "y" in read else ()


def sources(program: Program, saved: Sequence[int]) -> list[int]:
    """The numbers to save: of `saved` what is needed, and leaves for the rest."""
    out: list[int] = []

    def need(i: int) -> None:
        if i in out:
            return
        if i in saved or i < program.leaves:
            out.append(i)
            return
        for j in program.steps[i - program.leaves].operands:
            need(j)

    for i in reads(program):
        need(i)
    return out
