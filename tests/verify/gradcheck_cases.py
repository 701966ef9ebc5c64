"""Functions with right and wrong rules, written once for torch and for jaxgrad.

Each case is a source with `Function` and `lib`, the inputs, the options and the verdict
of torch 2.13: "pass", or the error's class and a part of its message. `ours` is given
where jaxgrad's verdict is another one, on purpose.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

X = np.array([0.4, -1.2])
W = np.array([1.5, 0.7])
Z = np.array([0.4 - 0.3j, -1.2 + 0.9j])
V = np.array([0.8 + 0.5j, 0.1 - 0.6j])


class Verdict(NamedTuple):
    """What a check says; an empty error is a pass."""

    error: type[Exception] | str = ""  # "GradcheckError", or a builtin
    says: str = ""


PASS = Verdict()
WRONG = "GradcheckError"


class Case(NamedTuple):
    """One check."""

    make: Callable[[Any, Any], Any]
    inputs: tuple[Any, ...]
    torch: Verdict
    options: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    ours: Verdict | None = None
    second: bool = False


def rule(forward: Any, backward: Any, **members: Any) -> Callable[[Any, Any], Any]:
    """A maker of Functions; `lib` is given to both rules as a last argument."""

    def make(base: Any, lib: Any) -> Any:
        given = {k: v(lib) if callable(v) else v for k, v in members.items()}
        found = {
            "forward": staticmethod(lambda ctx, *xs: forward(lib, ctx, *xs)),
            "backward": staticmethod(lambda ctx, *gs: backward(lib, ctx, *gs)),
        }
        return type("Rule", (base,), found | given)

    return make


def product(lib: Any, ctx: Any, x: Any, w: Any) -> Any:
    ctx.save_for_backward(x, w)
    return x * w


def conjugated(lib: Any, ctx: Any, g: Any) -> Any:
    x, w = ctx.saved_tensors
    return g * w.conj(), g * x.conj()


def not_conjugated(lib: Any, ctx: Any, g: Any) -> Any:
    x, w = ctx.saved_tensors
    return g * w, g * x


def half_of_second(lib: Any, ctx: Any, g: Any) -> Any:
    x, w = ctx.saved_tensors
    return g * w, g * x / 2


def norm(lib: Any, ctx: Any, z: Any) -> Any:
    ctx.save_for_backward(z)
    return (z * z.conj()).real.sum()


def two(lib: Any, ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x)
    return lib.sin(x), lib.exp(x)


def two_back(lib: Any, ctx: Any, g: Any, h: Any, scale: float = 1.0) -> Any:
    (x,) = ctx.saved_tensors
    return g * lib.cos(x) + scale * h * lib.exp(x)


def two_absent(lib: Any, ctx: Any, x: Any) -> Any:
    ctx.set_materialize_grads(False)
    return two(lib, ctx, x)


def absent_handled(lib: Any, ctx: Any, g: Any, h: Any) -> Any:
    (x,) = ctx.saved_tensors
    total = 0 * x
    if g is not None:
        total = total + g * lib.cos(x)
    return total if h is None else total + h * lib.exp(x)


def absent_refused(lib: Any, ctx: Any, g: Any, h: Any) -> Any:
    if g is None or h is None:
        raise RuntimeError("both, please")
    return two_back(lib, ctx, g, h)


def noisy() -> Callable[..., Any]:
    count = itertools.count()
    return lambda lib, ctx, g: g * (2 + 1e-9 * next(count))


def doubled(lib: Any, ctx: Any, x: Any) -> Any:
    return 2 * x


def summed(lib: Any, ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x)
    return (x * x).sum()


def ignores_its_cotangent(lib: Any, ctx: Any, g: Any) -> Any:
    return 2 * ctx.saved_tensors[0]


def second_marked(lib: Any, ctx: Any, x: Any) -> Any:
    first, second = 2 * x, 3 * x
    ctx.mark_non_differentiable(second)
    return first, second


def marked(lib: Any, ctx: Any, x: Any) -> Any:
    y = 2 * x
    ctx.mark_non_differentiable(y)
    return y


def steps(lib: Any, ctx: Any, x: Any) -> Any:
    y = lib.sign(x)
    ctx.mark_non_differentiable(y)
    return y


def narrow(lib: Any, ctx: Any, g: Any) -> Any:
    return 2 * (g.float() if hasattr(g, "float") else g.astype("float32"))


def by_value(lib: Any, ctx: Any, g: Any) -> Any:
    return 2 * g if float(g.sum()) < 1e9 else g


def wrong_shape(lib: Any, ctx: Any, g: Any) -> Any:
    return lib.ones((5,))


def wrong_count(lib: Any, ctx: Any, g: Any) -> Any:
    return g, g, g


def exp(lib: Any, ctx: Any, x: Any) -> Any:
    y = lib.exp(x)
    ctx.save_for_backward(y)
    return y


def from_saved(lib: Any, ctx: Any, g: Any) -> Any:
    return g * ctx.saved_tensors[0]


def cosine_kept(lib: Any, ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(lib.cos(x))
    return lib.sin(x)


def detached(lib: Any, ctx: Any, g: Any) -> Any:
    (y,) = ctx.saved_tensors
    if hasattr(y, "detach"):
        return g * y.detach()
    import jax

    return g * jax.lax.stop_gradient(y)


def with_jvp(scale: float) -> Callable[[Any, Any], Any]:
    """`sin`, in the style with `setup_context`, with a right or wrong jvp."""

    def make(base: Any, lib: Any) -> Any:
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        def slope(ctx: Any, g: Any) -> Any:
            return g * lib.cos(ctx.saved_tensors[0])

        members = {
            "forward": lambda x: lib.sin(x),
            "setup_context": setup_context,
            "backward": slope,
            "jvp": lambda ctx, t: scale * slope(ctx, t),
        }
        return type("Rule", (base,), {k: staticmethod(v) for k, v in members.items()})

    return make


FORWARD = {"check_forward_ad": True}
MISMATCH = "Jacobian mismatch for output {} with respect to input {}"

CASES: dict[str, Case] = {
    "right": Case(rule(product, conjugated), (X, W), PASS),
    "second_input": Case(
        rule(product, half_of_second), (X, W), Verdict(WRONG, MISMATCH.format(0, 1))
    ),
    "second_output": Case(
        rule(two, lambda lib, ctx, g, h: two_back(lib, ctx, g, h, 0.5)),
        (X,),
        Verdict(WRONG, MISMATCH.format(1, 0)),
    ),
    "two_outputs": Case(rule(two, two_back), (X,), PASS),
    "complex": Case(rule(product, conjugated), (Z, V), PASS),
    "complex_by_real": Case(
        rule(lambda lib, ctx, x: x * V[0], lambda lib, ctx, g: (g * V[0].conj()).real),
        (X,),
        PASS,
    ),
    "missing_conj": Case(
        rule(product, not_conjugated),
        (Z, V),
        Verdict(
            WRONG,
            "While considering the imaginary part of complex outputs only, "
            + MISMATCH.format(0, 0),
        ),
    ),
    "real_of_complex": Case(
        rule(norm, lambda lib, ctx, g: 2 * g * ctx.saved_tensors[0]), (Z,), PASS
    ),
    "real_of_complex_conj": Case(
        rule(norm, lambda lib, ctx, g: 2 * g * ctx.saved_tensors[0].conj()),
        (Z,),
        Verdict(WRONG, MISMATCH.format(0, 0)),
    ),
    "noisy": Case(
        rule(doubled, noisy()), (X,), Verdict(WRONG, "Backward is not reentrant")
    ),
    "noisy_tolerated": Case(rule(doubled, noisy()), (X,), PASS, {"nondet_tol": 1e-6}),
    "ignores_its_cotangent": Case(
        rule(summed, ignores_its_cotangent),
        (X,),
        Verdict(WRONG, "backward not multiplied by grad_output"),
    ),
    "absent_handled": Case(rule(two_absent, absent_handled), (X,), PASS),
    "absent_type_error": Case(rule(two_absent, two_back), (X,), Verdict(TypeError)),
    "absent_refused": Case(
        rule(two_absent, absent_refused), (X,), Verdict(RuntimeError, "both, please")
    ),
    "second_marked": Case(
        rule(second_marked, lambda lib, ctx, g, h: 2 * g), (X,), PASS
    ),
    "marked": Case(
        rule(marked, lambda lib, ctx, g: g),
        (X,),
        Verdict(WRONG, "Numerical gradient for function expected to be zero"),
    ),
    "steps": Case(rule(steps, lambda lib, ctx, g: g), (X,), PASS),
    "wrong_dtype": Case(
        rule(doubled, narrow),
        (X,),
        PASS,
        {"check_grad_dtypes": True},
        Verdict(WRONG, "Gradient has dtype mismatch"),
    ),
    "batched": Case(
        rule(product, conjugated), (X, W), PASS, {"check_batched_grad": True}
    ),
    "not_batched": Case(
        rule(doubled, by_value),
        (X,),
        Verdict(WRONG, "While computing batched gradients, got: "),
        {"check_batched_grad": True},
    ),
    "wrong_shape": Case(rule(doubled, wrong_shape), (X,), Verdict(RuntimeError)),
    "wrong_count": Case(rule(doubled, wrong_count), (X,), Verdict(RuntimeError)),
    "fast": Case(rule(product, conjugated), (X, W), PASS, {"fast_mode": True}),
    "fast_wrong": Case(
        rule(product, half_of_second),
        (X, W),
        Verdict(WRONG, MISMATCH.format(0, 1)),
        {"fast_mode": True},
    ),
    "fast_complex": Case(
        rule(product, not_conjugated),
        (Z, V),
        Verdict(WRONG, "complex outputs only, Jacobian mismatch"),
        {"fast_mode": True},
    ),
    "no_gradient": Case(
        rule(doubled, narrow),
        (np.arange(3),),
        Verdict(ValueError, "at least one input"),
    ),
    "neither_mode": Case(
        rule(doubled, narrow),
        (X,),
        Verdict(AssertionError, "at least one of check_forward_ad or check_backward"),
        {"check_backward_ad": False},
    ),
    "batched_without_backward": Case(
        with_jvp(1),
        (X,),
        Verdict(AssertionError, "check_batched_grad=True requires check_backward_ad"),
        {**FORWARD, "check_backward_ad": False, "check_batched_grad": True},
    ),
    "batched_without_forward": Case(
        with_jvp(1),
        (X,),
        Verdict(AssertionError, "check_batched_forward_grad=True requires"),
        {"check_batched_forward_grad": True},
    ),
    "jvp": Case(
        with_jvp(1), (X,), PASS, {**FORWARD, "check_batched_forward_grad": True}
    ),
    "jvp_wrong": Case(
        with_jvp(2),
        (X,),
        Verdict(WRONG, "Jacobian computed with forward mode mismatch for output 0"),
        FORWARD,
    ),
    "jvp_wrong_unasked": Case(with_jvp(2), (X,), PASS),
    "jvp_only_wrong": Case(
        with_jvp(2),
        (X,),
        Verdict(WRONG, "Jacobian computed with forward mode mismatch for output 0"),
        {**FORWARD, "check_backward_ad": False, "fast_mode": True},
    ),
    "second_order": Case(rule(exp, from_saved), (X,), PASS, second=True),
    "second_order_complex": Case(rule(product, conjugated), (Z, V), PASS, second=True),
    "second_order_detached": Case(
        rule(exp, detached), (X,), Verdict(WRONG, "Jacobian mismatch"), second=True
    ),
    "second_order_of_intermediate": Case(
        rule(cosine_kept, from_saved),
        (X,),
        Verdict(WRONG, "Jacobian mismatch"),
        ours=PASS,
        second=True,
    ),
    "second_order_conflict": Case(
        rule(exp, from_saved),
        (X,),
        Verdict(
            AssertionError, "check_undefined_grad=True requires check_rev_over_rev"
        ),
        {"check_rev_over_rev": False, "check_fwd_over_rev": True},
        second=True,
    ),
}
