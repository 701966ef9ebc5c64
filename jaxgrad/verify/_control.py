"""Cells about batching, loops, branches and rematerialization."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.verify._autodiff import step
from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Arrays, Problem, shares, splits

_SIZE = 2


def expect_batch(o: Oracle) -> Arrays:
    """The outputs at the examples and at their siblings."""
    return o.outputs(o.base, o.moved)


def nested_vmap(p: Problem) -> Any:
    """Two batch axes; the inner one runs the other way in the second row."""
    rows = [jnp.stack([x, x[::-1]]) for x in p.all_batches(_SIZE)]
    return tuple(jax.vmap(jax.vmap(p.function))(*rows))


def expect_nested_vmap(o: Oracle) -> Any:
    """The batch, and the batch the other way round."""
    return tuple(jnp.stack([b, b[::-1]]) for b in expect_batch(o))


def _sum_over_batch(p: Problem, batched: frozenset[int]) -> Any:
    axes = tuple(0 if leaf in batched else None for leaf in p.argnums)
    share = jnp.asarray(shares(_SIZE), p.real)

    def loss(*xs: Any) -> Any:
        one = jax.vmap(lambda s, *xs: s * p.loss(*xs), in_axes=(0, *axes))
        return jnp.sum(one(share, *xs))

    xs = [p.batch(i, _SIZE) if i in batched else x for i, x in enumerate(p.xs)]
    return p.grad(loss)(*xs)


def grad_of_vmap(p: Problem) -> Any:
    """Every argument batched."""
    return _sum_over_batch(p, frozenset(p.argnums))


def expect_grad_of_vmap(o: Oracle) -> Any:
    """One gradient for each member."""
    return o.batched(_SIZE, frozenset(o.problem.argnums))


def shared(p: Problem) -> Any:
    """Some arguments, and so perhaps some outputs, are the same for the whole batch."""
    return tuple(_sum_over_batch(p, s) for s in splits(len(p.xs))[1:])


def expect_shared(o: Oracle) -> Any:
    """Sums over the batch for what is shared; each member counted once."""
    return tuple(o.batched(_SIZE, s) for s in splits(len(o.problem.xs))[1:])


def shared_with_fixed(p: Problem) -> Any:
    """Only what has no gradient is batched: integers, keys."""
    axes = tuple(None if i in p.active else 0 for i in range(len(p.arrays)))
    arrays = tuple(
        a if axis is None else jnp.stack([a] * _SIZE)
        for a, axis in zip(p.arrays, axes, strict=True)
    )
    share = jnp.asarray(shares(_SIZE), p.real)

    def loss(*arrays: Any) -> Any:
        one = jax.vmap(lambda s, *a: s * p.loss_of_all(*a), in_axes=(0, *axes))
        return jnp.sum(one(share, *arrays))

    return jax.grad(loss, p.active)(*arrays)


def expect_shared_with_fixed(o: Oracle) -> Any:
    """The gradient, as often as the batch is long."""
    return o.batched(_SIZE, frozenset())


def grad_of_scan(p: Problem, checkpoint: bool = False) -> Any:
    """A scan over a batch that adds up losses."""
    loss = jax.checkpoint(p.loss) if checkpoint else p.loss

    def total(*xs: Any) -> Any:
        def body(carry: Any, now: Any) -> tuple[Any, None]:
            share, *xs = now
            return carry + share * loss(*xs), None

        share = jnp.asarray(shares(_SIZE), p.real)
        return jax.lax.scan(body, jnp.zeros((), p.real), (share, *xs))[0]

    return p.grad(total)(*p.batches(_SIZE))


def _while(p: Problem, theta: Any) -> Any:
    def body(state: tuple[Any, Any]) -> tuple[Any, Any]:
        return state[0] + 1, state[1] + p.along(theta)

    start = jnp.zeros((), jnp.int32), jnp.zeros((), p.real)
    return jax.lax.while_loop(lambda state: state[0] < _SIZE, body, start)[1]


def while_value(p: Problem) -> Any:
    """A loop with an unknown number of steps adds up the loss."""
    return _while(p, p.zero)


def while_jvp(p: Problem) -> Any:
    """The same loop in forward mode."""
    return jax.jvp(lambda t: _while(p, t), (p.zero,), (step(p, 1, 2),))[1]


def expect_while_jvp(o: Oracle) -> Any:
    """The slope, once for each step."""
    return _SIZE * (o.tangents[0] @ step(o.problem, 1, 2))


def grad_of_cond(p: Problem) -> Any:
    """A branch that is not known when it is traced."""

    def loss(flag: Any, *xs: Any) -> Any:
        return jax.lax.cond(flag, p.loss, lambda *_: jnp.zeros((), p.real), *xs)

    return jax.jit(jax.grad(loss, tuple(i + 1 for i in p.argnums)))(True, *p.xs)


def grad_of_checkpoint(p: Problem) -> Any:
    """Everything is computed again for backward."""
    return p.grad(jax.checkpoint(p.loss))(*p.xs)


def checkpoint_with_policy(p: Problem) -> Any:
    """Rematerialization that may save everything."""
    policy = jax.checkpoint_policies.everything_saveable
    return jax.jit(p.grad(jax.checkpoint(p.loss, policy=policy)))(*p.xs)


def expect_vmap_of_grad(o: Oracle) -> Any:
    """The gradient at each member."""
    pairs = zip(o.gradient(o.base), o.gradient(o.moved), strict=True)
    return tuple(map(jnp.stack, pairs))


def expect_vmap_of_hessian(o: Oracle) -> Any:
    """The Hessian at each member."""
    return jnp.stack([o.hessian(o.base), o.hessian(o.moved)])
