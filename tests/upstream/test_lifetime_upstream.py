"""What is freed, and when, under the names that the tests have in torch."""

import gc
import warnings
import weakref

import jax
import jax.numpy as jnp

from jaxgrad import Function
from tests.upstream.helpers import same

X = jnp.float32([0.5, -1.25])


class Holder:
    """Something to hold, and to see whether it is held."""


def freed(refs: list[weakref.ref]) -> bool:
    jax.clear_caches()
    gc.collect()
    assert refs
    return all(ref() is None for ref in refs)


def test_custom_function_cycle() -> None:
    """A context that holds itself goes away."""
    refs: list[weakref.ref] = []

    def use() -> None:
        class Cyclic(Function):
            @staticmethod
            def forward(ctx, x):
                holder = Holder()
                holder.own = holder
                refs.append(weakref.ref(holder))
                ctx.holder = holder
                ctx.x = x
                return x * 2

            @staticmethod
            def backward(ctx, g):
                assert ctx.holder.own is ctx.holder
                return g * ctx.x

        same(jax.grad(lambda x: Cyclic.apply(x).sum())(X), X)

    use()
    assert freed(refs)


def test_hook_closure_cycle() -> None:
    """A hook that holds its own context goes away."""
    refs: list[weakref.ref] = []

    def use() -> None:
        holder = Holder()
        refs.append(weakref.ref(holder))

        class Hooked(Function):
            @staticmethod
            def forward(ctx, x):
                def hook(grads, outs):
                    assert ctx is not None
                    assert holder is not None
                    return tuple(5 * g for g in grads)

                ctx.register_hook(hook)
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return 2 * g

        same(jax.grad(lambda x: Hooked.apply(x).sum())(X), jnp.full(2, 10.0))

    use()
    assert freed(refs)


def test_gc_in_destructor() -> None:
    """A collection in the middle of an application or a backward does no harm."""
    collected = []

    class Collects:
        def __del__(self):
            collected.append(gc.collect())

    class Drops(Function):
        @staticmethod
        def forward(ctx, x):
            Collects()
            return x * 2

        @staticmethod
        def backward(ctx, g):
            Collects()
            return 3 * g

        def __del__(self):
            collected.append(gc.collect())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        Drops()
    assert len(collected) == 1
    same(jax.grad(lambda x: Drops.apply(x).sum())(X), jnp.full(2, 3.0))
    assert len(collected) >= 3


def test_custom_function_saving_mutated_view_no_leak() -> None:
    """A dirty argument whose new value is saved and returned keeps nothing alive."""
    refs: list[weakref.ref] = []

    def use() -> None:
        class Dirty(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                y = x.at[0].set(7.0)
                ctx.save_for_backward(y)
                ctx.holder = Holder()
                refs.append(weakref.ref(ctx.holder))
                return y

            @staticmethod
            def backward(ctx, g):
                (y,) = ctx.saved_tensors
                return g * y

        same(jax.grad(lambda x: Dirty.apply(x).sum())(X), X.at[0].set(7.0))

    use()
    assert freed(refs)
