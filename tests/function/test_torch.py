"""The same sources in torch and in jaxgrad, side by side, where torch is installed."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.recorded import jax_answers
from tests.recorded.functions import SOURCES, define, inputs, weights

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", SOURCES)
def test_values_and_two_orders_of_gradients(name: str, compiled: bool) -> None:
    from tests.recorded import record

    want = record.answers(name)
    with jax.enable_x64(True):
        got = jax_answers.answers(name, compiled=compiled)
    for key, arrays in got.items():
        for array, expected in zip(arrays, want[key], strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_allclose(array, expected, rtol=1e-10, atol=1e-10)


def smooth_sources() -> list[str]:
    return [name for name in SOURCES if name not in ("sort_with_positions",)]


@pytest.mark.parametrize("name", smooth_sources())
def test_one_cotangent_at_a_time(name: str) -> None:
    """Every output alone, so that absent cotangents count too."""
    theirs = define(name, torch.autograd.Function, torch)
    ours = define(name, Function, jnp)
    args = inputs(name)
    is_array = [isinstance(v, np.ndarray) for v in args]
    n_outs = len(outputs_of(theirs.apply(*map(to_torch, args))))
    for slot in range(n_outs):
        tensors = [*map(to_torch, args)]
        out = outputs_of(theirs.apply(*tensors))[slot]
        if not (out.is_floating_point() or out.is_complex()):
            continue
        w = weights(tuple(out.shape), slot)
        cotangent = w if out.is_complex() else w.real
        leaves = [t for t, array in zip(tensors, is_array, strict=True) if array]
        want = torch.autograd.grad(
            out, leaves, torch.from_numpy(cotangent), allow_unused=True
        )
        with jax.enable_x64(True):
            pull = jax.vjp(slot_of(ours, args, slot), *filter_arrays(args))[1]
            got = pull(jnp.asarray(cotangent.conj()))
        for ours_g, theirs_g, leaf in zip(got, want, leaves, strict=True):
            expected = np.zeros(leaf.shape) if theirs_g is None else to_numpy(theirs_g)
            np.testing.assert_allclose(ours_g.conj(), expected, rtol=1e-10, atol=1e-12)


def to_torch(value: object) -> object:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()).requires_grad_()
    return value


def to_numpy(tensor: "torch.Tensor") -> np.ndarray:
    return tensor.detach().resolve_conj().numpy()


def outputs_of(out: object) -> tuple:
    return out if isinstance(out, tuple) else (out,)


def filter_arrays(args: tuple) -> list[jax.Array]:
    return [jnp.asarray(v) for v in args if isinstance(v, np.ndarray)]


def slot_of(cls: type[Function], args: tuple, slot: int) -> Callable:
    def f(*arrays: jax.Array) -> jax.Array:
        given = iter(arrays)
        live = [next(given) if isinstance(v, np.ndarray) else v for v in args]
        return outputs_of(cls.apply(*live))[slot]

    return f


def test_a_saved_output_is_differentiated_as_in_torch() -> None:
    """Third order too, where a rule that differs from the truth tells them apart."""
    name = "exp_with_another_rule"
    x = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
    y = define(name, torch.autograd.Function, torch).apply(x).sum()
    for _ in range(3):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    apply = define(name, Function, jnp).apply
    with jax.enable_x64(True):
        f = jax.grad(jax.grad(jax.grad(apply)))
        got = jax.vmap(f)(jnp.asarray(to_numpy(x)))
    np.testing.assert_allclose(got, to_numpy(y), rtol=1e-10)
    np.testing.assert_allclose(got, 1000 * np.exp(to_numpy(x)), rtol=1e-10)


@pytest.mark.parametrize(
    ("shape", "given"),
    [((3,), (2, 3)), ((2, 1), (2, 3)), ((), (5, 3)), ((3,), (0, 3)), ((1, 3), (4, 3))],
)
def test_gradients_are_summed_and_cast_as_in_torch(shape: tuple, given: tuple) -> None:
    values = np.arange(np.prod(given), dtype=np.float32).reshape(given)

    def function(base: type, own: Callable) -> Callable:
        members = {
            "forward": staticmethod(lambda ctx, x: x.sum()),
            "backward": staticmethod(lambda ctx, g: own(values)),
        }
        return type("F", (base,), members).apply

    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    theirs = function(torch.autograd.Function, torch.from_numpy)
    (want,) = torch.autograd.grad(theirs(x), x)
    with jax.enable_x64(True):
        got = jax.grad(function(Function, jnp.asarray))(jnp.zeros(shape))
    assert (got.dtype, got.shape) == (jnp.float64, shape)
    np.testing.assert_allclose(got, want.numpy(), rtol=1e-10)
