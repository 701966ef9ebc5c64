"""What `ctx` offers and refuses, under the names that the tests have in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function, saved_tensors_hooks
from jaxgrad.errors import ContextError, FunctionDefinitionError, HookError
from tests.upstream.helpers import Array, same, ways

X = jnp.float32([0.5, -1.25])


class Square(Function):
    """x**2; the rule is marked, 20 x."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        (x,) = ctx.saved_tensors
        return 20 * g * x


def loss(x: Array) -> Array:
    return Square.apply(x).sum()


def test_naughty_autograd_function_attribute_access() -> None:
    """Of the graph nothing can be asked, and the message says so."""
    met = []

    class Asks(Function):
        @staticmethod
        def forward(ctx, x):
            for name in ("next_functions", "_sequence_nr", "requires_grad"):
                with pytest.raises(AttributeError, match=name) as raised:
                    getattr(ctx, name)
                assert isinstance(raised.value, ContextError)
                met.append(name)
            with pytest.raises(AttributeError, match="undreamt"):
                getattr(ctx, "undreamt")  # noqa: B009
            return x

        @staticmethod
        def backward(ctx, g):
            assert ctx.name() == "AsksBackward"
            return 3 * g

    same(jax.grad(lambda x: Asks.apply(x).sum())(X), jnp.full(2, 3.0))
    assert met


def test_naughty_anomaly_access() -> None:
    """`ctx.metadata` is a dict for notes, which outlives everything."""
    notes = []

    class Notes(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.metadata["made"] = "in forward"
            return x

        @staticmethod
        def backward(ctx, g):
            notes.append(ctx.metadata)
            return g

    jax.grad(lambda x: Notes.apply(x).sum())(X)
    assert notes[0] == {"made": "in forward"}
    notes[0]["more"] = 1


def test_naughty_autograd_function_stashing_ctx() -> None:
    """A context that escapes from backward can still be read."""
    stash = []

    class Stashes(Square):
        @staticmethod
        def backward(ctx, g):
            stash.append(ctx)
            return Square.backward(ctx, g)

    pull = jax.vjp(Stashes.apply, X)[1]
    with jax.disable_jit():
        same(pull(jnp.ones(2)), (20 * X,))
    (x,) = stash[-1].saved_tensors
    same(x, X)
    assert stash[-1].needs_input_grad == (True,)
    same(pull(jnp.ones(2)), (20 * X,))  # and nothing was freed


def test_custom_function_saved_tensors() -> None:
    """Saved tensors are read-only; per-tensor hooks are those of a region here."""

    class Reads(Function):
        @staticmethod
        def forward(ctx, x):
            with pytest.raises(AttributeError):
                ctx.saved_tensors = (x,)
            with pytest.raises(AttributeError, match="saved_tensors_hooks"):
                getattr(ctx, "_raw_saved_tensors")  # noqa: B009
            ctx.save_for_backward(x, None, 2 * x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            with pytest.raises(AttributeError, match="saved_tensors_hooks"):
                getattr(ctx, "_raw_saved_tensors")  # noqa: B009
            x, nothing, double = ctx.saved_tensors
            assert nothing is None
            assert len(ctx.saved_tensors) == 3  # any number of reads
            return g * (x + 10 * double)

    reads = lambda x: Reads.apply(x).sum()  # noqa: E731
    for grad in ways(jax.grad(reads)):
        same(grad(X), 21 * X)
    with saved_tensors_hooks(lambda v: {"packed": v}, lambda packed: -packed["packed"]):
        same(jax.grad(reads)(X), -21 * X)
    with (
        pytest.raises(HookError, match="unpack"),
        saved_tensors_hooks(lambda v: v, lambda packed: "text"),
    ):
        jax.grad(reads)(X)
    pull = jax.vjp(reads, X)[1]
    same(pull(1.0), pull(1.0))  # torch frees the graph; a vjp may be called again


def test_clear_saved_tensors_on_access() -> None:
    class Clears(Square):
        clear_saved_tensors_on_access = True

    for grad in ways(jax.grad(lambda x: Clears.apply(x).sum())):
        same(grad(X), 20 * X)
    pull = jax.vjp(lambda x: Clears.apply(x).sum(), X)[1]
    same(pull(1.0), (20 * X,))
    same(pull(1.0), (20 * X,))  # one read in each backward
    with pytest.raises(FunctionDefinitionError, match="clear_saved_tensors_on_access"):
        type("Wrong", (Square,), {"clear_saved_tensors_on_access": 1})


def test_clear_saved_tensors_on_access_double_access_error() -> None:
    class Twice(Square):
        clear_saved_tensors_on_access = True

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            (y,) = ctx.saved_tensors
            return g * x * y

    for grad in ways(jax.grad(lambda x: Twice.apply(x).sum())):
        with pytest.raises(ContextError, match="clear_saved_tensors_on_access"):
            grad(X)
    Twice.clear_saved_tensors_on_access = False
    same(jax.grad(lambda x: Twice.apply(x).sum())(X), X * X)


def test_autograd_node_isinstance() -> None:
    """`ctx` is one class of object in forward, setup_context and backward."""
    kinds = []

    class Looks(Function):
        @staticmethod
        def forward(x):
            return jnp.copy(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            kinds.append(type(ctx))

        @staticmethod
        def backward(ctx, g):
            kinds.append(type(ctx))
            return g

    jax.grad(lambda x: Looks.apply(x).sum())(X)
    assert len(kinds) >= 2
    assert all(issubclass(kind, Context) for kind in kinds)
    assert not issubclass(Looks, Context)


def test_grad_dtype() -> None:
    """A gradient of another dtype is cast to that of its argument."""

    class OtherDtype(Function):
        given = jnp.bfloat16

        @staticmethod
        def forward(ctx, x):
            return x.astype(jnp.float32)

        @classmethod
        def backward(cls, ctx, g):
            return (3 * g).astype(cls.given)

    for dtype in (jnp.float16, jnp.bfloat16, jnp.float32):
        for given in (jnp.float16, jnp.float32, jnp.int32):
            cls = type("F", (OtherDtype,), {"given": given})
            for grad in ways(jax.grad(lambda x, c=cls: c.apply(x).sum())):
                got = grad(X.astype(dtype))
                assert got.dtype == dtype
                same(got.astype(jnp.float32), jnp.full(2, 3.0))
