"""`jax.Ref` arguments: forward writes them once for each of its runs, everywhere.

The rule is marked, three times the derivative, and what is written is not idempotent,
so that a dropped rule and a second write both show. The oracle is the same rule and the
same write by hand, with `jax.custom_vjp`.
"""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.function import residuals
from tests.function.functions import dual

pytestmark = pytest.mark.sampled(2)

X = jnp.array([0.3, -1.2, 2.0])
OLD = jnp.array([1.0, 2.0, 3.0])


class Tracks(Function):
    """sin(x), with a moving average of x in a Ref."""

    @staticmethod
    def forward(ctx, x, average):
        average[...] = 0.5 * average[...] + x
        ctx.save_for_backward(x)
        return jnp.sin(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * jnp.cos(x), None


class WithSetup(Function):
    @staticmethod
    def forward(x, average):
        average[...] = 0.5 * average[...] + x
        return jnp.sin(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, average = inputs
        ctx.mark_dirty(average)
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    backward = Tracks.backward


class WithJvp(WithSetup):
    @staticmethod
    def jvp(ctx, t, none):
        assert none is None
        (x,) = ctx.saved_tensors
        return 3 * t * jnp.cos(x)


def tracks(x: jax.Array, average: Any) -> jax.Array:
    average[...] = 0.5 * average[...] + x
    return jnp.sin(x)


by_hand = jax.custom_vjp(tracks)
by_hand.defvjp(
    lambda x, average: (tracks(x, average), x),
    lambda x, g: (3 * g * jnp.cos(x), None),
)

DUAL = {"dual": dual(Tracks), "jvp": WithJvp}
CLASSES = {"reverse": Tracks, "setup": WithSetup, **DUAL}
LOWERINGS: dict[str, Callable] = {
    **{name: cls.apply for name, cls in CLASSES.items()},
    "to_custom_vjp": Tracks.to_custom_vjp(),
}
lowerings = pytest.mark.parametrize("apply", LOWERINGS.values(), ids=LOWERINGS)
duals = pytest.mark.parametrize("cls", DUAL.values(), ids=DUAL)


def total(f: Callable, ref: Any) -> Callable:
    return lambda x: f(x, ref).sum()


def repeated(f: Callable) -> Callable:
    return lambda x, r: jax.lax.scan(lambda c, _: (f(c, r), None), x, None, length=3)[0]


def looped(f: Callable) -> Callable:
    return lambda x, r: jax.lax.while_loop(
        lambda c: c[0] < 3, lambda c: (c[0] + 1, f(c[1], r)), (0, x)
    )[1]


def pulled_twice(f: Callable, x: jax.Array, ref: Any) -> Any:
    _, pull = jax.vjp(lambda x: f(x, ref), x)
    return pull(x)[0] + pull(2 * x)[0]


# Each takes a function of an array and a Ref, and calls it in another way.
WAYS: dict[str, Callable[[Callable, jax.Array, Any], Any]] = {
    "plain": lambda f, x, r: f(x, r),
    "thrice": lambda f, x, r: f(x, r) + f(x, r) + f(x, r),
    "jit": lambda f, x, r: jax.jit(f)(x, r),
    "jit-jit": lambda f, x, r: jax.jit(lambda x, r: jax.jit(f)(x, r))(x, r),
    "jit-closed": lambda f, x, r: jax.jit(lambda x: f(x, r))(x),
    "scan": lambda f, x, r: repeated(f)(x, r),
    "jit-scan": lambda f, x, r: jax.jit(repeated(f))(x, r),
    "while": lambda f, x, r: looped(f)(x, r),
    "jit-while": lambda f, x, r: jax.jit(looped(f))(x, r),
    "fori": lambda f, x, r: jax.lax.fori_loop(0, 3, lambda i, c: f(c, r), x),
    "cond": lambda f, x, r: jax.lax.cond(x[0] > 0, lambda: f(x, r), lambda: x),
    "vmap": lambda f, x, r: jax.vmap(f)(x, r),
    "vmap-ref": lambda f, x, r: jax.vmap(f, (None, 0))(x[0], r),
    "grad": lambda f, x, r: jax.grad(total(f, r))(x),
    "value_and_grad": lambda f, x, r: jax.value_and_grad(total(f, r))(x),
    "grad-argument": lambda f, x, r: jax.grad(lambda x, r: f(x, r).sum())(x, r),
    "jit-grad": lambda f, x, r: jax.jit(jax.grad(lambda x, r: f(x, r).sum()))(x, r),
    "jit-grad-closed": lambda f, x, r: jax.jit(jax.grad(total(f, r)))(x),
    "grad-jit": lambda f, x, r: jax.grad(lambda x: jax.jit(f)(x, r).sum())(x),
    "grad-jit-closed": lambda f, x, r: jax.grad(jax.jit(total(f, r)))(x),
    "pull-twice": pulled_twice,
    "grad-scan": lambda f, x, r: jax.grad(total(repeated(f), r))(x),
    "jit-grad-scan": lambda f, x, r: jax.jit(jax.grad(total(repeated(f), r)))(x),
    "scan-grad": lambda f, x, r: repeated(lambda c, r: jax.grad(total(f, r))(c))(x, r),
    "while-grad": lambda f, x, r: looped(lambda c, r: jax.grad(total(f, r))(c))(x, r),
    "grad-cond": lambda f, x, r: jax.grad(
        lambda x: jax.lax.cond(x[0] > 0, lambda x: f(x, r), lambda x: x, x).sum()
    )(x),
    "vmap-grad": lambda f, x, r: jax.vmap(jax.grad(f))(x, r),
    "grad-vmap": lambda f, x, r: jax.grad(total(jax.vmap(f), r))(x),
    "jit-vmap-grad": lambda f, x, r: jax.jit(jax.vmap(jax.grad(f)))(x, r),
    "chain": lambda f, x, r: jax.grad(lambda x: f(f(x, r), r).sum())(x),
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def answer(way: Callable, f: Callable) -> list[np.ndarray]:
    """What a way returns, and what is in the Ref afterwards."""
    ref = jax.new_ref(OLD)
    result = way(f, X, ref)
    return [np.asarray(leaf) for leaf in (*jax.tree.leaves(result), ref[...])]


@lowerings
@ways
def test_like_the_rule_by_hand(way: Callable, apply: Callable) -> None:
    got, want = answer(way, apply), answer(way, by_hand)
    assert len(got) == len(want)
    for mine, theirs in zip(got, want, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_the_second_derivative_is_that_of_the_rule(cls: Any) -> None:
    # By hand it can't be had: the write itself would be differentiated there.
    for wrap in (lambda f: f, jax.jit):
        ref = jax.new_ref(OLD)
        first = jax.grad(total(cls.apply, ref))
        second = wrap(jax.grad(lambda x, g=first: g(x).sum()))(X)
        np.testing.assert_allclose(second, -3 * np.sin(X), rtol=1e-6)
        np.testing.assert_allclose(ref[...], 0.5 * OLD + X, rtol=1e-6)


FORWARD: dict[str, Callable] = {
    "jvp": lambda f: jax.jvp(f, (X,), (OLD,))[1],
    "jit-jvp": lambda f: jax.jit(lambda x: jax.jvp(f, (x,), (OLD,))[1])(X),
    "jvp-jit": lambda f: jax.jvp(jax.jit(f), (X,), (OLD,))[1],
    "linearize": lambda f: jax.linearize(f, X)[1](OLD),
    "jvp-scan": lambda f: jax.jvp(
        lambda x: jax.lax.scan(lambda c, _: (c, f(x)), 0.0, None, length=1)[1][0],
        (X,),
        (OLD,),
    )[1],
}


@duals
@pytest.mark.parametrize("way", FORWARD.values(), ids=FORWARD)
def test_forward_mode_writes_once(way: Callable, cls: Any) -> None:
    ref = jax.new_ref(OLD)
    tangent = way(lambda x: cls.apply(x, ref))
    np.testing.assert_allclose(tangent, 3 * OLD * np.cos(X), rtol=1e-6)
    np.testing.assert_allclose(ref[...], 0.5 * OLD + X, rtol=1e-6)


def checkpointed(f: Callable, x: jax.Array, ref: Any) -> jax.Array:
    return jax.jit(jax.grad(total(jax.checkpoint(f), ref)))(x)


def refused(f: Callable) -> bool:
    """Whether JAX can't checkpoint it; its REMAT3 of JAX 0.10 takes no Ref at all."""
    try:
        answer(checkpointed, f)
    except (AssertionError, ValueError, AttributeError):
        return True
    return False


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_checkpoint_runs_forward_again_and_so_writes_again(cls: Any) -> None:
    if getattr(jax.config, "jax_remat3", False) and refused(by_hand):
        assert refused(cls.apply)
        return
    once = 0.5 * OLD + X
    _, want = answer(checkpointed, by_hand)
    np.testing.assert_allclose(want, 0.5 * once + X, rtol=1e-6)
    gradient, content = answer(checkpointed, cls.apply)
    np.testing.assert_allclose(gradient, 3 * np.cos(X), rtol=1e-6)
    if cls in DUAL.values() and np.allclose(content, once, rtol=1e-6):
        return  # JAX sees that nothing of the second run is needed
    np.testing.assert_allclose(content, want, rtol=1e-6)


def test_what_is_read_from_a_ref_is_a_constant() -> None:
    class Centred(Function):
        @staticmethod
        def forward(ctx, x, mean):
            before = mean[...]
            ctx.save_for_backward(x, before)
            mean[...] = before + 1
            return x * before

        @staticmethod
        def backward(ctx, g):
            _, before = ctx.saved_tensors
            return 10 * g * before, None

    for cls in (Centred, dual(Centred)):
        for wrap in (lambda f: f, jax.jit):
            ref = jax.new_ref(jnp.float32(2.0))
            twice = lambda x, r=ref, c=cls: c.apply(c.apply(x, r), r)  # noqa: E731
            # Backward sees what forward read, not what is in the Ref by then.
            assert wrap(jax.grad(twice))(5.0) == 20.0 * 30.0
            assert ref[...] == 4.0


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_an_ordinary_call_is_compiled_and_writes_once(cls: Any) -> None:
    runs = []

    class Counted(cls):
        @staticmethod
        def forward(*args):
            runs.append(1)
            return cls.forward(*args)

    ref, want = jax.new_ref(OLD), OLD
    for _ in range(4):
        np.testing.assert_allclose(Counted.apply(X, ref), np.sin(X), rtol=1e-6)
        want = 0.5 * want + X
        np.testing.assert_allclose(ref[...], want, rtol=1e-6)
    assert len(runs) == 1


def test_containers_keywords_and_integers() -> None:
    class Counts(Function):
        @staticmethod
        def forward(ctx, parts, *, scale, calls):
            calls[...] += 1
            parts["sum"][...] += parts["w"] * scale
            return parts["w"] * scale

        @staticmethod
        def backward(ctx, g):
            assert ctx.needs_input_grad == (True, False, False)
            return {"sum": None, "w": 7 * g}, None, None

    for cls in (Counts, dual(Counts)):
        refs = jax.new_ref(jnp.zeros(3)), jax.new_ref(jnp.zeros((), int))

        def loss(w: jax.Array, refs: Any = refs, cls: Any = cls) -> jax.Array:
            parts = {"w": w, "sum": refs[0]}
            return cls.apply(parts, scale=2.0, calls=refs[1]).sum()

        for f in (loss, jax.grad(loss), jax.jit(jax.grad(loss))):
            result = f(X)
        np.testing.assert_allclose(result, [7, 7, 7], rtol=1e-6)
        np.testing.assert_allclose(refs[0][...], 6 * X, rtol=1e-6)
        assert refs[1][...] == 3


def test_a_ref_alone_and_two_refs() -> None:
    class Swap(Function):
        @staticmethod
        def forward(ctx, a, b):
            a[...], b[...] = b[...], a[...]
            return a[...] - b[...]

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("there is nothing to differentiate")

    for wrap in (lambda f: f, jax.jit, jax.grad):
        a, b = jax.new_ref(jnp.float32(1.0)), jax.new_ref(jnp.float32(4.0))
        f = wrap(lambda x, a=a, b=b: x * Swap.apply(a, b))
        assert f(1.0) == 3.0
        assert (a[...], b[...]) == (4.0, 1.0)


def test_a_ref_where_arrays_came_before() -> None:
    """The shortcut for traced arrays must not take a traced Ref for one."""

    class Plus(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y[...]

        @staticmethod
        def backward(ctx, g):
            return 7 * g, None

    for cls in (Plus, dual(Plus)):
        f = jax.jit(lambda x, y, c=cls: jax.grad(lambda x: c.apply(x, y).sum())(x))
        for y in (X, jax.new_ref(OLD), X):
            np.testing.assert_allclose(f(X, y), [7, 7, 7], rtol=1e-6)


def test_a_scratch_ref_of_forwards_own() -> None:
    class Scratch(Function):
        @staticmethod
        def forward(ctx, x, out):
            own = jax.new_ref(jnp.zeros_like(x))
            own[...] = 2 * x
            out[...] += own[...]
            return own[...]

        @staticmethod
        def backward(ctx, g):
            return 7 * g, None

    switches = ("jax_custom_vjp3", "jax_custom_jvp3", "jax_remat3")
    switched = any(getattr(jax.config, name, False) for name in switches)
    for cls in (Scratch, dual(Scratch)):
        for wrap in (lambda f: f, jax.jit):
            ref = jax.new_ref(jnp.zeros(3))
            gradient = wrap(jax.grad(total(cls.apply, ref)))
            if switched and cls is not Scratch:
                # There JAX differentiates forward, and what is written to `own` has a
                # tangent to JAX, as all is that is made in a differentiated function.
                with pytest.raises(Exception, match="differentiated value on a non-"):
                    gradient(X)
                continue
            np.testing.assert_allclose(gradient(X), [7, 7, 7], rtol=1e-6)
            np.testing.assert_allclose(ref[...], 2 * X, rtol=1e-6)


@pytest.mark.parametrize("kind", ["reverse", "dual"])
def test_values_of_an_outer_transformation_beside_a_ref(kind: str) -> None:
    """What forward closes over comes after the Refs among the operands."""

    def one(x: jax.Array, scale: jax.Array, ref: Any) -> jax.Array:
        class Scales(Function):
            generate_jvp_rule = kind == "dual"

            @staticmethod
            def forward(ctx, x, ref):
                ref[...] += scale * x
                ctx.save_for_backward(x)
                return scale * x

            @staticmethod
            def backward(ctx, g):
                return 7 * g * scale, None

        return jax.grad(lambda x: Scales.apply(x, ref))(x)

    for wrap in (lambda f: f, jax.jit):
        ref = jax.new_ref(jnp.zeros(3))
        np.testing.assert_allclose(wrap(jax.vmap(one))(X, OLD, ref), 7 * OLD, rtol=1e-6)
        np.testing.assert_allclose(ref[...], OLD * X, rtol=1e-6)


def test_a_ref_is_no_residual_and_is_not_kept() -> None:
    [kept] = residuals(Tracks, X, jax.new_ref(OLD))
    assert (kept.name, kept.of) == ("saved_tensors[0]", "x")
    for cls in CLASSES.values():
        ref = jax.new_ref(OLD)
        cls.apply(X, ref)
        pull = jax.vjp(lambda x, c=cls, r=ref: c.apply(x, r), X)[1]
        alive = weakref.ref(ref)
        del ref
        gc.collect()
        assert alive() is None
        np.testing.assert_allclose(pull(X)[0], 3 * X * np.cos(X), rtol=1e-6)
