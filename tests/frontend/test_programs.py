"""Every program of the table runs as script as it runs in plain Python.

Each runs eagerly; a sample of them runs under `jit`, `vmap` and differentiated too, a
smaller one saved and loaded, and all of them where `JAXGRAD_ALL_PROGRAMS` is set:

    JAXGRAD_ALL_PROGRAMS=1 python -m pytest tests/frontend/test_programs.py
"""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import JaxgradWarning, LoopGradientError, ScriptError
from tests.frontend.program import ROWS, Program, arrays, with_leaves
from tests.frontend.programs import PROGRAMS, REFUSED, by_name
from tests.frontend.programs_run import (
    Outcome,
    Pure,
    assert_raised,
    assert_same,
    grouped,
    run,
    weighted,
)

ALL = bool(os.environ.get("JAXGRAD_ALL_PROGRAMS"))
# What is raised on a static value is raised while tracing, as Python raises it.
STATIC = "if on a static value"
RAISING = [p for p in PROGRAMS if p.raises and STATIC not in p.shows]
TRANSFORMED = PROGRAMS[:: 1 if ALL else 5]
SAVED = [p for p in PROGRAMS[:: 1 if ALL else 12] if not p.saved]

Sets = list[tuple[tuple[Any, ...], Outcome]]


def test_every_row_of_the_language_has_a_program() -> None:
    shown = {row for program in PROGRAMS + REFUSED for row in program.shows}
    assert shown == ROWS
    names = Counter(str(program) for program in PROGRAMS + REFUSED)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(PROGRAMS) >= 170


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_runs_as_in_python(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    script = jaxgrad.script(program.fn)
    sets = [(args, run(program.plain, args, capsys)) for args in program.sets()]
    for number, (args, expected) in enumerate(sets):
        check_declared(program, number, expected)
        got = run(script, args, capsys)
        expected.assert_same(got, f"{program}, set {number}", joined=program.joined)


@pytest.mark.parametrize("program", TRANSFORMED, ids=str)
def test_a_program_is_transformed_as_in_python(program: Program) -> None:
    script = jaxgrad.script(program.fn)
    sets = [(args, run(program.plain, args)) for args in program.sets()]
    calm = [pair for pair in sets if pair[1].error is None]
    check_transformed(program, script, calm)
    if not program.batched:
        for group in grouped(calm):
            check_batched(program, script, group)


@pytest.mark.parametrize("program", RAISING[:: 1 if ALL else 3], ids=str)
def test_what_is_raised_under_jit_and_vmap_and_what_is_returned(
    program: Program,
) -> None:
    for number, args in enumerate(program.sets()):
        expected = run(program.plain, args)
        error, _ = jaxgrad.script(program.fn, errors="return")(*args)
        assert bool(error) == (number in program.raises)
        assert error.get() == program.raises.get(number, (None, None))[1]
        if expected.error is None:
            error.throw()
            continue
        with pytest.raises(type(expected.error)) as thrown:
            error.throw()
        assert str(thrown.value) == str(expected.error)
        pure = Pure(jaxgrad.script(program.fn), args)
        stacked = [jnp.stack([leaf, leaf]) for leaf in arrays(args)]
        for transformed, leaves in (
            (jax.jit(pure), arrays(args)),
            (jax.vmap(pure), stacked),
        ):
            with pytest.raises(Exception) as raised:  # noqa: PT011
                jax.block_until_ready(transformed(leaves))
            assert_raised(expected.error, raised.value, f"{program}, {transformed}")


def test_a_range_over_a_symbolic_length_is_exported() -> None:
    fn = by_name("range_over_a_length").fn
    (n,) = jax.export.symbolic_shape("n")
    like = jax.ShapeDtypeStruct((n,), jnp.float32)
    exported = jax.export.export(jax.jit(jaxgrad.script(fn)))(like)
    for length in (4, 7):
        x = jnp.cos(jnp.arange(float(length)))
        assert_same(fn(x), exported.call(x), "exported")
        slope = jax.grad(exported.call)(x)
        assert_same(jax.grad(fn)(x), slope, "exported, slope", slope=True)


def check_declared(program: Program, number: int, expected: Outcome) -> None:
    """What an entry says of its exceptions is what plain Python raises."""
    if expected.error is not None and number not in program.raises:
        raise expected.error
    if number in program.raises:
        kind, message = program.raises[number]
        assert type(expected.error) is kind
        assert str(expected.error) == message


def check_transformed(
    program: Program, script: Callable[..., Any], calm: Sets, where: str = "jit"
) -> None:
    """One compiled function gives values and derivative, for each static signature."""
    for group in grouped(calm):
        pure, slopes = Pure(script, group[0][0]), Slopes(program, script, group[0][0])
        both = jax.jit(lambda v, pure=pure, slopes=slopes: (pure(v), slopes(v)))
        for args, expected in group:
            values, derivative = both(arrays(args))
            got = Outcome(*pure.rebuilt(values))
            expected.assert_same(got, f"{program}, {where}", joined=program.joined)
            plain = program.reference or program.oracle or program.fn
            oracle = Slopes(program, plain, args)(arrays(args))
            assert_same(oracle, derivative, f"{program}, {where}, slope", slope=True)
        if program.gradient == "forward" and where == "jit":
            with pytest.raises(LoopGradientError, match=r"line \d+"):
                jax.grad(slopes.loss)(slopes.floats(arrays(group[0][0])))


def check_batched(program: Program, script: Callable[..., Any], group: Sets) -> None:
    pure = Pure(script, group[0][0])
    rows = [arrays(args) for args, _ in group]
    leaves = [jnp.stack(column) for column in zip(*rows, strict=True)]
    if not leaves:
        return
    values = jax.vmap(pure)(leaves)
    for lane, (_, expected) in enumerate(group):
        got = Outcome(*pure.rebuilt([value[lane] for value in values]))
        expected.assert_same(got, f"{program}, vmap", joined=program.joined)


class Slopes:
    """The derivative of a weighted sum of results, in what `program.gradient` says."""

    def __init__(self, program: Program, fn: Callable[..., Any], args: Any) -> None:
        self.kind = program.gradient
        self.fn = fn
        self.args = args
        self.leaves = arrays(args)
        real = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in self.leaves]
        self.where = [k for k, is_real in enumerate(real) if is_real]

    def floats(self, values: list[Any]) -> list[Any]:
        return [values[k] for k in self.where]

    def loss(self, floats: list[Any], values: list[Any] | None = None) -> Any:
        mixed = list(self.leaves if values is None else values)
        for k, value in zip(self.where, floats, strict=True):
            mixed[k] = value
        args = with_leaves(self.args, self.leaves, mixed)
        return weighted((self.fn(*args), args))

    def __call__(self, values: list[Any]) -> Any:
        floats = self.floats(values)
        if self.kind == "none" or not floats:
            return []
        if self.kind == "reverse":
            return jax.grad(self.loss)(floats, values)
        tangents = [jnp.cos(jnp.arange(f.size, dtype=f.dtype)) for f in floats]
        shaped = [t.reshape(f.shape) for t, f in zip(tangents, floats, strict=True)]
        return jax.jvp(lambda f: self.loss(f, values), (floats,), (shaped,))[1]


@pytest.mark.parametrize("program", SAVED, ids=str)
def test_a_program_runs_as_in_python_when_loaded(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [(args, run(program.plain, args, capsys)) for args in program.sets()]
    examples = [group[0][0] for group in grouped(sets)]
    order = 0 if program.gradient == "forward" else 1
    prints = any(expected.printed for _, expected in sets)
    with pytest.warns(JaxgradWarning, match="print") if prints else nullcontext():
        jaxgrad.script(program.fn).save(tmp_path / "p", examples, vjp_order=order)
    loaded = jaxgrad.load(tmp_path / "p")
    for number, (args, expected) in enumerate(sets):
        got = run(loaded, args, None if prints else capsys)
        expected.assert_same(got, f"{program}, loaded, {number}", joined=program.joined)
    calm = [pair for pair in sets if pair[1].error is None]
    if program.gradient == "reverse":
        check_transformed(program, loaded, calm, "loaded")


@pytest.mark.parametrize("program", REFUSED, ids=str)
def test_what_script_refuses_names_its_reason(program: Program) -> None:
    for args in program.sets():
        assert run(program.plain, args).error is None
    script = jaxgrad.script(program.fn)
    with pytest.raises(ScriptError, match=program.refused):
        script(*program.sets()[0])
