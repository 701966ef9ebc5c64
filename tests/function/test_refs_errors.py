"""What can't be done with a `jax.Ref` raises, and says which argument and why."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function, errors
from jaxgrad.errors import GradientTypeError, JaxgradError, RefError
from tests.function.functions import says

X = jnp.array([1.0, 2.0, 3.0])
GLOBAL = jax.new_ref(jnp.zeros(3))
HELD = {"stats": GLOBAL}


def make(forward: Callable, backward: Any = None, **members: Any) -> Any:
    """A Function `Keeps` of an array and a Ref."""
    backward = backward or (lambda ctx, g: (7 * g, None))
    functions = {"forward": forward, "backward": backward}
    return type(
        "Keeps",
        (Function,),
        {name: staticmethod(f) for name, f in functions.items()} | members,
    )


LOWERINGS = {"reverse": {}, "dual": {"generate_jvp_rule": True}}
lowerings = pytest.mark.parametrize("members", LOWERINGS.values(), ids=LOWERINGS)

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "plain": lambda f, r: f(X, r),
    "jit": lambda f, r: jax.jit(f)(X, r),
    "grad": lambda f, r: jax.grad(lambda x: f(x, r).sum())(X),
    "jit-grad": lambda f, r: jax.jit(jax.grad(lambda x, r: f(x, r).sum()))(X, r),
    "grad-jit": lambda f, r: jax.grad(lambda x: jax.jit(f)(x, r).sum())(X),
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def attributes(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.stats = {"ref": ref}
    return x


def closure(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.read = lambda: ref[...]
    return x


def saves(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.save_for_backward(x, ref)
    return x


def saves_forward(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.save_for_forward(ref)
    return x


def saves_own(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.save_for_backward(jax.new_ref(x))
    return x


# What forward does with the Ref, and what the message says.
KEEPS: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "returned": (lambda ctx, x, ref: ref, ("'ref'", "returned")),
    "returned-too": (lambda ctx, x, ref: (x, ref), ("'ref'", "returned", "[1]")),
    "returned-in": (lambda ctx, x, ref: {"a": [x, ref]}, ("'ref'", "['a'][1]")),
    "returned-own": (lambda ctx, x, ref: jax.new_ref(x), ("a jax.Ref", "returned")),
    "saved": (saves, ("'ref'", "saved_tensors[1]", "ref[...]")),
    "saved-forward": (saves_forward, ("'ref'", "saved_tensors (jvp)[0]")),
    "saved-own": (saves_own, ("a jax.Ref", "saved_tensors[0]")),
    "attribute": (attributes, ("'ref'", "ctx.stats['ref']")),
    "closure": (closure, ("'ref'", "ctx.read (its ref)")),
}


@pytest.mark.parametrize(("forward", "parts"), KEEPS.values(), ids=KEEPS)
@calls
@lowerings
def test_a_ref_is_neither_returned_nor_saved(
    forward: Callable, parts: tuple[str, ...], call: Callable, members: Any
) -> None:
    with pytest.raises(RefError) as caught:
        call(make(forward, **members).apply, jax.new_ref(jnp.zeros(3)))
    says(caught.value, "Keeps.forward", "Expected", "got a Ref", *parts)
    assert isinstance(caught.value, JaxgradError | TypeError | ValueError)


@pytest.mark.parametrize("kind", ["global", "held", "closure", "partial", "object"])
@calls
def test_a_ref_is_not_closed_over(kind: str, call: Callable) -> None:
    local = jax.new_ref(jnp.zeros(3))

    class Model:
        def __init__(self) -> None:
            self.stats = local

    def with_global(ctx: Any, x: Any, ref: Any) -> Any:
        GLOBAL[...] = x
        return x

    def with_held(ctx: Any, x: Any, ref: Any) -> Any:
        HELD["stats"][...] = x
        return x

    def with_closure(ctx: Any, x: Any, ref: Any) -> Any:
        local[...] = x
        return x

    def with_static(ctx: Any, x: Any, ref: Any, model: Any) -> Any:
        return x

    forwards = {"global": with_global, "held": with_held, "closure": with_closure}
    cls = make(forwards.get(kind, with_static))
    extra: tuple[Any, ...] = ()
    if kind == "object":
        extra = (Model(),)
    elif kind == "partial":
        extra = (functools.partial(max, local),)
    with pytest.raises(RefError) as caught:
        call(lambda x, r: cls.apply(x, r, *extra), jax.new_ref(jnp.zeros(3)))
    name = {"global": "'GLOBAL'", "held": "'HELD'", "closure": "'local'"}
    says(caught.value, "Keeps", "without being given it", "as an argument")
    says(caught.value, name.get(kind, "model"))
    assert (GLOBAL[...] == 0).all()


def test_an_attribute_with_the_name_of_a_global_ref_is_no_ref() -> None:
    class Other:
        GLOBAL = 2.0

    cls = make(lambda ctx, x, other: x * other.GLOBAL)
    assert (jax.grad(lambda x: cls.apply(x, Other).sum())(X) == 7).all()


def test_backward_must_not_reach_a_ref_either() -> None:
    ref = jax.new_ref(jnp.zeros(3))
    cls = make(lambda ctx, x, n: x * n, lambda ctx, g: (g * ref[...], None))
    with pytest.raises(RefError) as caught:
        jax.jit(lambda x: cls.apply(x, 3))(X)
    says(caught.value, "Keeps", "'ref'", "None for it from backward")


def writes(ctx: Any, x: Any, ref: Any) -> Any:
    ref[...] = ref[...] + x
    return 2 * x


def made_inside(f: Callable) -> Callable:
    def loss(x: jax.Array) -> jax.Array:
        ref = jax.new_ref(jnp.zeros(3))
        return (f(x, ref) + ref[...]).sum()

    return loss


def made_of_x(f: Callable) -> Callable:
    def loss(x: jax.Array) -> jax.Array:
        ref = jax.new_ref(x)
        return (f(x, ref) + ref[...]).sum()

    return loss


def asked_for(f: Callable) -> Callable:
    ref = jax.new_ref(jnp.zeros(3))
    return lambda x: jax.vjp(f, x, ref)[0].sum()


@pytest.mark.parametrize("inside", [made_inside, made_of_x, asked_for])
@pytest.mark.parametrize(
    "way",
    [
        lambda f: jax.grad(f)(X),
        lambda f: jax.jit(jax.grad(f))(X),
        lambda f: jax.grad(jax.jit(f))(X),
        lambda f: jax.grad(lambda x: jax.jit(f)(x) + 1)(X),
    ],
    ids=["grad", "jit-grad", "grad-jit", "grad-inner-jit"],
)
@lowerings
def test_a_ref_is_not_differentiated(
    way: Callable, inside: Callable, members: Any
) -> None:
    with pytest.raises(RefError) as caught:
        way(inside(make(writes, **members).apply))
    says(caught.value, "Keeps", "'ref'", "being differentiated", "Make it outside")


def test_a_ref_that_is_made_inside_a_function_that_is_not_differentiated() -> None:
    for members in LOWERINGS.values():
        f = made_inside(make(writes, **members).apply)
        assert f(X) == jax.jit(f)(X) == 3 * X.sum()


@lowerings
def test_a_ref_has_no_gradient(members: Any) -> None:
    cls = make(writes, lambda ctx, g: (g, g), **members)
    for call in (CALLS["grad"], CALLS["jit-grad"]):
        with pytest.raises(GradientTypeError) as caught:
            call(cls.apply, jax.new_ref(jnp.zeros(3)))
        says(caught.value, "Keeps.backward", "'ref'", "jax.Ref", "Expected None")

    def nested(ctx: Any, parts: Any) -> Any:
        return 2 * parts["x"]

    cls = make(nested, lambda ctx, g: ({"x": g, "mean": g},), **members)
    ref = jax.new_ref(jnp.zeros(3))
    with pytest.raises(GradientTypeError) as caught:
        jax.grad(lambda x: cls.apply({"x": x, "mean": ref}).sum())(X)
    says(caught.value, "parts['mean']", "jax.Ref", "Expected None; got f32[3]")


def test_a_ref_counts_as_an_argument_of_backward() -> None:
    cls = make(writes, lambda ctx, g: g)
    with pytest.raises(errors.GradientCountError) as caught:
        CALLS["grad"](cls.apply, jax.new_ref(jnp.zeros(3)))
    says(caught.value, "Expected 2, one for each argument (x, ref); got 1")


def test_one_ref_twice() -> None:
    cls = make(lambda ctx, refs, b: b[...])
    ref = jax.new_ref(X)
    call = lambda ref: cls.apply([ref], ref)  # noqa: E731
    for f in (call, jax.jit(call)):
        with pytest.raises(RefError) as caught:
            f(ref)
        says(caught.value, "Keeps.apply", "'refs[0]'", "'b'", "Pass it once")


def test_a_part_of_a_ref() -> None:
    cls = make(writes)

    def call(ref: Any) -> Any:
        return cls.apply(X[:2], ref.at[:2])

    with pytest.raises(RefError) as caught:
        jax.jit(call)(jax.new_ref(X))
    says(caught.value, "Keeps.apply", "part of a jax.Ref", "Pass the Ref and index it")


def test_a_batching_rule_takes_no_ref() -> None:
    class Rule(Function):
        @staticmethod
        def forward(x, ref):
            return 2 * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def vmap(info, in_dims, x, ref):
            return 2 * x, 0

        backward = staticmethod(lambda ctx, g: (7 * g, None))

    with pytest.raises(RefError) as caught:
        Rule.apply(X, jax.new_ref(X))
    says(caught.value, "Rule.apply", "'ref'", "`vmap`", "remove `vmap`")


@lowerings
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_forward_does_not_run_again_for_a_saved_intermediate(
    wrap: Callable, members: Any
) -> None:
    def forward(ctx: Any, x: Any, ref: Any) -> Any:
        ref[...] = ref[...] + x
        ctx.save_for_backward(x * x)
        return 2 * x

    f = make(forward, lambda ctx, g: (g * ctx.saved_tensors[0], None), **members).apply
    ref = jax.new_ref(jnp.zeros(3))
    first = jax.grad(lambda x: f(x, ref).sum())
    assert (wrap(first)(X) == X * X).all()
    assert (ref[...] == X).all()
    with pytest.raises(RefError) as caught:
        wrap(jax.grad(lambda x: first(x).sum()))(X)
    says(caught.value, "Keeps.forward", "'ref'", "a second time", "Save inputs and")


def test_forward_does_not_run_again_for_other_flags() -> None:
    def forward(ctx: Any, x: Any, y: Any, ref: Any) -> Any:
        ref[...] = ref[...] + x
        needs_x, needs_y, needs_ref = ctx.needs_input_grad
        assert not needs_ref
        ctx.save_for_backward(x if needs_y else None, y if needs_x else None)
        return x * y

    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        return None if y is None else 7 * g * y, None if x is None else 7 * g * x, None

    f = make(forward, backward).apply
    ref = jax.new_ref(jnp.zeros(3))
    inner = lambda y: jax.grad(lambda x: f(x, y, ref).sum())(X)  # noqa: E731
    assert (inner(X) == 7 * X).all()
    assert (ref[...] == X).all()
    if getattr(jax.config, "jax_remat3", False):  # there forward saves for every input
        assert (jax.grad(lambda y: inner(y).sum())(X) == 7).all()
        return
    with pytest.raises(RefError) as caught:
        jax.grad(lambda y: inner(y).sum())(X)
    says(caught.value, "Keeps.forward", "'ref'", "needs_input_grad", "a second time")


def test_forward_mode_of_a_reverse_rule() -> None:
    f = make(writes).apply
    ref = jax.new_ref(jnp.zeros(3))
    with pytest.raises(errors.ForwardModeError) as caught:
        jax.jvp(lambda x: f(x, ref), (X,), (X,))
    says(caught.value, "Keeps", "generate_jvp_rule")
