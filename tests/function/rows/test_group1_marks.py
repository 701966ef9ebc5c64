"""Rows 1.10 to 1.18: what else the context is told, and keeps."""

from typing import Any

import jax
import pytest

from jaxgrad import errors
from jaxgrad.errors import ContextError, FunctionDefinitionError
from tests.function.functions import SaveInput
from tests.function.rows.functions import TRACES, X, define, in_forward, refuses


def test_row_1_10() -> None:
    reads = []

    def say(ctx: Any, x: Any) -> None:
        reads.append(ctx.saved_for_forward)
        ctx.save_for_forward(x, None)
        reads.append(ctx.saved_for_forward)

    in_forward(say).apply(X)
    assert reads[0] is None
    assert type(reads[1]) is tuple
    assert len(reads[1]) == 2
    bad = in_forward(lambda ctx, x: ctx.save_for_forward(x, "text"))
    refuses(ContextError, lambda: bad.apply(X), "F", "save_for_forward", "1", "str")


def test_row_1_11() -> None:
    reads = []

    def say(ctx: Any, x: Any) -> None:
        reads.append(ctx.dirty_tensors)
        ctx.mark_dirty(x)
        reads.append(ctx.dirty_tensors)

    assert in_forward(say, jit=False).apply(X) == 4.0
    assert reads[0] is None
    assert type(reads[1]) is tuple
    assert len(reads[1]) == 1
    bad = in_forward(lambda ctx, x: ctx.mark_dirty(3))
    refuses(errors.JaxgradError, lambda: bad.apply(X), "F", "mark_dirty", "int")


def test_row_1_12() -> None:
    reads = []

    def forward(ctx: Any, x: Any) -> Any:
        reads.append(ctx.non_differentiable)
        a, b = 2 * x, 3 * x
        ctx.mark_non_differentiable(a)
        ctx.mark_non_differentiable(b, x)  # replaces; what is no output is ignored
        reads.append(ctx.non_differentiable)
        return a, b

    f = define(forward=forward, backward=lambda ctx, a, b: 7 * a + 100 * b).apply
    assert jax.grad(lambda x: sum(f(x)))(X) == 7.0
    assert reads[0] is None
    assert len(reads[1]) == 2
    bad = in_forward(lambda ctx, x: ctx.mark_non_differentiable(3))
    refuses(ContextError, lambda: bad.apply(X), "F", "mark_non_differentiable", "int")


def test_row_1_13() -> None:
    f = in_forward(lambda ctx, x: ctx.mark_shared_storage((x, x)), jit=False)
    with pytest.warns(FutureWarning, match="mark_shared_storage"):
        assert f.apply(X) == 4.0


def test_row_1_14() -> None:
    bad = in_forward(lambda ctx, x: ctx.set_materialize_grads(3))
    refuses(
        ContextError,
        lambda: bad.apply(X),
        "F",
        "set_materialize_grads",
        "True",
        "int 3",
    )
    seen = []

    def backward(ctx: Any, a: Any, b: Any) -> Any:
        seen.append(b)
        return 7 * a

    def forward(ctx: Any, x: Any) -> Any:
        ctx.materialize_grads = False  # as set_materialize_grads, and write-only
        return 2 * x, 3 * x

    f = define(forward=forward, backward=backward).apply
    assert jax.grad(lambda x: f(x)[0])(X) == 7.0
    assert seen == [None]
    reads = in_forward(lambda ctx, x: ctx.materialize_grads)
    refuses(AttributeError, lambda: reads.apply(X), "materialize_grads")


def test_row_1_15() -> None:
    reads = []

    def forward(ctx: Any, x: Any) -> Any:
        reads.append(ctx._materialize_non_diff_grads)
        ctx._materialize_non_diff_grads = False
        reads.append(ctx._materialize_non_diff_grads)
        return 2 * x, 3 * x, x > 0

    def backward(ctx: Any, a: Any, b: Any, p: Any) -> Any:
        reads.append((float(b), p))
        return 7 * a

    f = define(forward=forward, backward=backward).apply
    assert jax.grad(lambda x: f(x)[0])(X) == 7.0
    assert reads == [True, False] * TRACES + [(0.0, None)]
    bad = in_forward(lambda ctx, x: setattr(ctx, "_materialize_non_diff_grads", 3))
    refuses(
        ContextError, lambda: bad.apply(X), "F", "_materialize_non_diff_grads", "int"
    )


def test_row_1_16() -> None:
    for value in (True, False):
        f = in_forward(lambda ctx, x, v=value: setattr(ctx, "_is_pure_view", v))
        assert jax.value_and_grad(f.apply)(X) == (4.0, 7.0)
    bad = in_forward(lambda ctx, x: setattr(ctx, "_is_pure_view", 3))
    refuses(ContextError, lambda: bad.apply(X), "F", "_is_pure_view", "int")


def test_row_1_17() -> None:
    """The second read in one backward is an error; another backward reads again."""

    def backward(ctx: Any, g: Any) -> Any:
        return 100 * ctx.saved_tensors[0] ** 2 * g

    def twice(ctx: Any, g: Any) -> Any:
        return backward(ctx, g) + backward(ctx, g)

    flag = {"clear_saved_tensors_on_access": True}
    once = define(forward=SaveInput.forward, backward=backward, **flag)
    _, pull = jax.vjp(once.apply, X)
    assert pull(X) == pull(X) == (800.0,)
    bad = define(forward=SaveInput.forward, backward=twice, **flag)
    refuses(
        ContextError,
        lambda: jax.grad(bad.apply)(X),
        "F",
        "saved_tensors",
        "clear_saved_tensors_on_access",
    )
    refuses(
        FunctionDefinitionError,
        lambda: define(clear_saved_tensors_on_access=1),
        "F",
        "clear_saved_tensors_on_access",
        "True or False",
        "int",
    )


def test_row_1_18() -> None:
    """Each application's own; arrays and static values; read as often as one likes."""

    def forward(ctx: Any, x: Any, n: Any) -> Any:
        ctx.n, ctx.kept = n, {"x": x}
        return n * x

    f = define(
        forward=forward, backward=lambda ctx, g: (10 * ctx.n * ctx.kept["x"] * g, None)
    ).apply
    assert jax.grad(lambda x: f(x, 2) + f(x, 5))(X) == 140.0
    assert jax.grad(jax.checkpoint(lambda x: f(f(x, 2), 5)))(X) == 200.0 * 40
    _, pull = jax.vjp(lambda x: f(x, 2), X)
    assert pull(X) == pull(X) == (80.0,)
