"""What a `vmap` staticmethod can do wrong, and what the error says."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import FunctionDefinitionError, JaxgradError, VmapError
from tests.function.functions import says

X = jnp.arange(8.0, dtype=jnp.float32).reshape(4, 2)


class Base(Function):
    @staticmethod
    def forward(x):
        return x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, g):
        return g * 2


class Several(Base):
    @staticmethod
    def forward(x):
        return x * 2, [x.sum()]

    @staticmethod
    def backward(ctx, g, h):
        return g * 2 + h[0]


def returning(base: type, make: Callable) -> type[Function]:
    def vmap(info, in_dims, x):
        return make(x)

    return type("Wrong", (base,), {"vmap": staticmethod(vmap)})


ONE: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "alone": (lambda x: x * 2, ("two things", "got one array, f32[4,2]")),
    "list": (lambda x: [x * 2, 0], ("(output, out_dims)", "got a list")),
    "three": (lambda x: (x, x, 0), ("two things", "a tuple of 3")),
    "none": (lambda x: None, ("two things", "NoneType")),
    "out-of-range": (lambda x: (x * 2, 2), ("from -2 to 1", "got 2", "f32[4,2]")),
    "negative": (lambda x: (x * 2, -3), ("from -2 to 1", "got -3")),
    "scalar": (lambda x: (x.sum(), 0), ("scalar", "4 examples of f32[2]", "f32[]")),
    "string": (lambda x: (x * 2, "0"), ("out_dims", "str '0'", "int")),
    "float": (lambda x: (x * 2, 0.0), ("out_dims", "float 0.0")),
    "bool": (lambda x: (x * 2, True), ("out_dims", "bool True")),
    "dims-in-a-tuple": (lambda x: (x * 2, (0,)), ("out_dims", "got (0,)", "prefix")),
    "batch-size": (lambda x: (x[:3] * 2, 0), ("f32[4,2]", "f32[3,2]", "batch of 4")),
    "one-example": (lambda x: (x[:1] * 2, 0), ("f32[4,2]", "f32[1,2]", "output 0")),
    "wrong-dim": (lambda x: (x * 2, 1), ("f32[2,4]", "f32[4,2]", "at dimension 1")),
    "not-shared": (lambda x: (x * 2, None), ("f32[2]", "f32[4,2]", "shared by all")),
    "shape": (lambda x: (x.sum(1), 0), ("f32[4,2]", "f32[4]", "one example")),
    "dtype": (lambda x: (x.astype(int), 0), ("f32[4,2]", "i32[4,2]")),
    "two-outputs": (lambda x: ((x, x), 0), ("structure", "Expected f32[2]", "(f32[")),
    "no-array": (lambda x: ("x", 0), ("structure", "Expected f32[2]", "got 'x'")),
}
SEVERAL: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "one-output": (
        lambda x: (x * 2, 0),
        ("structure", "Expected (f32[2], [f32[]])", "got f32[4,2]"),
    ),
    "tuple-for-list": (
        lambda x: ((x * 2, (x.sum(1),)), 0),
        ("structure", "Expected (f32[2], [f32[]])", "(f32[4,2], (f32[4],))"),
    ),
    "dims-too-few": (lambda x: ((x * 2, [x.sum(1)]), (0,)), ("out_dims", "(0,)")),
    "dims-too-many": (
        lambda x: ((x * 2, [x.sum(1)]), (0, 0, 0)),
        ("out_dims", "(0, 0, 0)", "(*, [*])"),
    ),
    "dims-in-a-list": (lambda x: ((x * 2, [x.sum(1)]), [0, 0]), ("out_dims", "[0, 0]")),
    "second-output": (
        lambda x: ((x * 2, [x.sum(0)]), 0),
        ("output 1", "f32[4]", "f32[2]"),
    ),
    "unsortable": (lambda x: ({1: x, "a": x}, 0), ("can't flatten",)),
}
CASES = [
    *[pytest.param(Base, *case, id=name) for name, case in ONE.items()],
    *[pytest.param(Several, *case, id=name) for name, case in SEVERAL.items()],
]


def total(f: Callable) -> Callable:
    return lambda x: sum(leaf.sum() for leaf in jax.tree.leaves(f(x)))


@pytest.mark.parametrize(("base", "make", "parts"), CASES)
def test_a_wrong_answer(base: type, make: Callable, parts: tuple) -> None:
    apply = returning(base, make).apply
    with pytest.raises(VmapError) as caught:
        jax.vmap(apply)(X)
    says(caught.value, "Wrong.vmap", "Expected", "got", *parts)
    assert str(caught.value).count("\n") >= 2  # what, expected and got, the way out
    with pytest.raises(VmapError) as again:
        jax.jit(jax.grad(total(jax.vmap(apply))))(X)
    assert str(again.value) == str(caught.value)
    apply(X)  # one example is none of the rule's business
    jax.grad(total(apply))(X)


def test_what_the_error_is_caught_as() -> None:
    assert issubclass(VmapError, JaxgradError)
    for builtin in (RuntimeError, ValueError, IndexError):
        with pytest.raises(builtin):
            jax.vmap(returning(Base, lambda x: (x, 7)).apply)(X)


CTX_WAYS: dict[str, Callable] = {
    "vmap": jax.vmap,
    "jit": lambda f: jax.jit(jax.vmap(f)),
    "vmap-jit": lambda f: jax.vmap(jax.jit(f)),
    "vmap-grad": lambda f: jax.vmap(jax.grad(total(f))),
    "vmap-jit-grad": lambda f: jax.vmap(jax.jit(jax.grad(total(f)))),
    "grad-vmap": lambda f: jax.grad(total(jax.vmap(f))),
}


@pytest.mark.parametrize("way", CTX_WAYS)
def test_a_forward_with_ctx_and_a_rule(way: str) -> None:
    class WithCtx(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            return 10 * g * ctx.saved_tensors[0]

        @staticmethod
        def vmap(info, in_dims, x):
            raise AssertionError("it can't be used")

    with pytest.raises(VmapError) as caught:
        CTX_WAYS[way](WithCtx.apply)(X)
    says(
        caught.value,
        "WithCtx",
        "forward(*args)",
        "setup_context(ctx, inputs, output)",
        "got forward(ctx, *args)",
    )
    assert (WithCtx.apply(X) == X**2).all()
    assert (jax.jit(WithCtx.apply)(X) == X**2).all()
    assert (jax.grad(total(WithCtx.apply))(X) == 10 * X).all()


def test_both_rules() -> None:
    members: dict[str, Any] = {"generate_vmap_rule": True}
    rule = staticmethod(lambda info, in_dims, x: (x, 0))
    with pytest.raises(FunctionDefinitionError) as caught:
        type("Both", (Base,), {**members, "vmap": rule})
    says(caught.value, "Both", "`vmap`", "generate_vmap_rule = True", "Remove")
    ruled = type("Ruled", (Base,), {"vmap": rule})
    with pytest.raises(FunctionDefinitionError):
        type("Inherited", (ruled,), members)
    with pytest.raises(FunctionDefinitionError):
        ruled.generate_vmap_rule = True


def test_the_base_class_has_no_rule() -> None:
    assert Function.generate_vmap_rule is False
    with pytest.raises(VmapError):
        Function.vmap(None, (0,), X)


@pytest.mark.parametrize("method", ["forward", "vmap", "static"])
def test_a_batched_value_that_is_closed_over(method: str) -> None:
    def one(x, w):
        closing = {
            "forward": lambda x, f=None: x * w,
            "vmap": lambda info, in_dims, x, f=None: (x * w, 0),
        }
        open_ = {
            "forward": lambda x, f=None: x,
            "vmap": lambda info, in_dims, x, f=None: (x, 0),
        }
        chosen = {**open_, **{k: v for k, v in closing.items() if k == method}}
        members = {k: staticmethod(v) for k, v in chosen.items()}
        cls = type("Closing", (Base,), members)
        return cls.apply(x, (lambda v: v * w) if method == "static" else None)

    for wrap in (lambda f: f, jax.jit):
        with pytest.raises(VmapError) as caught:
            jax.vmap(wrap(one))(X, X[:, 0])
        says(caught.value, "Closing closes over 'w'", "batched", "Closing.apply(x, w)")
        got = jax.vmap(wrap(one), (0, None))(X, jnp.float32(3.0))  # not batched: right
        factor = 1 if method == "static" else 3
        assert (got == factor * X).all() or method == "forward"


class OwnError(Exception):
    """Somebody's own."""


@pytest.mark.parametrize("error", [OwnError, TypeError, ValueError, IndexError])
@pytest.mark.parametrize("way", CTX_WAYS)
def test_the_users_own_exceptions_pass_through(way: str, error: type) -> None:
    mine = error("mine")

    def fail(x):
        raise mine

    with pytest.raises(error) as caught:
        CTX_WAYS[way](returning(Base, fail).apply)(X)
    assert caught.value is mine
