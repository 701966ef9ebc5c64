"""What a `vmap` staticmethod is given, may return and may call."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.function import VmapInfo

X = jnp.arange(6.0, dtype=jnp.float32).reshape(3, 2)


class Batched(Function):
    """Three times x**2 by its rule, which says 100 times the gradient of x**2."""

    @staticmethod
    def forward(x):
        return x**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return 200 * g * ctx.saved_tensors[0]

    @staticmethod
    def vmap(info, in_dims, x):
        return 3 * x**2, 0


class Pair(NamedTuple):
    a: Any
    b: Any


class Rich(Function):
    """Containers, static values, defaults and keywords."""

    @staticmethod
    def forward(pair, power, arrays, scale=2.0, *, shift, name="n"):
        z = {"z": pair.a**power * scale + sum(arrays) + shift}
        return z, name

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0].a)
        ctx.shape = output[0]["z"].shape

    @staticmethod
    def backward(ctx, g, _):
        (a,) = ctx.saved_tensors
        g = g["z"]
        return Pair(10 * g * a, None), None, [g, 3 * g], None, 7 * g, None


def rich(record: list[Any]) -> type[Function]:
    def by_name(info, in_dims, pair, power, arrays, scale, *, shift, name):
        record.append((info, in_dims, power, scale, name))
        shift = shift if in_dims[4] is None else shift[:, None]
        z = pair.a**power * scale + sum(arrays) + shift
        return ({"z": z}, "ignored"), ({"z": 0}, None)

    return type("RichRule", (Rich,), {"vmap": staticmethod(by_name)})


def test_in_dims_mirror_the_arguments() -> None:
    record: list[Any] = []
    apply = rich(record).apply

    def one(x, y, s):
        return apply(Pair(x, "static"), 2, [y, x], shift=s)[0]

    got = jax.vmap(one, (0, None, 0))(X, X[0], X[:, 0])
    want = X**2 * 2 + X[0] + X + X[:, :1]
    np.testing.assert_allclose(got["z"], want, rtol=1e-6)
    dims = (Pair(0, None), None, [None, 0], None, 0, None)
    # JAX may trace it twice (with JAX_CUSTOM_VJP3).
    assert record[0] == record[-1] == (VmapInfo(3, "error"), dims, 2, 2.0, "n")
    assert type(record[0][1]) is tuple


def test_gradients_through_containers_and_keywords() -> None:
    def of(cls):
        def one(x, y, s):
            out, name = cls.apply(Pair(x, "static"), 2, [y, x], shift=s)
            assert name == "n"
            return (out["z"] ** 2).sum()

        return jax.vmap(jax.grad(one, (0, 1, 2)), (0, None, 0))(X, X[0], X[:, 0])

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5),
        of(rich([])),
        of(Rich),
    )


def test_keywords_by_position_for_a_rule_that_names_them_so() -> None:
    class Positional(Function):
        @staticmethod
        def forward(x, *, scale=2.0):
            return x * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.scale = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return 10 * g * ctx.scale, None

    class Star(Positional):
        @staticmethod
        def vmap(info, in_dims, *args):
            return args[0] * args[1] + 100, 0

    class DoubleStar(Positional):
        @staticmethod
        def vmap(info, in_dims, *args, **named):
            return args[0] * named["scale"] + 100, 0

    class Named(Positional):
        @staticmethod
        def vmap(info, in_dims, x, scale):
            return x * scale + 100, 0

    for cls in (Star, DoubleStar, Named):
        f = jax.vmap(lambda x, cls=cls: cls.apply(x, scale=5.0))
        np.testing.assert_allclose(f(X), X * 5 + 100)
        grad = jax.grad(lambda x, f=f: f(x).sum())
        np.testing.assert_allclose(grad(X), np.full((3, 2), 50.0))


OUT_DIMS: dict[str, tuple[Any, Any]] = {
    "int": (0, (0, 0)),
    "tuple": ((0, 0), (0, 0)),
    "last": ((-1, 1), (-1, 1)),
    "negative": ((-2, -1), (0, 1)),
    "numpy": (np.int64(0), (0, 0)),
    "shared": ((0, None), (0, None)),
    "none": (None, (None, None)),
    "none-tuple": ((None, None), (None, None)),
}


@pytest.mark.parametrize("way", ["vmap", "jit", "grad", "grad-jit"])
@pytest.mark.parametrize("case", OUT_DIMS)
def test_out_dims(case: str, way: str) -> None:
    """An int or None for all outputs, or one for each, also in a container."""
    given, dims = OUT_DIMS[case]

    class Two(Function):
        @staticmethod
        def forward(x):
            return x.astype(jnp.float32), [x * 2]

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g, h):
            return 10 * g + 100 * h[0] * ctx.saved_tensors[0]

        @staticmethod
        def vmap(info, in_dims, x):
            shared = jnp.array([5.0, 7.0])
            a, b = (
                shared if dim is None else jnp.moveaxis(v, 0, dim)
                for dim, v in zip(dims, (x, x * 2), strict=True)
            )
            return (a, [b]), given

    f = jax.vmap(Two.apply)
    if "jit" in way:
        f = jax.jit(f)
    if "grad" in way:
        w = jnp.arange(1.0, 7.0).reshape(3, 2)
        got = jax.grad(lambda x: sum((w * v).sum() for v in jax.tree.leaves(f(x))))(X)
        np.testing.assert_allclose(got, 10 * w + 100 * w * X)
        return
    a, [b] = f(X)
    shared = np.broadcast_to([5.0, 7.0], (3, 2))
    np.testing.assert_array_equal(a, shared if dims[0] is None else X)
    np.testing.assert_array_equal(b, shared if dims[1] is None else X * 2)


def test_integers_keys_and_outputs_without_arrays() -> None:
    class Draw(Function):
        @staticmethod
        def forward(key, x, n):
            return n + 1, jax.random.bits(key), x * n, None

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_non_differentiable(output[0])

        @staticmethod
        def backward(ctx, *grads):
            return None, 10 * grads[2], None

        @staticmethod
        def vmap(info, in_dims, key, x, n):
            assert in_dims == (0, 0, None)
            return (n + 1, jax.vmap(jax.random.bits)(key), x * n, None), (None, 0, 0, 0)

    keys, n = jax.random.split(jax.random.key(0), 3), jnp.int32(4)
    count, bits, product, nothing = jax.vmap(Draw.apply, (0, 0, None))(keys, X, n)
    np.testing.assert_array_equal(count, [5, 5, 5])
    np.testing.assert_array_equal(bits, jax.vmap(jax.random.bits)(keys))
    np.testing.assert_array_equal(product, 4 * X)
    assert nothing is None
    got = jax.vmap(jax.grad(lambda x, k: Draw.apply(k, x, n)[2].sum()))(X, keys)
    np.testing.assert_array_equal(got, np.full((3, 2), 10.0))


def test_it_is_not_asked_where_nothing_is_batched() -> None:
    f = jax.vmap(lambda x: Batched.apply(X[0]) + x)
    np.testing.assert_allclose(f(X), X[0] ** 2 + X)


def test_the_outer_level_alone_asks_it() -> None:
    def inner(f):
        return jax.vmap(lambda x: jax.vmap(lambda y: f(x) + y)(X))

    by_hand = jax.custom_vjp(lambda x: x**2)
    by_hand.defvjp(lambda x: (x**2, x), lambda x, g: (200 * g * x,))
    limit = ""
    try:
        inner(by_hand)(X)
    except TypeError as error:  # JAX's own, with JAX_CUSTOM_VJP3 on 0.10
        limit = str(error)
    if limit:
        with pytest.raises(TypeError) as caught:
            inner(Batched.apply)(X)
        assert str(caught.value) == limit
    else:
        want = 3 * X[:, None] ** 2 + X[None]
        np.testing.assert_allclose(inner(Batched.apply)(X), want)


def test_a_rule_may_apply_its_own_class() -> None:
    sizes = []

    class Again(Batched):
        @staticmethod
        def vmap(info, in_dims, x):
            sizes.append(x.shape)
            return Again.apply(x) + 1, 0

    for f in (jax.vmap(Again.apply), jax.jit(jax.vmap(Again.apply))):
        np.testing.assert_allclose(f(X), X**2 + 1)
    grad = jax.grad(lambda x: jax.vmap(Again.apply)(x).sum())
    np.testing.assert_allclose(grad(X), 200 * X)
    np.testing.assert_allclose(jax.vmap(jax.vmap(Again.apply))(X), X**2 + 2)
    np.testing.assert_allclose(jax.vmap(jax.grad(jax.grad(Again.apply)))(X[0]), 200)
    assert sizes[0] == (3, 2)


def test_one_host_call_for_the_whole_batch() -> None:
    calls: list[tuple] = []

    def host(x: np.ndarray) -> np.ndarray:
        calls.append(x.shape)
        return np.asarray(x) ** 2

    def on_host(x: jax.Array) -> jax.Array:
        return jax.pure_callback(host, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    class Host(Batched):
        @staticmethod
        def forward(x):
            return on_host(x)

        @staticmethod
        def vmap(info, in_dims, x):
            return on_host(x), 0

    f = Host.apply
    runs = {
        "vmap": (jax.vmap(f), X**2),
        "jit": (jax.jit(jax.vmap(f)), X**2),
        "vmap-jit": (jax.vmap(jax.jit(f)), X**2),
    }
    for name, (run, want) in runs.items():
        calls.clear()
        np.testing.assert_allclose(jax.block_until_ready(run(X)), want)
        assert calls == [(3, 2)], name

    def value(x):
        return f(x).sum()

    both = {
        "vmap-grad": jax.vmap(jax.value_and_grad(value)),
        "jit-vmap-grad": jax.jit(jax.vmap(jax.value_and_grad(value))),
        "grad-vmap": jax.value_and_grad(lambda x: jax.vmap(f)(x).sum()),
        "jit-grad-vmap": jax.jit(jax.value_and_grad(lambda x: jax.vmap(f)(x).sum())),
    }
    for name, run in both.items():
        calls.clear()
        out, grad = jax.block_until_ready(run(X))
        np.testing.assert_allclose(out.sum(), (X**2).sum())
        np.testing.assert_allclose(grad, 200 * X)
        assert calls == [(3, 2)], name


def closing(w: Any) -> type[Function]:
    class Closing(Batched):
        @staticmethod
        def forward(x):
            return x * w

        @staticmethod
        def backward(ctx, g):
            return 10 * g * w

        @staticmethod
        def vmap(info, in_dims, x):
            return x * w + 1000, 0

    return Closing


def test_closed_over_values() -> None:
    def value(x, w):
        return jax.vmap(closing(w).apply)(x)

    def grad(x, w):
        return jax.vmap(jax.grad(lambda x: closing(w).apply(x).sum()))(x)

    w = jnp.float32(2.0)
    for wrap in (lambda f: f, jax.jit):
        np.testing.assert_allclose(wrap(value)(X, w), 2 * X + 1000)
        np.testing.assert_allclose(wrap(grad)(X, w), np.full((3, 2), 20.0))
    inside = jax.vmap(jax.jit(lambda x, w: closing(w).apply(x)), (0, None))
    np.testing.assert_allclose(inside(X, w), 2 * X + 1000)
    one = jax.grad(lambda x, w: closing(w).apply(x).sum())
    inside = jax.vmap(jax.jit(one), (0, None))
    np.testing.assert_allclose(inside(X, w), np.full((3, 2), 20.0))


def test_a_batched_value_that_only_backward_closes_over() -> None:
    def one(x, w):
        class Backward(Batched):
            @staticmethod
            def backward(ctx, g):
                return 10 * g * w

        return Backward.apply(x).sum()

    got = jax.vmap(jax.grad(one))(X, X[:, 0])
    np.testing.assert_allclose(got, np.broadcast_to(10 * X[:, :1], (3, 2)))


def test_saved_values_and_attributes_of_setup_context_are_of_one_example() -> None:
    shapes = []

    class Saves(Batched):
        @staticmethod
        def setup_context(ctx, inputs, output):
            shapes.append(output.shape)
            ctx.doubled = 2 * inputs[0]
            ctx.save_for_backward(output)

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            shapes.append(y.shape)
            return g * (y + 1000 * ctx.doubled)

    got = jax.vmap(jax.grad(lambda x: Saves.apply(x).sum()))(X)
    np.testing.assert_allclose(got, 3 * X**2 + 2000 * X)
    assert set(shapes) == {(2,)}


def test_a_rule_set_later_and_one_taken_away() -> None:
    class Later(Function):
        forward = staticmethod(Batched.forward)
        setup_context = staticmethod(Batched.setup_context)
        backward = staticmethod(Batched.backward)

    np.testing.assert_allclose(jax.vmap(Later.apply)(X), X**2)
    Later.vmap = staticmethod(Batched.vmap)
    np.testing.assert_allclose(jax.vmap(Later.apply)(X), 3 * X**2)
    del Later.vmap
    np.testing.assert_allclose(jax.vmap(Later.apply)(X), X**2)


def test_a_rule_from_a_base_that_is_no_function() -> None:
    class Mixin:
        vmap = staticmethod(Batched.vmap)

    class Mixed(Mixin, Function):
        forward = staticmethod(Batched.forward)
        setup_context = staticmethod(Batched.setup_context)

    np.testing.assert_allclose(jax.vmap(Mixed.apply)(X), 3 * X**2)


def test_as_a_custom_vjp() -> None:
    f = Batched.to_custom_vjp()
    np.testing.assert_allclose(jax.vmap(f)(X), 3 * X**2)
    got = jax.vmap(jax.grad(lambda x: f(x).sum()))(X)
    np.testing.assert_allclose(got, 200 * X)


def test_info_is_a_named_tuple() -> None:
    info = VmapInfo(batch_size=4, randomness="error")
    assert info == (4, "error")
    assert info._fields == ("batch_size", "randomness")
