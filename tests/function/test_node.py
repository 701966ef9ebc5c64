"""What `ctx` has of torch's node: hooks round backward, dtypes, flags, absent parts."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import (
    ContextAttributeError,
    ContextError,
    FunctionDefinitionError,
    HookError,
)

X = jnp.array([0.5, -1.0])


def make(
    before: Callable[..., Any] | None = None, **flags: Any
) -> tuple[Any, dict[str, Any]]:
    """A Function with the rule `5 x g` for `x * k`; `before(ctx)` runs in forward."""
    seen: dict[str, Any] = {}

    class Marked(Function):
        locals().update(flags)

        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            ctx.save_for_backward(x)
            if before is not None:
                before(ctx)
            return x * 2, jnp.arange(2)

        @staticmethod
        def backward(ctx: Context, g: Any, h: Any) -> jax.Array:
            seen["g"], seen["h"] = g, h
            (x,) = ctx.saved_tensors
            return 5 * x * g

    return Marked, seen


def grad(cls: Any, x: jax.Array = X) -> jax.Array:
    return jax.grad(lambda x: cls.apply(x)[0].sum())(x)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.checkpoint])
def test_prehooks_and_hooks_run_round_backward_in_order(wrap: Callable) -> None:
    order: list[str] = []

    def pre(grads: tuple[Any, ...]) -> Any:
        order.append("pre")
        return 10 * grads[0], grads[1]

    def post(inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> Any:
        order.append("post")
        assert len(outputs) == 2
        return (inputs[0] + 1,)

    def watch(inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        order.append("watch")

    def register(ctx: Any) -> None:
        ctx.register_hook(post)
        ctx.register_hook(watch)
        ctx.register_prehook(pre)

    cls, _ = make(register)
    got = jax.grad(lambda x: wrap(cls.apply)(x)[0].sum())(X)
    np.testing.assert_allclose(got, 50 * X + 1)
    assert order[:3] == ["pre", "post", "watch"]


def test_hooks_hold_at_second_order() -> None:
    cls, _ = make(lambda ctx: ctx.register_prehook(lambda g: (10 * g[0], g[1])))
    second = jax.grad(lambda x: grad(cls, x).sum())(X)
    np.testing.assert_allclose(second, [50.0, 50.0])


def test_a_hook_may_close_over_arrays() -> None:
    def run(x: jax.Array, factor: jax.Array) -> jax.Array:
        cls, _ = make(lambda ctx: ctx.register_prehook(lambda g: (factor * g[0], g[1])))
        return grad(cls, x)

    np.testing.assert_allclose(jax.jit(run)(X, jnp.float32(3.0)), 15 * X)


def test_a_removed_hook_does_not_run() -> None:
    def register(ctx: Any) -> None:
        handle = ctx.register_prehook(lambda g: (10 * g[0], g[1]))
        handle.remove()
        handle.remove()

    np.testing.assert_allclose(grad(make(register)[0]), 5 * X)


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda g: g[0], "tuple or None"),
        (lambda g: (g[0],), "Expected 2; got 1"),
        (lambda g: (g[0][:1], g[1]), r"Expected f32\[2\]; got f32\[1\]"),
        (lambda g: (g[0].astype(jnp.int32), g[1]), r"got i32\[2\]"),
        (lambda g: ("text", g[1]), "changed the type of value 0"),
    ],
)
def test_what_a_hook_returns_is_checked(hook: Any, message: str) -> None:
    cls, _ = make(lambda ctx: ctx.register_prehook(hook))
    with pytest.raises(HookError, match=message) as info:
        grad(cls)
    assert "Marked" in str(info.value)
    assert "lambda" in str(info.value)


def test_hooks_are_registered_in_forward() -> None:
    class Late(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return x * 2

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            ctx.register_hook(lambda i, o: None)
            return g

    with pytest.raises(HookError, match=r"Late.*in backward"):
        jax.grad(lambda x: Late.apply(x).sum())(X)


def test_output_grad_dtypes_are_those_that_backward_sees() -> None:
    cls, seen = make(lambda ctx: ctx.set_output_grad_dtype(jnp.bfloat16, None))
    np.testing.assert_allclose(grad(cls), 5 * X)
    assert seen["g"].dtype == jnp.bfloat16
    assert grad(cls).dtype == jnp.float32
    jax.grad(lambda x: jax.jit(cls.apply)(x)[0].sum())(X)
    assert seen["g"].dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("dtypes", "message"),
    [
        ((None,), "match the outputs, 2; got 1"),
        ((None, jnp.float32), "output 1, which is not a differentiable array"),
        (("no dtype", None), "floating-point dtype or None for output 0"),
        ((jnp.int32, None), "floating-point dtype or None for output 0"),
    ],
)
def test_output_grad_dtypes_are_checked(dtypes: Any, message: str) -> None:
    cls, _ = make(lambda ctx: ctx.set_output_grad_dtype(*dtypes))
    with pytest.raises(ContextError, match=message):
        grad(cls)


def test_output_grad_dtypes_are_set_once() -> None:
    def twice(ctx: Any) -> None:
        ctx.set_output_grad_dtype(None, None)
        ctx.set_output_grad_dtype(None, None)

    with pytest.raises(ContextError, match="only be called once"):
        grad(make(twice)[0])


@pytest.mark.parametrize("materialize", [True, False])
def test_outputs_without_a_derivative_may_arrive_as_none(materialize: bool) -> None:
    def choose(ctx: Any) -> None:
        assert ctx._materialize_non_diff_grads is True
        ctx._materialize_non_diff_grads = materialize

    cls, seen = make(choose)
    grad(cls)
    if materialize:
        assert seen["h"].dtype == jnp.int32
        np.testing.assert_array_equal(seen["h"], [0, 0])
    else:
        assert seen["h"] is None


def test_a_second_read_of_saved_tensors_may_be_an_error() -> None:
    class OneRead(Function):
        clear_saved_tensors_on_access = True

        @staticmethod
        def forward(ctx: Context, x: jax.Array, reads: int) -> jax.Array:
            ctx.save_for_backward(x)
            ctx.reads = reads
            return x * 2

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
            total = sum(ctx.saved_tensors[0] for _ in range(ctx.reads))
            return g * total, None

    def first(x: jax.Array, reads: int) -> jax.Array:
        return jax.grad(lambda x: OneRead.apply(x, reads).sum())(x)

    np.testing.assert_allclose(first(X, 1), X)
    _, back = jax.vjp(lambda x: OneRead.apply(x, 1), X)
    np.testing.assert_allclose(back(X)[0], back(X)[0])  # each backward may read once
    with pytest.raises(ContextError, match=r"OneRead.*twice"):
        first(X, 2)


def test_boxed_cotangents_come_as_one_list() -> None:
    class Boxed(Function):
        boxed_grads_call = True

        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            return x * 2, x * 3

        @staticmethod
        def backward(ctx: Context, grads: list[Any]) -> jax.Array:
            assert type(grads) is list
            first = grads.pop(0)
            return 10 * first + 100 * grads.pop()

    def loss(x: jax.Array) -> jax.Array:
        a, b = Boxed.apply(x)
        return (a + b).sum()

    np.testing.assert_allclose(jax.grad(loss)(X), [110.0, 110.0])


@pytest.mark.parametrize("flag", ["boxed_grads_call", "clear_saved_tensors_on_access"])
def test_flags_are_bools(flag: str) -> None:
    with pytest.raises(FunctionDefinitionError, match=rf"{flag} is 1.\n.*got int"):
        type("Bad", (Function,), {flag: 1})


def test_what_is_on_the_node() -> None:
    def look(ctx: Any) -> None:
        assert ctx.name() == "MarkedBackward"
        assert ctx.to_save is not None
        assert ctx.saved_for_forward is None
        assert ctx.non_differentiable is None
        assert ctx.dirty_tensors is None
        ctx.metadata["note"] = "mine"
        ctx._is_pure_view = True
        ctx.maybe_clear_saved_tensors()
        with pytest.raises(ContextAttributeError, match="can be set and not be read"):
            _ = ctx.materialize_grads
        with pytest.raises(ContextError, match="True or False"):
            ctx._is_pure_view = 1

    np.testing.assert_allclose(grad(make(look)[0]), 5 * X)


def test_to_save_can_be_set() -> None:
    def again(ctx: Any) -> None:
        (x,) = ctx.to_save
        ctx.to_save = (2 * x,)
        with pytest.raises(ContextError, match="tuple of arrays; got list"):
            ctx.to_save = [x]

    np.testing.assert_allclose(grad(make(again)[0]), 10 * X)


@pytest.mark.parametrize(
    "name", ["next_functions", "_raw_saved_tensors", "_input_metadata", "requires_grad"]
)
def test_what_jax_has_not_says_so(name: str) -> None:
    def look(ctx: Any) -> None:
        assert not hasattr(ctx, name)
        with pytest.raises(ContextAttributeError, match=rf"Marked: ctx.{name} has no"):
            getattr(ctx, name)

    grad(make(look)[0])


def test_an_unset_attribute_names_those_that_were_set() -> None:
    def look(ctx: Any) -> None:
        ctx.scale = 3.0
        with pytest.raises(AttributeError, match=r"no attribute 'sclae'.*\n.*scale"):
            _ = ctx.sclae

    grad(make(look)[0])


def test_saved_variables_is_the_old_name() -> None:
    class Old(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            with pytest.warns(DeprecationWarning, match="saved_tensors"):
                (x,) = ctx.saved_variables
            return 5 * x * g

    np.testing.assert_allclose(jax.grad(lambda x: Old.apply(x).sum())(X), 5 * X)


def test_named_saved_tensors_are_known_to_checkpoint_policies() -> None:
    class Named(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            c = jnp.cos(x)
            ctx.save_for_backward(x, marked_cosine=c)
            return jnp.sin(x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            x, c = ctx.saved_tensors
            return g * (3 * c + 0 * x)

    def saved(policy: Any) -> int:
        f = jax.checkpoint(lambda x: Named.apply(jnp.tanh(x)).sum(), policy=policy)
        lowered = jax.make_jaxpr(lambda x: jax.vjp(f, x)[1])(X)
        return len(lowered.jaxpr.outvars)

    policies = jax.checkpoint_policies
    nothing = saved(policies.nothing_saveable)
    named = saved(policies.save_only_these_names("marked_cosine"))
    other = saved(policies.save_only_these_names("something_else"))
    assert (named, other) == (nothing + 1, nothing)
    for policy in (None, policies.save_only_these_names("marked_cosine")):
        f = jax.checkpoint(lambda x: Named.apply(x).sum(), policy=policy)
        first = jax.grad(f)
        np.testing.assert_allclose(first(X), 3 * np.cos(X), rtol=1e-6)
        _, back = jax.vjp(first, X)
        np.testing.assert_allclose(back(jnp.ones(2))[0], -3 * np.sin(X), rtol=1e-6)


def test_one_value_may_have_two_names() -> None:
    class Named(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            c = jnp.cos(x)
            ctx.save_for_backward(one=c, other=c)
            return jnp.sin(x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            c, also = ctx.saved_tensors
            return g * (c + 2 * also)

    def saved(name: str) -> int:
        policy = jax.checkpoint_policies.save_only_these_names(name)
        f = jax.checkpoint(lambda x: Named.apply(jnp.tanh(x)).sum(), policy=policy)
        return len(jax.make_jaxpr(lambda x: jax.vjp(f, x)[1])(X).jaxpr.outvars)

    assert saved("one") == saved("other") == saved("neither") + 1
    np.testing.assert_allclose(
        jax.grad(lambda x: Named.apply(x).sum())(X), 3 * np.cos(X), rtol=1e-6
    )


KINDS: dict[str, Callable[[jax.Array], Any]] = {
    "closure": lambda m: lambda inputs, outputs: (inputs[0] * m,),
    "default": lambda m: lambda inputs, outputs, m=m: (inputs[0] * m,),
    "partial": lambda m: functools.partial(lambda m, i, o: (i[0] * m,), m),
    "dict": lambda m: (lambda d: lambda inputs, outputs: (inputs[0] * d["m"],))(
        {"m": m}
    ),
}


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.vmap])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", ["input", "intermediate"])
def test_what_a_hook_closes_over_keeps_its_derivative(
    of: str, kind: str, wrap: Callable
) -> None:
    class Hooked(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.register_hook(KINDS[kind](x if of == "input" else 1.0 * x))
            return x * x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 7 * g

    first = jax.grad(lambda x: wrap(Hooked.apply)(x).sum())
    np.testing.assert_allclose(first(X), 7 * X, rtol=1e-6)
    second = jax.grad(lambda x: first(x).sum())
    np.testing.assert_allclose(second(X), np.full(2, 7.0), rtol=1e-6)


def test_a_hook_may_collect_what_it_sees() -> None:
    seen: list[Any] = []
    cls, _ = make(lambda ctx: ctx.register_prehook(lambda g: seen.append(g[0])))
    for count in (1, 2, 3):
        grad(cls)
        assert len(seen) == count


def test_what_one_run_says_on_ctx_is_not_said_for_the_next() -> None:
    told = [True]

    class Sometimes(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            if told[-1]:
                ctx.register_hook(lambda inputs, outputs: (11 * inputs[0],))
                ctx.set_output_grad_dtype(jnp.float16)
            return x * x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            (x,) = ctx.saved_tensors
            return 7 * x if g.dtype == jnp.float32 else 7 * x + 1

    for say in (True, False, True, False, False):
        told.append(say)
        got = jax.jit(jax.grad(lambda x: Sometimes.apply(x).sum()))(X)
        np.testing.assert_allclose(got, 11 * (7 * X + 1) if say else 7 * X, rtol=1e-5)


def test_a_complex_output_takes_complex_cotangents() -> None:
    class Turn(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.set_output_grad_dtype(jnp.float32)
            return 1j * x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return (-1j * g).real

    with pytest.raises(ContextError, match="which is complex"):
        jax.grad(lambda x: Turn.apply(x).imag.sum())(X)
