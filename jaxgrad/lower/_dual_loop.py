"""A loop with two rules: forward mode of the plain loop, reverse mode of a strategy.

`dual(loop, operands)` is a `jax.custom_jvp` whose tangents are one linear equation.
Evaluated, that equation is JAX's own forward mode of the plain loop; transposed, it is
what the strategy says from what it kept. The result is attached to the operands, so
that an outer derivative of it asks the same two rules again. What can't be asked is a
reverse-mode derivative of the reverse rule, which is itself a loop: that is an error.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax

from jaxgrad import _compat
from jaxgrad.errors import LoopGradientError
from jaxgrad.function._axes import zeros
from jaxgrad.function._primitives import LinearRule, attach, detach, linear
from jaxgrad.function._trees import is_inexact
from jaxgrad.lower._loop_gradient import guard

SymbolicZero = jax.custom_derivatives.SymbolicZero
Arrays = Sequence[Any]


class Loop(Protocol):
    """What a strategy knows of one loop; all of it of flat arrays."""

    name: str

    def run(self, operands: Arrays) -> list[Any]:
        """The results, undifferentiated; a function that forward mode can take."""
        ...

    def moves(self, flags: Sequence[bool]) -> list[bool]:
        """Which results have a tangent, if the operands of these flags have one."""
        ...

    def record(
        self, operands: Arrays, flags: Sequence[bool]
    ) -> tuple[list[Any], list[Any], Callable[[Arrays, Arrays], list[Any]]]:
        """The results; what is kept; and the pullback.

        The pullback takes what is kept and one cotangent for each result that moves,
        and returns one for each operand that is flagged.
        """
        ...


def dual(loop: Loop, operands: Arrays) -> list[Any]:
    """The results of `loop`, with its two rules.

    Args:
        loop: the loop.
        operands: all that it depends on.

    Returns:
        Its results.
    """
    function = jax.custom_jvp(lambda *operands: loop.run(operands))

    def rule(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        moving = [not isinstance(t, SymbolicZero) for t in tangents]
        flags = _inexact(primals, moving)
        recorded = _compat.in_primal_trace(tangents, _record, loop, primals, flags)
        given = [t for t, flag in zip(tangents, flags, strict=True) if flag]
        rest = iter(_push(loop, primals, flags, recorded, given))
        outs = recorded[0]
        pushed = [
            next(rest) if moved else _no_tangent(value)
            for value, moved in zip(outs, loop.moves(flags), strict=True)
        ]
        return outs, pushed

    function.defjvp(rule, symbolic_zeros=True)
    return function(*operands)


def _inexact(values: Arrays, moving: Sequence[bool]) -> tuple[bool, ...]:
    pairs = zip(values, moving, strict=True)
    return tuple([m and is_inexact(jax.typeof(v).dtype) for v, m in pairs])


def _no_tangent(value: Any) -> Any:
    return jax.custom_derivatives.zero_from_primal(value, symbolic_zeros=True)


def _record(loop: Loop, primals: Arrays, flags: tuple[bool, ...]) -> Any:
    """The strategy's forward pass, its results attached to `primals`."""
    moved = [i for i, m in enumerate(loop.moves(flags)) if m]
    if not moved:
        return loop.run(primals), [], None
    outs, kept, pull = loop.record(primals, flags)
    plain = detach([outs[i] for i in moved])
    live, _ = attach(_Attached(loop, moved), (plain, [], [], primals))
    for i, value in zip(moved, live, strict=True):
        outs[i] = value
    return outs, guard(kept, _second(loop)), pull


class _Attached:
    """The derivative of the results of a loop; a parameter of `attach`."""

    detached = True

    def __init__(self, loop: Loop, moved: Sequence[int]) -> None:
        self.loop = loop
        self.moved = moved
        self.sizes = (len(moved), 0, 0)

    def push(
        self, flags: tuple[bool, ...], groups: tuple[Arrays, ...], tangents: Arrays
    ) -> tuple[list[Any], list[Any]]:
        """Tangents of the results, from those of the operands that `flags` names."""
        loop, primals = self.loop, groups[3]
        recorded = _record(loop, primals, flags)
        found = _push(loop, primals, flags, recorded, tangents)
        moving = [i for i, moved in enumerate(loop.moves(flags)) if moved]
        pushed = dict(zip(moving, found, strict=True))
        return [
            pushed[i] if i in pushed else zeros(_compat.tangent_aval(jax.typeof(out)))
            for i, out in zip(self.moved, groups[0], strict=True)
        ], []

    def stray(self) -> None:
        """The results come detached, so that there is none."""

    def __repr__(self) -> str:
        return self.loop.name


def _push(
    loop: Loop,
    primals: Arrays,
    flags: Sequence[bool],
    recorded: tuple[Arrays, Arrays, Callable[[Arrays, Arrays], list[Any]]],
    tangents: Arrays,
) -> list[Any]:
    """The tangents of the results that move, as one linear equation."""
    outs, kept, pull = recorded
    moved = [i for i, m in enumerate(loop.moves(flags)) if m]
    if not moved:
        return []
    moving = [i for i, flag in enumerate(flags) if flag]
    avals = [_compat.tangent_aval(jax.typeof(outs[i])) for i in moved]
    count, refuse = len(primals), _second(loop)

    def forward(residuals: Arrays, tangents: Arrays) -> list[Any]:
        def part(*moving_operands: Any) -> list[Any]:
            operands = list(residuals[:count])
            for i, value in zip(moving, moving_operands, strict=True):
                operands[i] = value
            found = loop.run(operands)
            return [found[i] for i in moved]

        at = tuple(residuals[i] for i in moving)
        return guard(jax.jvp(part, at, tuple(tangents))[1], refuse)

    def transpose(residuals: Arrays, cotangents: Arrays) -> list[Any]:
        given = [
            zeros(aval) if c is None else c
            for c, aval in zip(cotangents, avals, strict=True)
        ]
        return guard(pull(residuals[count:], given), refuse)

    rule = LinearRule(loop.name, forward, transpose)
    return linear(rule, [*primals, *kept], tangents, avals)


def _second(loop: Loop) -> Callable[[], Exception]:
    """The error of a second reverse-mode derivative."""
    message = (
        f"the gradient of a {loop.name} loop has no reverse-mode gradient of its own.\n"
        '  Use grad="bounded" for second derivatives; or forward mode over reverse '
        "mode, such as jax.hessian or jax.jacfwd(jax.grad(f))."
    )
    return lambda: LoopGradientError(message)
