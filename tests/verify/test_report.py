"""What `check_function` says: the table, the errors, refused cells and JAX's limits."""

import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import ArgumentError, CheckError
from jaxgrad.verify import Cell, Report, cell_names, check_function
from jaxgrad.verify._limits import LIMITS, find
from tests.verify.modes import Callback
from tests.verify.saving import Once, SavedInput

X = np.array([0.5, -1.25, 2.0], np.float32)

MIXED = Report(
    "Silu",
    (
        Cell("grad", "ok"),
        Cell("jvp", "refused", "ForwardModeError: no rule"),
        Cell("export", "limit", "JAX can't"),
        Cell("vmap", "failed", "expected 1, got 2"),
        Cell("scan", "failed", "ValueError: no"),
    ),
)


def test_a_report_prints_as_a_table() -> None:
    assert str(MIXED).splitlines() == [
        "Silu: 1 ok, 1 refused, 1 limit, 2 failed",
        "",
        "cell    status   detail",
        "------  -------  -------------------------",
        "grad    ok",
        "jvp     refused  ForwardModeError: no rule",
        "export  limit    JAX can't",
        "vmap    failed   expected 1, got 2",
        "scan    failed   ValueError: no",
    ]


def test_failed_cells_are_an_error_that_names_them() -> None:
    assert not MIXED.ok
    with pytest.raises(CheckError) as caught:
        MIXED.raise_if_failed()
    assert str(caught.value).splitlines() == [
        "Silu: 1 ok, 1 refused, 1 limit, 2 failed",
        "  vmap: expected 1, got 2",
        "  scan: ValueError: no",
    ]
    assert isinstance(caught.value, AssertionError)


def test_refused_cells_and_limits_are_no_failure() -> None:
    report = Report("F", MIXED.cells[:3])
    assert report.ok
    report.raise_if_failed()


def check(cls: type[Function], *cells: str) -> dict[str, Cell]:
    report = check_function(cls, jnp.asarray(X), cells=cells)
    assert report.function == cls.__name__
    return {cell.name: cell for cell in report.cells}


def test_only_the_chosen_cells_run_and_progress_hears_of_them() -> None:
    heard: list[str] = []
    report = check_function(
        SavedInput, jnp.asarray(X), cells=["jvp", "value"], progress=heard.append
    )
    assert heard == [cell.name for cell in report.cells] == ["value", "jvp"]


def test_an_unknown_cell_is_an_error_that_lists_the_cells() -> None:
    with pytest.raises(ValueError, match=r"no cells named \['grat'\]") as caught:
        check_function(SavedInput, jnp.asarray(X), cells=["grat"])
    assert all(name in str(caught.value) for name in cell_names())


def test_forward_mode_is_refused_with_its_error() -> None:
    cell = check(SavedInput, "jvp")["jvp"]
    assert cell.status == "refused"
    assert cell.detail.startswith("ForwardModeError: SavedInput")


def test_a_second_derivative_of_a_once_differentiable_rule_is_refused() -> None:
    cells = check(Once, "grad", "grad(grad)", "hessian")
    assert cells["grad"].status == "ok"
    assert cells["grad(grad)"].status == cells["hessian"].status == "refused"
    assert "OnceDifferentiableError" in cells["hessian"].detail


class NoBackward(Function):
    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return x * x


def test_derivatives_without_a_rule_are_refused() -> None:
    cells = check(NoBackward, "value", "grad", "vmap(value)")
    assert cells["value"].status == cells["vmap(value)"].status == "ok"
    assert cells["grad"].status == "refused"
    assert cells["grad"].detail.startswith("MissingBackwardError")


class Broken(NoBackward):
    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        raise ZeroDivisionError("the user's own error")


def test_an_error_of_the_users_backward_is_a_failure() -> None:
    cell = check(Broken, "grad")["grad"]
    assert cell.status == "failed"
    assert "the user's own error" in cell.detail


class HiddenIntermediate(Callback):
    """A saved intermediate of a host callback has no derivative."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = Callback.forward(ctx, x)
        ctx.save_for_backward(y + 1)
        return y


def test_an_intermediate_without_a_derivative_is_refused() -> None:
    cells = check(HiddenIntermediate, "grad", "grad(grad)")
    assert cells["grad"].status == "ok"
    assert cells["grad(grad)"].status == "refused"
    assert cells["grad(grad)"].detail.startswith("IntermediateDerivativeError")


def test_wrong_arguments_are_errors_and_not_cells() -> None:
    with pytest.raises(ArgumentError, match="SavedInput"):
        check_function(SavedInput, jnp.asarray(X), jnp.asarray(X))


class Count(Function):
    @staticmethod
    def forward(ctx: Context, n: jax.Array) -> jax.Array:
        return n + 1


def test_without_anything_to_differentiate_values_are_checked() -> None:
    report = check_function(Count, jnp.arange(3))
    report.raise_if_failed()
    assert [c.name for c in report.cells] == [
        "value",
        "jit(value)",
        "vmap(value)",
        "vmap(vmap(value))",
        "while_loop, value",
    ]


def test_arguments_may_be_large() -> None:
    x = jnp.linspace(-1, 1, 64 * 128).reshape(64, 128).astype(jnp.float32)
    cells = ["grad", "hessian", "vmap(grad)"]
    check_function(SavedInput, x, cells=cells).raise_if_failed()


# --- limits ---------------------------------------------------------------------------


def test_exporting_a_callback_is_a_limit_that_is_named() -> None:
    cell = check(Callback, "export, first order")["export, first order"]
    assert cell.status == "limit"
    assert cell.detail == "jax.export can't write host callbacks to a file"


def through_host(x: jax.Array) -> jax.Array:
    like = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(np.asarray, like, x, vmap_method="expand_dims")


class Excuse(SavedInput):
    """Raises in export for a reason of its own: its rules hold no callback."""

    @classmethod
    def apply(cls, x: Any) -> Any:
        return super().apply(x) + 0 * through_host(jax.lax.stop_gradient(x))


def test_a_limit_does_not_excuse_what_the_twin_can_do() -> None:
    cell = check(Excuse, "export, first order")["export, first order"]
    assert cell.status == "failed"
    assert "callback" in cell.detail


def test_a_limit_excuses_only_what_it_names() -> None:
    error = NotImplementedError(
        "serialization of host_callbacks is not yet implemented"
    )
    other = ValueError("something else")
    assert find("export, first order", error, error) == LIMITS[0].why
    assert find("grad", error, error) is None
    assert find("export, first order", other, error) is None
    assert find("export, first order", error, other) is None
    assert find("export, first order", error, None) is None


def test_without_flatbuffers_export_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    cell = check(SavedInput, "export, first order")["export, first order"]
    assert cell.status == "limit"
    assert "pip install 'jaxgrad[export]'" in cell.detail
