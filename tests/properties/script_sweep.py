"""Runs random programs in Python and as script, and compares.

- `Check`: compares lists of random functions, and counts what it has seen.
- `SHARDS`: the checks of a run of the tests; `shards`: those of so many programs.
- `count`: how many programs a run of the tests does.

Python runs with NumPy in JAX's place, on scalars of NumPy, which is a hundred times
faster than arrays of JAX one by one. All functions of a list are compiled together.
"""

import collections
import contextlib
import functools
import itertools
import linecache
import os
import re
import types
import warnings
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import assume

import jaxgrad
from jaxgrad.errors import JaxgradWarning, ScriptError
from tests.properties.script_expressions import KINDS
from tests.properties.script_grammar import functions
from tests.properties.script_modules import (
    Function,
    constructs,
    module,
    without_stores,
)
from tests.properties.sweep import Shard

TOGETHER = 20
# Optimizing takes most of the time, and is no part of what is tested.
_OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}
_NUMBERS = itertools.count()

Inputs = tuple[Any, Any, Any, Any]


def _inputs(seed: int) -> Inputs:
    rng = np.random.default_rng(seed)
    a, b, *v = rng.uniform(-1, 1, 5).astype(np.float32)
    return a, b, np.int32(rng.integers(0, 6)), np.array(v)


INPUTS = [_inputs(seed) for seed in (1, 4, 7)]


def loaded(text: str, numpy: Any) -> types.ModuleType:
    """The module of a text, whose lines can be found again."""
    made = types.ModuleType(f"random_{next(_NUMBERS)}")
    name = f"<{made.__name__}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    made.__dict__["jnp"] = numpy
    exec(compile(text, name, "exec"), made.__dict__)
    return made


def in_python(text: str, inputs: Inputs, dtype: Any = np.float32) -> Any:
    """What `main` returns, by NumPy; or the UnboundLocalError that it raises."""
    a, b, i, v = inputs
    with np.errstate(all="ignore"):
        try:
            return loaded(text, np).main(dtype(a), dtype(b), i, v.astype(dtype))
        except UnboundLocalError as error:
            return error


def differ(got: Any, want: Any) -> str:
    """How two results differ; "" if they don't."""
    if jax.tree.structure(got) != jax.tree.structure(want):
        return f"{jax.tree.structure(got)} is not {jax.tree.structure(want)}"
    for mine, other in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        one, two = np.asarray(mine), np.asarray(other)
        if one.shape != two.shape:
            return f"shape {one.shape} is not {two.shape}"
        loose = 1e-4 if two.dtype.kind == "f" or one.dtype.kind == "f" else 0
        if not np.allclose(one, two, rtol=loose, atol=loose):
            return f"{one} is not {two}"
    return ""


def stable(text: str, inputs: Inputs) -> bool:
    """Whether Python's result hangs on no rounding."""
    exact = in_python(text, inputs, np.float64)
    return not differ(in_python(text, inputs), exact)


@functools.cache
def _quick() -> dict[str, Any]:
    """Those of the options that this JAX has."""
    found: dict[str, Any] = {}
    for name, value in _OPTIONS.items():
        with contextlib.suppress(jax.errors.JaxRuntimeError):
            jax.jit(lambda: 0, compiler_options={name: value})()
            found[name] = value
    return found


def jitted(text: str) -> Callable[..., Any]:
    """The whole program below `jax.jit`."""
    main = jaxgrad.script(loaded(text, jnp).main)
    return jax.jit(main, compiler_options=_quick())


class Check:
    """Compares lists of functions.

    Attributes:
        seen: how many functions there were, `unstable` results that were left out, and
            constructs.
    """

    def __init__(self) -> None:
        self.seen: collections.Counter[str] = collections.Counter()

    def __call__(self, given: list[Function]) -> None:
        # The first that Hypothesis tries is many times the smallest.
        assume(len({*given}) == len(given))
        text = module(given)
        with warnings.catch_warnings():  # loops that are unrolled say so
            warnings.simplefilter("ignore", JaxgradWarning)
            try:
                wrong = self.compare(given, text)
            except Exception as error:
                self.blame(given)
                raise AssertionError(f"together only: {error!r}\n{text}") from error
        assert not wrong, wrong
        self.seen["functions"] += len(given)
        for function in given:
            self.seen.update(constructs(function.text))

    def compare(self, given: list[Function], text: str) -> str:
        """The first function whose results differ, and how; "" if none do."""
        compiled = jitted(text)
        for inputs in INPUTS:
            results = compiled(*map(jnp.asarray, inputs))
            wanted = in_python(text, inputs)
            for function, got, want in zip(given, results, wanted, strict=True):
                found = differ(got, want)
                if found and stable(module([function]), inputs):
                    return f"{inputs}: {found}\n{module([function])}"
                self.seen["unstable"] += bool(found)
        return ""

    def blame(self, given: list[Function]) -> None:
        """Find the function that can't be compiled or run."""
        for function in given:
            text = module([function])
            try:
                self.compare([function], text)
            except Exception as error:
                raise AssertionError(f"{error!r}\n{text}") from error


class WrittenBack(Check):
    """Calls functions from Python, with a static int, an object and a list of its."""

    def compare(self, given: list[Function], text: str) -> str:
        there = loaded(text, jnp)
        for number, function in enumerate(given):
            fn = jaxgrad.script(getattr(there, f"f{number}"))
            for inputs in INPUTS:
                a, b, i, v = map(jnp.asarray, inputs)
                box, xs = there.Box(a, b), [b, a]
                result = fn(a, b, i, v * 1.0, function.n, box, xs)
                want = in_python(text, inputs)[number]
                found = differ((result, box.x, box.y, xs), want)
                if found and stable(module([function]), inputs):
                    return f"{inputs}: {found}\n{module([function])}"
                self.seen["unstable"] += bool(found)
        return ""


class Gradients(Check):
    """Compares derivatives with those that JAX takes through Python itself."""

    def compare(self, given: list[Function], text: str) -> str:
        plain = _slopes(loaded(without_stores(text), jnp).main)
        main = jaxgrad.script(loaded(text, jnp).main, max_steps=16)
        forward = jax.jit(_slopes(main), compiler_options=_quick())
        backward = jax.jit(_total_slope(main), compiler_options=_quick())
        for inputs in INPUTS[:2]:
            arrays = tuple(map(jnp.asarray, inputs))
            wanted = plain(*arrays)
            for function, got, want in zip(
                given, forward(*arrays), wanted, strict=True
            ):
                found = differ(got, want)
                if found and stable(module([function]), inputs):
                    return f"forward, {inputs}: {found}\n{module([function])}"
                self.seen["unstable"] += bool(found)
            found = differ(backward(*arrays), jnp.stack(wanted).sum())
            if found and len(given) > 1:
                alone = (self.compare([one], module([one])) for one in given)
                return next(filter(None, alone), f"together only: {found}\n{text}")
            if found and stable(text, inputs):
                return f"backward, {inputs}: {found}\n{text}"
        return ""


_ALONG = jnp.float32(0.3), jnp.float32(-0.7), jnp.float32([0.9, -0.2, 0.5])


def _sums(results: Any) -> list[jax.Array]:
    """One differentiable number for each function."""
    leaves = ([jnp.asarray(x) for x in jax.tree.leaves(r)] for r in results)
    return [
        sum((jnp.sum(x) for x in one if x.dtype.kind == "f"), jnp.float32(0))
        for one in leaves
    ]


def _slopes(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative of each function's sum along a direction, by forward mode."""

    def slopes(a: Any, b: Any, i: Any, v: Any) -> Any:
        return jax.jvp(lambda a, b, v: _sums(fn(a, b, i, v)), (a, b, v), _ALONG)[1]

    return slopes


def _total_slope(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative of the sum of all of them, by reverse mode."""

    def total(a: Any, b: Any, i: Any, v: Any) -> Any:
        def one(a: Any, b: Any, v: Any) -> jax.Array:
            return jnp.stack(_sums(fn(a, b, i, v))).sum()

        found = jax.grad(one, (0, 1, 2))(a, b, v)
        return sum(jnp.vdot(g, x) for g, x in zip(found, _ALONG, strict=True))

    return total


class Loose(Check):
    """Programs that may read a variable without a value.

    Where Python raises UnboundLocalError, script has to refuse. Where it refuses a
    program that Python can run on these inputs, the program is counted.
    """

    def compare(self, given: list[Function], text: str) -> str:
        compiled = jaxgrad.script(loaded(text, jnp).main)
        for inputs in INPUTS:
            want = in_python(text, inputs)
            unbound = isinstance(want, UnboundLocalError)
            got = _refusal_or_result(compiled, inputs)
            if isinstance(got, Exception):
                if not _NAMED.search(str(got)):
                    return f"no variable is named: {got}\n{text}"
                self.seen["unbound" if unbound else "refused"] += 1
            elif unbound:
                return f"{inputs}: {want}, but script returns {got}\n{text}"
            elif (found := differ(got, want)) and stable(text, inputs):
                return f"{inputs}: {found}\n{text}"
            else:
                self.seen["equal"] += 1
        return ""


_NAMED = re.compile(rf"'({'|'.join(KINDS)})'")


def _refusal_or_result(compiled: Callable[..., Any], inputs: Inputs) -> Any:
    try:
        return compiled(*map(jnp.asarray, inputs))
    except (ScriptError, UnboundLocalError) as error:
        return error


def count() -> int:
    """How many programs a run of the tests does."""
    return int(os.environ.get("JAXGRAD_SCRIPTS", "200"))


def shards(programs: int) -> dict[str, Shard]:
    """The checks of at least so many programs."""
    tenth = -(-programs // (10 * TOGETHER))

    def shard(check: Check, size: int, seed: int, together: int) -> Shard:
        loose = isinstance(check, Loose)
        many = st.lists(functions(loose), min_size=together, max_size=together)
        # The function that fails is found alone, and is short.
        return Shard(check, many, size, seed, together, True, together == 1)

    return {
        **{f"jitted-{n}": shard(Check(), 3 * tenth, n, TOGETHER) for n in range(3)},
        "gradients": shard(Gradients(), tenth, 7, TOGETHER),
        "written-back": shard(WrittenBack(), 2 * tenth, 8, 2),
        "loose": shard(Loose(), 8 * tenth, 9, 1),
    }


SHARDS = shards(count())
