"""What may be an argument: static values, arrays, containers of arrays."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function


class Pair(NamedTuple):
    w: Any
    b: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Layer:
    w: Any
    b: Any


class Opaque:
    """Equal to nothing but itself, and not hashable."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __eq__(self, other: object) -> bool:
        raise AssertionError("static values that can't be hashed are not compared")


class Records(Function):
    """Doubles x; forward and backward both note the static value that they see."""

    seen: list

    @classmethod
    def forward(cls, ctx, x, value):
        ctx.value = value
        cls.seen.append(value)
        return 2 * x

    @classmethod
    def backward(cls, ctx, g):
        cls.seen.append(ctx.value)
        return 3 * g, None


def records() -> type[Records]:
    return type("Fresh", (Records,), {"seen": []})


X = jnp.arange(3.0, dtype=jnp.float32)
STATICS = [
    *(2, 2.5, True, 1j, None, "mode", b"raw", ..., slice(1, 2), np.float32, math.sin),
    *(lambda v: v, range(3), frozenset({1}), {1, 2}, bytearray(b"x"), Opaque(2.0)),
]


@pytest.mark.parametrize("value", STATICS, ids=lambda v: type(v).__name__)
def test_static_values_arrive_as_they_are(value: Any) -> None:
    cls = records()
    calls = [
        lambda: cls.apply(X, value),
        lambda: cls.apply(X, value),
        lambda: cls.apply(X, value),
        jax.jit(lambda: cls.apply(X, value)),
    ]
    for call in calls:
        np.testing.assert_array_equal(call(), 2 * X)
    f = lambda x: cls.apply(x, value).sum()  # noqa: E731
    for grad in (jax.grad(f), jax.jit(jax.grad(f))):
        np.testing.assert_array_equal(grad(X), np.full(3, 3.0))
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(X), np.full(3, 3.0))
    assert cls.seen
    assert all(type(v) is type(value) for v in cls.seen)
    assert all(v is value or v == value for v in cls.seen)


@pytest.mark.parametrize("value", [[1, 2], (1, "a"), {"k": 3.0, "none": None}])
def test_containers_of_static_values_arrive_equal(value: Any) -> None:
    cls = records()
    for _ in range(3):
        cls.apply(X, value)
    jax.jit(jax.grad(lambda x: cls.apply(x, value).sum()))(X)
    assert len(cls.seen) >= 2
    assert all(type(v) is type(value) and v == value for v in cls.seen)


class Signed(Function):
    @staticmethod
    def forward(ctx, x, s):
        ctx.factor = math.copysign({int: 1, float: 2, bool: 3}[type(s)], s)
        return x * ctx.factor

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


@pytest.mark.parametrize("rounds", [1, 3])
def test_equal_static_values_of_other_type_or_sign_are_not_mixed_up(
    rounds: int,
) -> None:
    want = [(1, 1), (1.0, 2), (True, 3), (0.0, 2), (-0.0, -2), (0, 1), (False, 3)]
    for _ in range(rounds):
        for s, factor in want:
            assert Signed.apply(jnp.float32(1.0), s) == factor
            assert jax.grad(Signed.apply)(jnp.float32(1.0), s) == factor
            assert jax.jit(jax.grad(lambda x, s=s: Signed.apply(x, s)))(1.0) == factor


def test_nan_is_a_static_value() -> None:
    for _ in range(3):
        assert abs(Signed.apply(jnp.float32(1.0), float("nan"))) == 2


class Scale(Function):
    """x * y, and a rule of 10 times the truth."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return 10 * g * y, 10 * g * x


@pytest.mark.parametrize(
    "x",
    [np.arange(3, dtype=np.float32), np.float32(2.0), np.ones((2, 0), np.float32)],
    ids=["array", "scalar", "empty"],
)
def test_numpy_values_are_arrays(x: Any) -> None:
    y = jnp.full(np.shape(x), 3.0, jnp.float32)
    for _ in range(3):
        out = Scale.apply(x, y)
        assert isinstance(out, jax.Array)
        assert out.dtype == jnp.float32
        np.testing.assert_array_equal(out, x * 3)
    loss = lambda x, y: Scale.apply(x, y).sum()  # noqa: E731
    gx, gy = jax.grad(loss, (0, 1))(x, y)
    np.testing.assert_array_equal(gx, np.full(np.shape(x), 30.0))
    np.testing.assert_array_equal(gy, 10 * x)
    np.testing.assert_array_equal(jax.grad(lambda y: loss(x, y))(y), 10 * x)


class Linear(Function):
    """p.w * x + p.b for every kind of container `p` of two arrays."""

    @staticmethod
    def forward(ctx, p, x):
        w, b = jax.tree.leaves(p)
        ctx.save_for_backward(x, w)
        ctx.of = jax.tree.structure(p)
        return w * x + b

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        leaves = (10 * g * x, 10 * g)
        return jax.tree.unflatten(ctx.of, leaves), 10 * g * w


W, B = jnp.float32(2.0), jnp.float32(5.0)
CONTAINERS = {
    "list": [W, B],
    "tuple": (W, B),
    "dict": {"a": W, "b": B},
    "nested": {"a": [W], "b": (None, {"c": B})},
    "namedtuple": Pair(W, B),
    "dataclass": Layer(W, B),
    "with-static": [W, {"n": B}, ()],
}


@pytest.mark.parametrize("p", CONTAINERS.values(), ids=CONTAINERS)
def test_containers_are_pytrees(p: Any) -> None:
    x = jnp.float32(3.0)
    want = jax.tree.unflatten(jax.tree.structure(p), (30.0, 10.0))
    for f in (Linear.apply, Linear.apply, Linear.apply, jax.jit(Linear.apply)):
        assert f(p, x) == 11.0
    for grad in (
        jax.grad(Linear.apply, (0, 1)),
        jax.jit(jax.grad(Linear.apply, (0, 1))),
    ):
        gp, gx = grad(p, x)
        assert jax.tree.structure(gp) == jax.tree.structure(p)
        assert gp == want
        assert gx == 20.0
    batched = jax.vmap(jax.grad(Linear.apply), (None, 0))(p, jnp.array([3.0, 4.0]))
    np.testing.assert_array_equal(jax.tree.leaves(batched)[0], [30.0, 40.0])


def test_a_container_of_arrays_and_static_values() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, config):
            assert config["mode"] == "double"
            assert type(config["n"]) is int
            return config["w"] * config["n"]

        @staticmethod
        def backward(ctx, g):
            return ({"w": 7 * g, "n": None, "mode": None},)

    f = lambda w: F.apply({"w": w, "n": 2, "mode": "double"})  # noqa: E731
    for _ in range(3):
        assert f(W) == 4.0
    assert jax.grad(f)(W) == 7.0
    assert jax.jit(jax.grad(f))(W) == 7.0


class Plain(Function):
    @staticmethod
    def forward(ctx, a, b):
        return a + b


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_no_array_argument_at_all(wrap: Callable) -> None:
    class Zeros(Function):
        @staticmethod
        def forward(ctx, n):
            return jnp.zeros(n)

        @staticmethod
        def backward(ctx, g):
            return None

    for _ in range(3):
        np.testing.assert_array_equal(wrap(lambda: Zeros.apply(2))(), [0, 0])
        assert Plain.apply(1, 2) == 3
        assert type(Plain.apply(1, 2)) is int
        assert Plain.apply("a", "b") == "ab"
    assert jax.grad(lambda x: x * wrap(lambda: Zeros.apply(1))()[0])(3.0) == 0.0


def test_the_same_array_twice() -> None:
    x = jnp.float32(3.0)
    assert Scale.apply(x, x) == 9.0
    assert jax.grad(lambda x: Scale.apply(x, x))(x) == 60.0
    assert jax.jit(jax.grad(lambda x: Scale.apply(x, x)))(x) == 60.0
    assert jax.grad(Scale.apply)(x, x) == 30.0
    assert jax.grad(jax.jit(Scale.apply), 1)(x, x) == 30.0
