"""`ScriptList` and `ScriptDict` in scripts: the caller's own, and changed there."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import ScriptDict, ScriptList
from jaxgrad.errors import ContainerTypeError

X = jnp.array([1.0, 2.0])


def test_scripts_change_the_callers_own() -> None:
    def run(values: Any, named: Any, c: Any) -> Any:
        named["b"] = values[0] * 2
        values.append(values[0] + 1)
        if c > 0:
            values[0] = values[0] * 5
            named["a"] = values[1]
        else:
            values[1] = -values[1]
        return values, len(values), named

    for c in (1.0, -1.0):
        values, named = ScriptList([X]), ScriptDict({"a": X})
        again, count, too = jaxgrad.script(run)(values, named, jnp.float32(c))
        assert again is values
        assert too is named
        assert count == len(values) == 2
        mine, theirs = [X], {"a": X}
        run(mine, theirs, c)
        np.testing.assert_allclose(values, mine)
        np.testing.assert_allclose(list(named.values()), list(theirs.values()))


def test_they_are_read_as_in_python() -> None:
    def run(values: Any, named: Any, i: Any) -> Any:
        total = X * 0
        for value in values:
            total = total + value
        for key in named:
            total = total + named[key]
        for n, (key, value) in enumerate(named.items()):
            total = total + value * n * len(key)
        asked = "a" in named, "z" in named, bool(values), values[-1], values[1:]
        return total, sum(values), values[i], asked, max(len(values), len(named))

    values, named = ScriptList([X, X * 3]), ScriptDict({"a": X, "bb": X * 2})
    total, added, picked, asked, most = jaxgrad.script(run)(values, named, jnp.int32(1))
    np.testing.assert_allclose(total, X * (4 + 3 + 4))
    np.testing.assert_allclose(added, X * 4)
    np.testing.assert_allclose(picked, X * 3)
    assert asked[:3] == (True, False, True)
    np.testing.assert_allclose(asked[3], X * 3)
    assert len(asked[4]) == 1
    assert most == 2


def test_nested_ones_are_shared() -> None:
    def run(outer: Any) -> Any:
        outer["list"].append(X * 3)
        outer["list"][0] = X * 9
        return outer["list"]

    inner = ScriptList([X])
    assert jaxgrad.script(run)({"list": inner}) is inner
    np.testing.assert_allclose(inner, [X * 9, X * 3])
    plain = [X]
    assert jaxgrad.script(run)(ScriptDict({"list": plain})) is plain
    np.testing.assert_allclose(plain, inner)


def test_rolled_loops_and_globals() -> None:
    kept = ScriptList([X])

    def run(n: Any) -> Any:
        for i in range(6):
            kept.append(n * i)
        total = X * 0
        for value in kept:
            total = total + value
        return total

    np.testing.assert_allclose(jaxgrad.script(run)(X), X * 16)
    assert len(kept) == 7
    np.testing.assert_allclose(kept[-1], X * 5)


def test_their_types_hold_inside() -> None:
    values = ScriptList([X])
    with pytest.raises(ContainerTypeError, match="expected Tensor"):
        jaxgrad.script(lambda v: v.append("text"))(values)
    assert len(values) == 1


def test_lists_and_dictionaries_become_them() -> None:
    assert isinstance(jaxgrad.script([1, 2]), ScriptList)
    assert isinstance(jaxgrad.script({"a": 1}), ScriptDict)
    values = ScriptList([1])
    assert jaxgrad.script(values) is values
