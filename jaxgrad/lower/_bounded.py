"""Loops of at most so many steps, as nested scans that skip what is not needed.

- `bounded(cond, body, init, max_steps)`: a `while`, differentiable as often as asked.
- `counted(body, init, xs, length, active)`: a `for` that may end early.

A scan over all steps would pay for those after the end, and keep what the gradient
needs of each. So scans are nested: a block of steps is skipped when the loop is over,
and `bounded` keeps only what each block started from.

Every `cond` here is inside a `jax.checkpoint`. What JAX keeps of a `cond` in a scan may
include the arrays that the body closes over, once for each step; a checkpoint hands
them on as operands, which the scan keeps once.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.function._axes import zeros
from jaxgrad.lower._closed_loop import closed
from jaxgrad.lower._loop_gradient import any_lane, guard_shared

Leaves = Sequence[Any]
Step = Callable[[Any, Any], tuple[Any, Any]]

BLOCK = 16  # steps in a block, and blocks in a block of blocks
_LARGEST = 20  # before there is one more level
_save_start = functools.partial(jax.checkpoint, prevent_cse=False)
_save_all = functools.partial(
    _save_start, policy=jax.checkpoint_policies.everything_saveable
)


def sizes_of(steps: int) -> list[int]:
    """The lengths of nested scans with at least `steps` steps in all.

    As few levels as blocks of about 16 allow, and then the smallest equal blocks.

    Returns:
        Lengths, the outermost first.
    """
    levels = 1
    while _LARGEST**levels < steps:
        levels += 1
    inner = 1
    while inner**levels < steps:
        inner += 1
    block = inner ** (levels - 1)
    return [math.ceil(steps / block), *[inner] * (levels - 1)]


def bounded(
    cond: Callable[..., Any],
    body: Callable[..., Leaves],
    init: Leaves,
    max_steps: int,
) -> tuple[list[Any], Any]:
    """A `while` of at most `max_steps` steps.

    Args:
        cond: of the leaves of the carry, to a bool.
        body: of the leaves, to as many of the same types.
        init: the leaves before the first step.
        max_steps: at least 1.

    Returns:
        The leaves at the end, and whether `cond` still holds.
    """
    final = list(init)
    loop, consts = closed(cond, body, final, max_steps, "bounded")
    sizes = sizes_of(max_steps)
    exact = math.prod(sizes) == max_steps

    def holds(state: Any) -> Any:
        count, carried = state
        going = loop.holds(consts, carried)
        return going if exact else going & (count < max_steps)

    def step(state: Any, _: None) -> tuple[Any, None]:
        def run(count: Any, carried: Leaves) -> Any:
            return None if exact else count + 1, loop.step(consts, carried)

        return jax.lax.cond(holds(state), run, _same, *state), None

    def block(run: Step, state: Any, _: None) -> tuple[Any, None]:
        def steps(*state: Any) -> Any:
            return run(state, None)[0]

        return jax.lax.cond(any_lane(holds(state)), steps, _same, *state), None

    save = _save_start if _keeps_constants() else _save_all
    state = (None if exact else jnp.int32(0), [final[i] for i in loop.free])
    (_, carried), _ = _nested(save(step), block, _save_start, sizes)(state, None)
    for i, value in zip(loop.free, carried, strict=True):
        final[i] = value
    return final, loop.holds(consts, carried)


def _same(*state: Any) -> Any:
    return state


@functools.cache
def _keeps_constants() -> bool:
    """Whether JAX keeps what a `cond` in a scan closes over once for each step.

    Where it does not, a `cond` need not run again to have its derivative.

    Returns:
        True on JAX 0.10, for example.
    """

    def loss(x: Any, w: Any) -> Any:
        def step(x: Any, _: None) -> tuple[Any, None]:
            return jax.lax.cond(
                x[0] > 0, lambda x: jnp.sin(w @ x), lambda x: x, x
            ), None

        return jax.lax.scan(step, x, None, length=3)[0]

    pull = jax.eval_shape(
        lambda x, w: jax.vjp(loss, x, w)[1],
        jax.ShapeDtypeStruct((2,), jnp.float32),
        jax.ShapeDtypeStruct((2, 2), jnp.float32),
    )
    return any(leaf.shape == (3, 2, 2) for leaf in jax.tree.leaves(pull))


def counted(
    body: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: Any,
    active: Callable[[Any], Any],
) -> tuple[Any, Any]:
    """A `for` over `xs` that ends when `active` no longer holds.

    Every derivative of it keeps what the steps need, as a scan does. After the end,
    blocks of steps are skipped.

    Args:
        body: of the carry and an element, to a carry of the same types and a result.
        init: the carry before the first step, a pytree of arrays.
        xs: a pytree of arrays with `length` elements each, or None.
        length: how many elements; an int, or a symbolic dimension.
        active: of the carry, to a bool: whether to go on.

    Returns:
        The carry at the end and the results, stacked; zeros for the steps not taken.

    Example:
        >>> import jax.numpy as jnp
        >>> def body(total, x):
        ...     return total + x, total
        >>> counted(body, 0.0, jnp.arange(6.0), 6, lambda total: total < 3)
        (Array(3., dtype=float32, ...), Array([0., 0., 1., 0., 0., 0.], dtype=float32))
    """
    if isinstance(length, int) and length == 0:
        return jax.lax.scan(body, init, xs, length=0)
    sizes = _lengths(length)
    total = length if sizes is None else math.prod(sizes)
    exact = sizes is None or total == length

    def step(carry: Any, item: Any) -> tuple[Any, Any]:
        index, x = item
        going = jnp.asarray(active(carry))
        return _or_zeros(going if exact else going & (index < length), body, carry, x)

    def block(run: Step, carry: Any, items: Any) -> tuple[Any, Any]:
        return _or_zeros(any_lane(jnp.asarray(active(carry))), run, carry, items)

    if sizes is None:  # only an array can tell `scan` a length that is no number yet
        return jax.lax.scan(_save_all(step), init, (jnp.arange(length), xs))
    index = None if exact else jnp.arange(total, dtype=jnp.int32)
    items = (index, xs if exact else jax.tree.map(lambda x: _padded(x, total), xs))
    split = jax.tree.map(lambda x: x.reshape(*sizes, *x.shape[1:]), items)
    # With REMAT3, JAX can't differentiate a checkpoint round a scan over integers.
    save = _as_it_is if _compat.over_reports() else _save_all
    carry, ys = _nested(_save_all(step), block, save, sizes)(init, split)
    return carry, jax.tree.map(
        lambda y: y.reshape(total, *y.shape[len(sizes) :])[:length], ys
    )


def _as_it_is(block: Step) -> Step:
    return block


def _lengths(length: Any) -> list[int] | None:
    """The lengths of nested scans over `length` steps; None if it is no number."""
    if not isinstance(length, int):
        return None
    return [length] if length <= 2 * BLOCK else [math.ceil(length / BLOCK), BLOCK]


def _padded(x: Any, total: int) -> Any:
    """`x` with its last element repeated, so that there are `total` of them."""
    last = jnp.broadcast_to(x[-1:], (total - x.shape[0], *x.shape[1:]))
    return jnp.concatenate([x, last])


def _or_zeros(predicate: Any, run: Step, carry: Any, xs: Any) -> tuple[Any, Any]:
    """`run(carry, xs)` if `predicate` holds, else the carry and zeros for results."""
    values, inputs = jax.tree.flatten((carry, xs))
    outputs: Any = None

    def flat(*values: Any) -> list[Any]:
        nonlocal outputs
        leaves, outputs = jax.tree.flatten(run(*jax.tree.unflatten(inputs, values)))
        return leaves

    # Traced once: what it returns is known before the other branch is.
    found = _compat.hoisted(flat, values)
    going = jax.typeof(predicate)
    values = guard_shared(going, values)
    consts = guard_shared(going, found.consts)

    def taken(*values: Any) -> list[Any]:
        return found.run(consts, values)

    def skipped(*values: Any) -> list[Any]:
        kept = jax.tree.leaves(jax.tree.unflatten(inputs, values)[0])
        return [*kept, *map(zeros, found.avals[len(kept) :])]

    return jax.tree.unflatten(outputs, jax.lax.cond(predicate, taken, skipped, *values))


def _nested(
    step: Step,
    block: Callable[[Step, Any, Any], tuple[Any, Any]],
    save: Callable[[Step], Step],
    sizes: Sequence[int],
) -> Step:
    """Nested scans.

    Args:
        step: one step; it does nothing after the end.
        block: runs a scan, or does nothing after the end.
        save: how a block is checkpointed.
        sizes: the lengths of the scans, the outermost first.

    Returns:
        A function of the carry and the elements, whose leading axes are `sizes`.
    """
    run = step
    for level, size in reversed(list(enumerate(sizes))):
        run = functools.partial(_scan, run, size)
        if level:
            run = save(functools.partial(block, run))
    return run


def _scan(run: Step, size: int, carry: Any, xs: Any) -> tuple[Any, Any]:
    return jax.lax.scan(run, carry, xs, length=size)
