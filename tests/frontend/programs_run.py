"""Running a program, and comparing what two runs gave.

- `run`: a call, with everything that it did: `Outcome`.
- `Pure`: a call as a function from arrays to arrays, for `jit`, `vmap` and `grad`.
- `assert_same`: two trees are equal, container types and dtypes too.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.frontend.program import arrays, children, walk, with_leaves

_NUMBERS = (bool, int, float, complex)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a call gave, what it left in its arguments, raised and printed."""

    result: Any
    args: Any
    error: BaseException | None = None
    printed: str | None = None

    def assert_same(self, got: "Outcome", where: str, *, joined: bool = False) -> None:
        """Another run did the same."""
        if self.error is None and got.error is not None:
            raise got.error
        if self.error is not None:
            assert got.error is not None, f"{where}: no {self.error!r}"
            assert type(got.error) is type(self.error), f"{where}: {got.error!r}"
            assert str(got.error) == str(self.error), f"{where}: {got.error!r}"
        else:
            assert_same(self.result, got.result, f"{where}: result", joined=joined)
            assert_same(self.args, got.args, f"{where}: arguments", joined=joined)
        if got.printed is not None:
            assert got.printed == self.printed, where


def run(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    capsys: pytest.CaptureFixture[str] | None = None,
) -> Outcome:
    """Call a function on a copy of arguments."""
    own = with_leaves(args, arrays(args), arrays(args))
    result, error = None, None
    if capsys is not None:
        capsys.readouterr()
    try:
        result = fn(*own)
    except Exception as raised:
        error = raised
    jax.effects_barrier()
    printed = None if capsys is None else capsys.readouterr().out
    return Outcome(result, own, error, printed)


class Pure:
    """A call as a function from the arrays of its arguments to arrays."""

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.fn = fn
        self.args = args
        self.leaves = arrays(args)
        self.tree: Any = None

    def __call__(self, values: list[Any]) -> list[Any]:
        args = with_leaves(self.args, self.leaves, values)
        self.tree = (self.fn(*args), args)
        return arrays(self.tree)

    def rebuilt(self, values: list[Any]) -> Any:
        """The pair of result and arguments again, with given arrays."""
        return with_leaves(self.tree, arrays(self.tree), values)


def weighted(tree: Any) -> Any:
    """A weighted sum of the real parts of all arrays in a tree."""
    total = jnp.float32(0)
    for leaf in walk(tree):
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            flat = jnp.real(jnp.ravel(leaf)).astype(jnp.float32)
            total += jnp.sum(flat * (1 + 0.5 * jnp.cos(jnp.arange(flat.size))))
    return total


def grouped(sets: list[Any]) -> list[list[Any]]:
    """Pairs of arguments and outcome, by what of the arguments is static."""
    groups: dict[Any, list[Any]] = {}
    for pair in sets:
        leaves = [id(leaf) for leaf in walk(pair[0])]
        same = tuple(map(leaves.index, leaves))
        groups.setdefault((_static(pair[0]), same), []).append(pair)
    return list(groups.values())


def _static(tree: Any) -> Any:
    if isinstance(tree, (np.ndarray, np.generic, jax.Array)):
        return tree.shape, str(tree.dtype)
    inner = children(tree)
    if inner or isinstance(tree, (tuple, list, dict)):
        return type(tree), tuple((key, _static(child)) for key, child in inner.items())
    return type(tree), repr(tree)


def assert_raised(expected: BaseException, got: BaseException, where: str) -> None:
    """Inside jit, JAX wraps what was raised; the class and the message are told."""
    told = f"{type(got).__name__}: {got}"
    assert type(expected).__name__ in told, f"{where}: {told}"
    assert str(expected) in told, f"{where}: {told}"


def assert_same(
    expected: Any, got: Any, where: str, *, joined: bool = False, slope: bool = False
) -> None:
    """Two trees are equal: container types, dtypes and values."""
    options = {"joined": joined, "slope": slope}
    if isinstance(expected, jax.Array):
        assert isinstance(got, jax.Array), f"{where}: {got!r}"
        if not joined:
            assert got.dtype == expected.dtype, where
        _close(np.asarray(expected), np.asarray(got), where, slope)
    elif isinstance(expected, _NUMBERS) and isinstance(got, jax.Array):
        assert got.shape == (), where
        if not joined:
            assert got.dtype == jnp.asarray(expected).dtype, where
        _close(np.asarray(expected), np.asarray(got), where, slope)
    elif children(expected) or isinstance(expected, (tuple, list, dict)):
        assert type(got) is type(expected), f"{where}: {got!r}"
        theirs = children(got)
        assert list(theirs) == list(children(expected)), f"{where}: {theirs!r}"
        for key, child in children(expected).items():
            assert_same(child, theirs[key], f"{where}[{key!r}]", **options)
    elif isinstance(expected, enum.Enum) or callable(expected):
        assert got is expected, f"{where}: {got!r}"
    else:
        assert type(got) is type(expected), f"{where}: {got!r}"
        assert got == expected, where


def _close(expected: Any, got: Any, where: str, slope: bool) -> None:
    assert got.shape == expected.shape, f"{where}: {got.shape} for {expected.shape}"
    if expected.dtype.kind in "biu" and got.dtype.kind in "biu":
        np.testing.assert_array_equal(got, expected, where)
    else:
        tight = 1e-5 if slope else 1e-6
        wide = [x if x.dtype.kind == "c" else x.astype(float) for x in (got, expected)]
        np.testing.assert_allclose(*wide, rtol=tight, atol=tight, err_msg=where)
