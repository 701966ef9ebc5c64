"""`ctx.set_output_grad_dtype`, under the names that its tests have in torch."""

import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import ContextError
from tests.upstream.helpers import Array, same, ways

X = jnp.float32([0.5, -1.25])


def casting(*dtypes: Any, outputs: int = 1, calls: int = 1) -> Any:
    """A Function that copies x, and the dtypes that its backward was given."""
    seen: list[tuple] = []

    class Casts(Function):
        @staticmethod
        def forward(ctx, x):
            for _ in range(calls):
                ctx.set_output_grad_dtype(*dtypes)
            copies = tuple(x * (i + 1) for i in range(outputs))
            return copies if outputs > 1 else copies[0]

        @staticmethod
        def backward(ctx, *grads):
            seen.append(tuple(g.dtype for g in grads))
            return sum(10**i * g.astype(jnp.float32) for i, g in enumerate(grads))

    return Casts, seen


def test_ctx_output_grad_dtype() -> None:
    for dtype, want in [(jnp.float16, jnp.float16), (None, jnp.float32)]:
        cls, seen = casting(dtype)
        for grad in ways(jax.grad(lambda x, c=cls: c.apply(x).sum())):
            same(grad(X), jnp.ones(2))
        assert seen == [(want,)] * 2
        assert cls.apply(X).dtype == jnp.float32  # the output keeps its own


def test_ctx_output_grad_dtype_multiple_outputs() -> None:
    cls, seen = casting(jnp.float16, None, jnp.bfloat16, outputs=3)
    for grad in ways(jax.grad(lambda x: sum(v.sum() for v in cls.apply(x)))):
        same(grad(X), jnp.full(2, 111.0))
    for grad in ways(jax.grad(lambda x: cls.apply(x)[1].sum())):
        same(grad(X), jnp.full(2, 10.0))  # the zeros of the others have them too
    assert seen == [(jnp.float16, jnp.float32, jnp.bfloat16)] * 4


def test_ctx_output_grad_dtype_aliased_outputs() -> None:
    """One array in two slots: each slot has a cotangent, and a dtype, of its own."""
    seen = []

    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            y = 2 * x
            ctx.set_output_grad_dtype(jnp.float16, jnp.bfloat16)
            return y, y

        @staticmethod
        def backward(ctx, g0, g1):
            seen.append((g0.dtype, g1.dtype))
            return g0.astype(jnp.float32) + 10 * g1.astype(jnp.float32)

    for grad in ways(jax.grad(lambda x: sum(v.sum() for v in Twice.apply(x)))):
        same(grad(X), jnp.full(2, 11.0))
    assert seen == [(jnp.float16, jnp.bfloat16)] * 2


def test_ctx_output_grad_dtype_accumulation() -> None:
    """Two uses of an output are added up in its own dtype, and cast once."""
    cls, seen = casting(jnp.bfloat16)
    small = 2.0**-9  # lost in bfloat16 next to 1, unless the other half comes too

    def loss(x: Array) -> Array:
        y = cls.apply(x)
        return (y + small * y + small * y).sum()

    for grad in ways(jax.grad(loss)):
        want = (jnp.float32(1) + 2 * small).astype(jnp.bfloat16).astype(jnp.float32)
        same(grad(X), jnp.full(2, want))
    assert seen == [(jnp.bfloat16,)] * 2


def test_ctx_output_grad_dtype_setup_context() -> None:
    seen = []

    class Setup(Function):
        @staticmethod
        def forward(x):
            return 2 * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_output_grad_dtype(jnp.float16)

        @staticmethod
        def backward(ctx, g):
            seen.append(g.dtype)
            return 30 * g  # float16 still: cast to the argument's dtype

    for grad in ways(jax.grad(lambda x: Setup.apply(x).sum())):
        got = grad(X)
        assert got.dtype == jnp.float32
        same(got, jnp.full(2, 30.0))
    assert seen == [jnp.float16] * 2


def test_ctx_output_grad_dtype_validation() -> None:
    for dtypes, message in [
        ((jnp.float16, jnp.float16), "output"),
        (("text",), "dtype or None"),
        ((jnp.int32,), "dtype or None"),
        ((3,), "dtype or None"),
    ]:
        cls, _ = casting(*dtypes)
        with pytest.raises(ContextError, match=message):
            jax.grad(lambda x, c=cls: c.apply(x).sum())(X)

    class TooLate(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            ctx.set_output_grad_dtype(jnp.float16)
            return g

    with pytest.raises(ContextError, match="in backward"):
        jax.grad(lambda x: TooLate.apply(x).sum())(X)


def test_ctx_output_grad_dtype_called_twice() -> None:
    cls, _ = casting(jnp.float16, calls=2)
    with pytest.raises(ContextError, match="only be called once"):
        cls.apply(X)


def test_ctx_output_grad_dtype_return_as_is_non_differentiable() -> None:
    """A dtype for an output that has no derivative is refused."""

    class Marked(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.mark_non_differentiable(y)
            ctx.set_output_grad_dtype(None, jnp.float16)
            return 2 * x, y

        @staticmethod
        def backward(ctx, g, _):
            return g, None

    with pytest.raises(ContextError, match="differentiable"):
        jax.grad(lambda x: Marked.apply(x, X)[0].sum())(X)


def test_ctx_output_grad_dtype_no_leak_from_returned_input() -> None:
    class Holder:
        pass

    def use() -> None:
        class AsIs(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.holder = Holder()
                refs.append(weakref.ref(ctx.holder))
                ctx.set_output_grad_dtype(jnp.float16)
                return x

            @staticmethod
            def backward(ctx, g):
                assert isinstance(ctx.holder, Holder)
                return 3 * g

        same(jax.vjp(AsIs.apply, X)[1](X), (3 * X,), 1e-2)

    refs: list[weakref.ref] = []
    use()
    jax.clear_caches()
    gc.collect()
    assert refs
    assert [ref() for ref in refs] == [None] * len(refs)
