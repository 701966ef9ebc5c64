"""The matrix finds what it is for: rules that are dropped, changed or over-counted.

Each class here answers through a lowering that is wrong in one way; its `forward` and
`backward` are right, so only the transformations can tell.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Context, Function
from jaxgrad.verify import check_function
from jaxgrad.verify._cells import CELLS
from tests.verify.saving import Once, SavedInput, SavedIntermediate, SavedOutput

X = np.array([0.5, -1.25, 2.0], np.float32)

FIRST = {spec.name for spec in CELLS if spec.order == 1 and not spec.fixed}
HIGHER = {spec.name for spec in CELLS if spec.order > 1}
FORWARD = {spec.name for spec in CELLS if spec.forward}
VALUES = {spec.name for spec in CELLS if spec.order == 0}


def failed(cls: type[Function], *cells: str) -> set[str]:
    report = check_function(cls, jnp.asarray(X), cells=cells or None)
    return {cell.name for cell in report.failed}


class Dropped(SavedOutput):
    """JAX differentiates forward; nobody asks backward."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return jnp.exp(x)


def test_a_dropped_rule_fails_wherever_there_is_a_derivative() -> None:
    assert failed(Dropped) == FIRST | HIGHER


class Classic(SavedOutput):
    """The usual custom_vjp: the inner value and the saved output lose the rule."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return _classic(x)


@jax.custom_vjp
def _classic(x: Any) -> Any:
    return jnp.exp(x)


_classic.defvjp(lambda x: 2 * (jnp.exp(x),), lambda y, g: (10 * y * g,))


def test_a_plain_custom_vjp_is_told_from_the_rule() -> None:
    found = failed(Classic)
    assert {
        "grad(value_and_grad), the value",
        "inner value, in another argument",
        "grad(grad)",
        "jit(grad(grad))",
        "third order",
        "hessian",
        "vmap(hessian)",
        "grad(grad(checkpoint))",
    } <= found
    assert not found & {"grad", "jit(grad)", "grad(vmap)", "grad(scan)", "jacrev"}


class Constant(SavedOutput):
    """The saved output is a constant to the second derivative."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return _constant(x)


@jax.custom_vjp
def _constant(x: Any) -> Any:
    return jnp.exp(jax.lax.stop_gradient(x))


def _constant_fwd(x: Any) -> Any:
    y = _constant(x)
    return y, jax.lax.stop_gradient(y)


_constant.defvjp(_constant_fwd, lambda y, g: (10 * y * g,))


def test_a_saved_output_taken_for_a_constant_is_wrong_from_the_second_order() -> None:
    assert failed(Constant) >= HIGHER - FORWARD
    assert not failed(Constant) & (FIRST - FORWARD)


class Frozen(SavedIntermediate):
    """The saved intermediate is a constant to the second derivative, as in torch."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return super().apply(jax.lax.stop_gradient(x)) + _slope(x)


@jax.custom_vjp
def _slope(x: Any) -> Any:
    return jnp.zeros_like(x)


_slope.defvjp(
    lambda x: (_slope(x), jax.lax.stop_gradient(jnp.cos(x))),
    lambda c, g: (3 * c * g,),
)


def test_an_intermediate_taken_for_a_constant_is_wrong_from_the_second_order() -> None:
    cells = ("grad", "vmap(grad)", "grad(grad)", "hessian", "third order")
    assert failed(Frozen, *cells) == {"grad(grad)", "hessian", "third order"}


class Overcounted(SavedInput):
    """Under vmap, shared operands get their gradient once more than they should."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return _overcounted(x)


@jax.custom_batching.custom_vmap
def _mark(x: Any) -> Any:
    return x


@_mark.def_vmap
def _(size: int, batched: Any, x: Any) -> Any:
    return 2 * x, batched[0]


@jax.custom_vjp
def _overcounted(x: Any) -> Any:
    return x * x


_overcounted.defvjp(lambda x: (_overcounted(x), x), lambda x, g: (_mark(100 * x * g),))


def test_a_gradient_counted_twice_under_vmap_is_found() -> None:
    cells = ("grad", "grad(scan)", "grad(vmap)", "vmap(grad)")
    found = failed(Overcounted, *cells, "grad(vmap), shared operands")
    assert {"grad(vmap)", "vmap(grad)"} <= found
    assert not found & {"grad", "grad(scan)"}


class Twice(Once):
    """The mark of once_differentiable is ignored."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return SavedInput.apply(x)


def test_an_answer_where_an_error_is_due_fails() -> None:
    cells = check_function(Twice, jnp.asarray(X), cells=["grad", "grad(grad)"]).cells
    assert [cell.status for cell in cells] == ["ok", "failed"]
    assert cells[1].detail == "expected OnceDifferentiableError"


class WrongType(SavedInput):
    """The output is right in value and wrong in dtype."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return super().apply(x).astype(jnp.bfloat16).astype(jnp.float16)


def test_a_changed_dtype_is_found() -> None:
    assert failed(WrongType, "value", "jit(value)") == {"value", "jit(value)"}


class Slipping(SavedInput):
    """The right answer at first, another one from the second call on."""

    calls = 0

    @classmethod
    def apply(cls, x: Any) -> Any:
        cls.calls += 1
        return super().apply(x) * (1.0 if cls.calls <= 2 else 2.0)


def test_a_value_that_changes_between_calls_is_found() -> None:
    assert failed(Slipping, "value") == {"value"}


class Unasked(Function):
    """A linear rule, so that the check of the checks has a Function that is fine."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return 2 * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 20 * g


def test_a_function_that_is_fine_fails_nowhere() -> None:
    assert failed(Unasked, *(VALUES | FIRST - FORWARD)) == set()
