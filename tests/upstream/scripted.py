"""What tests of scripted programs need: plain Python says what is right.

- `agrees`: a function scripted, called, and compared with Python.
- `compare`: one result with another, types included.
- `refused`: what script says about a program that it does not take.
- `by_numpy`: what NumPy says of a program of subscripts.
- `i32`, `f32`, `bit`: arrays of examples, short to write.
"""

import copy
import enum
import linecache
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError

Array = jax.Array

_KINDS = {
    bool: jnp.bool_,
    int: jnp.integer,
    float: jnp.floating,
    complex: jnp.complexfloating,
}
_ATOMS = (str, bytes, type, enum.Enum, types.ModuleType, types.FunctionType)


def i32(value: Any) -> Array:
    """An integer array, which script traces."""
    return jnp.asarray(value, jnp.int32)


def f32(value: Any) -> Array:
    """A floating array, which script traces."""
    return jnp.asarray(value, jnp.float32)


def bit(value: bool) -> Array:
    """A boolean array, which script traces."""
    return jnp.asarray(value)


def by_numpy(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function on NumPy arrays; JAX would compile each subscript by itself."""

    def call(*args: Any) -> Any:
        return jax.tree.map(jnp.asarray, fn(*jax.tree.map(np.asarray, args)))

    return call


def compare(got: Any, want: Any) -> None:
    """Assert that a result is what Python says.

    A number that depends on traced control flow is an array of that kind.
    """
    if isinstance(want, (jax.Array, np.ndarray, np.generic)):
        assert isinstance(got, jax.Array), (got, want)
        assert got.dtype == jnp.result_type(want), (got, want)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        assert got.shape == jnp.shape(want)
    elif type(want) in _KINDS and isinstance(got, jax.Array):
        assert got.shape == (), (got, want)
        assert jnp.issubdtype(got.dtype, _KINDS[type(want)]), (got, want)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    else:
        _compare_python(got, want)


def _compare_python(got: Any, want: Any) -> None:
    assert type(got) is type(want), (got, want)
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want), (got, want)
        for one, other in zip(got, want, strict=True):
            compare(one, other)
    elif isinstance(want, dict):
        assert list(got) == list(want)
        for key, value in want.items():
            compare(got[key], value)
    elif isinstance(want, float):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    elif hasattr(want, "__dict__") and not isinstance(want, _ATOMS):
        compare(vars(got), vars(want))
    else:
        assert got == want


def agrees(
    fn: Callable[..., Any],
    *calls: tuple[Any, ...],
    want: Callable[..., Any] | None = None,
    **options: Any,
) -> Any:
    """Script a function, and assert that each call does what Python does.

    Results, arguments that were changed, and exceptions are compared.

    Args:
        fn: The function.
        calls: The arguments of each call.
        want: What plain Python runs, where it can't run `fn` on arrays.
        options: Of script.
    """
    scripted = jaxgrad.script(fn, **options)
    for args in calls:
        mine, theirs = copy.deepcopy(args), copy.deepcopy(args)
        raised, expected = _outcome(want or fn, theirs)
        if raised is None:
            compare(scripted(*mine), expected)
            compare(mine, theirs)
            continue
        named = isinstance(raised, NameError)
        with pytest.raises((NameError, ScriptError) if named else type(raised)) as told:
            scripted(*mine)
        assert named or _message(raised) in str(told.value)
    return scripted


def _outcome(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Any]:
    """What Python raises, or what it gives."""
    try:
        return None, fn(*args)
    except Exception as error:
        return error, None


def _message(error: Exception) -> str:
    """What the user said; pytest adds to asserts what their sides are."""
    if isinstance(error, AssertionError):
        return str(error).partition("assert ")[0].strip()
    return str(error)


def refused(fn: Any, *args: Any, at: str, says: tuple[str, ...] = ()) -> ScriptError:
    """Assert that script refuses a program.

    Args:
        fn: What is scripted, and called.
        args: The arguments.
        at: What stands on the line that the error names.
        says: What the message says.
    """
    with pytest.raises(ScriptError) as caught:
        jaxgrad.script(fn)(*args)
    error = caught.value
    assert error.filename is not None
    assert error.lineno is not None
    line = linecache.getline(error.filename, error.lineno)
    assert at in line, f"the error is at {line!r}: {error}"
    for part in says:
        assert part in str(error), error
    return error
