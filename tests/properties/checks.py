"""A random Function against plain autodiff of the same body, transform by transform.

Each check takes a `Case` and raises AssertionError where the Function differs:

- `reverse`: the result, and `jax.vjp`;
- `forward`: `jax.jvp`, and `jax.vjp` of the same class;
- `second`: derivatives of derivatives, reverse over reverse and forward over reverse;
- `batched`: `jax.vmap` of `jax.vjp`, and `jax.vjp` of `jax.vmap`;
- `compiled`: `reverse` of several cases in one `jax.jit`, and a compiled forward.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.properties import programs
from tests.properties.functions import SIGNATURES, arguments, build
from tests.properties.strategies import Case, arrays_of

Arrays = list[Any]


def x64(case: Case) -> Any:
    """JAX with 64-bit types, if the case has some."""
    return jax.enable_x64(True) if case.x64 else contextlib.nullcontext()


def _types(values: Sequence[Any]) -> list[programs.Type]:
    return [(jnp.shape(v), jnp.result_type(v)) for v in values]


class Pair:
    """The Function of a case and its body, as functions of the differentiated arrays.

    Attributes:
        cls: the Function.
        at: the arrays, in the order of `case.wrt`.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.leaves = arrays_of(case)
        plan = case.plan
        self.static = {**SIGNATURES[plan.signature].defaults, **plan.static}
        values = programs.evaluate(plan.program, self.leaves, self.static)
        self.values = values
        self.cls = build(plan, _types(values))
        self.at = [self.leaves[i] for i in case.wrt]

    def _all(self, xs: Sequence[Any]) -> Arrays:
        leaves = list(self.leaves)
        for i, x in zip(self.case.wrt, xs, strict=True):
            leaves[i] = x
        return leaves

    def _taken(self, outputs: Any) -> Arrays:
        flat = jax.tree.leaves(outputs)
        return [flat[n] for n in self.case.taken]

    def function(self, *xs: Any) -> Arrays:
        args, kwargs = arguments(self.case.plan, self._all(xs))
        return self._taken(self.cls.apply(*args, **kwargs))

    def plain(self, *xs: Any) -> Arrays:
        plan = self.case.plan
        values = programs.evaluate(plan.program, self._all(xs), self.static)
        if plan.constant >= 0:
            values[plan.constant] = jax.lax.stop_gradient(values[plan.constant])
        return self._taken(programs.returned(plan.program, values))

    def inexact(self, f: Callable[..., Arrays]) -> Callable[..., Arrays]:
        """The function without its integer outputs."""
        return lambda *xs: [y for y in f(*xs) if jnp.issubdtype(y.dtype, jnp.inexact)]

    def random(self, like: Sequence[Any]) -> Arrays:
        """Cotangents or tangents: small integers, the same ones at every call."""
        rng = np.random.default_rng(self.case.seed + 1)
        some = lambda v: rng.integers(1, 4, jnp.shape(v))  # noqa: E731
        return [
            jnp.asarray(some(v) * (1 + 1j), v.dtype)
            if jnp.iscomplexobj(v)
            else jnp.asarray(some(v)).astype(v.dtype)
            for v in like
        ]

    def cotangents(self, outputs: Arrays) -> Arrays:
        """For every output, integers included."""
        return [
            r
            if jnp.issubdtype(y.dtype, jnp.inexact)
            else np.zeros(y.shape, jax.dtypes.float0)
            for r, y in zip(self.random(outputs), outputs, strict=True)
        ]

    def close(self, got: Any, want: Any, mark: int = 1, order: int = 1) -> None:
        """Assert equal types, and values within a rounding error of the terms."""
        got, want = jax.tree.leaves(got), jax.tree.leaves(want)
        assert len(got) == len(want)
        bound = 3 * 3**0.5 * 6 * self.case.bound**order
        for g, w in zip(got, want, strict=True):
            assert g.shape == w.shape
            assert g.dtype == w.dtype
            if not jnp.issubdtype(g.dtype, jnp.inexact):
                np.testing.assert_array_equal(g, w)
                continue
            wide = np.complex128 if jnp.iscomplexobj(g) else np.float64
            g, w = np.asarray(g).astype(wide), np.asarray(w).astype(wide)
            allowed = 4 * self._eps() * bound * mark
            np.testing.assert_allclose(g, mark * w, rtol=0, atol=allowed)

    def _eps(self) -> float:
        dtypes = [jnp.dtype(leaf.dtype) for leaf in self.case.leaves if leaf.floats]
        return max(float(jnp.finfo(dtype).eps) for dtype in dtypes)

    def result(self) -> None:
        """`apply` on concrete arrays gives what the body gives, in its structure."""
        plan = self.case.plan
        args, kwargs = arguments(plan, self.leaves)
        got = self.cls.apply(*args, **kwargs)
        want = programs.returned(plan.program, self.values)
        assert jax.tree.structure(got) == jax.tree.structure(want)
        self.close(got, want)
        if not plan.jit:
            for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
                np.testing.assert_array_equal(g, w)


# --- checks ---------------------------------------------------------------------------


def _backwards(pair: Pair, f: Callable[..., Arrays]) -> tuple[Arrays, Any]:
    outputs, back = jax.vjp(f, *pair.at)
    return outputs, back(pair.cotangents(outputs))


def _reverse_mark(pair: Pair) -> int:
    marks = pair.case.plan.marks
    return marks[1] if pair.case.plan.rule == "jvp" else marks[0]


def _forward_mark(pair: Pair) -> int:
    marks = pair.case.plan.marks
    return marks[0] if pair.case.plan.rule == "derived" else marks[1]


def reverse(case: Case) -> None:
    """The result and the gradients."""
    with x64(case):
        pair = Pair(case)
        pair.result()
        got = _backwards(pair, pair.function)
        want = _backwards(pair, pair.plain)
        pair.close(got[0], want[0])
        pair.close(got[1], want[1], _reverse_mark(pair))


def forward(case: Case) -> None:
    """The tangents, and the gradients."""
    with x64(case):
        pair = Pair(case)
        tangents = pair.random(pair.at)
        f, plain = pair.inexact(pair.function), pair.inexact(pair.plain)
        got = jax.jvp(f, tuple(pair.at), tuple(tangents))
        want = jax.jvp(plain, tuple(pair.at), tuple(tangents))
        pair.close(got[0], want[0])
        pair.close(got[1], want[1], _forward_mark(pair))
        gradients = _backwards(pair, f)[1]
        pair.close(gradients, _backwards(pair, plain)[1], _reverse_mark(pair))


def _second(pair: Pair, f: Callable[..., Arrays]) -> list[Any]:
    def gradients(*xs: Any) -> Arrays:
        outputs, back = jax.vjp(f, *xs)
        return list(back(pair.random(outputs)))

    first, back = jax.vjp(gradients, *pair.at)
    tangents = tuple(pair.random(pair.at))
    over = jax.jvp(gradients, tuple(pair.at), tangents)[1]
    out = [back(pair.random(first)), over]
    if pair.case.plan.rule != "reverse":
        push = lambda *xs: jax.jvp(f, xs, tangents)[1]  # noqa: E731
        tangents_out, back = jax.vjp(push, *pair.at)
        out.append(back(pair.random(tangents_out)))
    return out


def second(case: Case) -> None:
    """Second derivatives, in every order of modes that the rule has."""
    with x64(case):
        pair = Pair(case)
        got = _second(pair, pair.inexact(pair.function))
        want = _second(pair, pair.inexact(pair.plain))
        pair.close(got, want, order=2)


def batched(case: Case) -> None:
    """Gradients of each example, and of the batch, with arrays that are not batched."""
    with x64(case):
        pair = Pair(case)
        axes = [0 if n % 2 == case.seed % 2 else None for n in range(len(pair.at))]
        axes[0] = 0
        at = [
            x if axis is None else jnp.stack([x, x / 2])
            for x, axis in zip(pair.at, axes, strict=True)
        ]
        for f, found in ((pair.function, []), (pair.plain, [])):
            one = pair.inexact(f)
            many = jax.vmap(one, in_axes=axes)
            outputs, back = jax.vjp(many, *at)
            found = [outputs, back(pair.random(outputs))]

            def gradients(*xs: Any, one: Any = one) -> Any:
                outputs, back = jax.vjp(one, *xs)
                return back(pair.random(outputs))

            found.append(jax.vmap(gradients, in_axes=axes)(*at))
            if f == pair.function:
                got = found
        pair.close(got[0], found[0])
        pair.close(got[1:], found[1:], _reverse_mark(pair))


def compiled(cases: Sequence[Case]) -> None:
    """Results and gradients of several cases, of one dtype each, in one program."""
    pairs = [Pair(case) for case in cases]
    for _ in range(2):  # static values are compiled for at their second use
        pairs[0].result()

    def program(at: list[Arrays], plain: bool) -> list[Any]:
        out = []
        for pair, xs in zip(pairs, at, strict=True):
            outputs, back = jax.vjp(
                pair.inexact(pair.plain if plain else pair.function), *xs
            )
            out.append((outputs, back(pair.random(outputs))))
        return out

    at = [pair.at for pair in pairs]
    got = jax.jit(program, static_argnums=1)(at, False)
    want = jax.jit(program, static_argnums=1)(at, True)
    for pair, g, w in zip(pairs, got, want, strict=True):
        pair.close(g[0], w[0])
        pair.close(g[1], w[1], _reverse_mark(pair))
