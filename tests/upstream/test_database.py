"""The fourteen entries of torch's `autograd_function_db`, against torch's own classes.

Against what torch answered when it was recorded, everywhere, and side by side where
torch is installed. Five entries are deliberately or accidentally not the derivative;
what torch's rule says is expected of them all the same.
"""

import importlib.util
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import ForwardModeError, OnceDifferentiableError
from tests.upstream import jax_answers
from tests.upstream.entries import ENTRIES, Dims, Entry, in_dims
from tests.upstream.record import PATH, decode, key_of

RECORD: dict[str, Any] = json.loads(PATH.read_text())
RUNS = [(entry, dims) for entry in ENTRIES for dims in (None, *in_dims(entry))]
IDS = [f"{entry}-{'plain' if dims is None else dims}" for entry, dims in RUNS]

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


def answers(entry: Entry, dims: Dims | None) -> jax_answers.Answers:
    with jax.enable_x64(True):
        if dims is None:
            return jax_answers.plain(entry)
        return jax_answers.batched(entry, dims)


def check(got: jax_answers.Answers, want: jax_answers.Answers) -> None:
    assert got.keys() == want.keys()
    for key, arrays in got.items():
        for array, expected in zip(arrays, want[key], strict=True):
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape), key
            np.testing.assert_allclose(array, expected, 1e-10, 1e-10, err_msg=key)


@pytest.mark.parametrize(("entry", "dims"), RUNS, ids=IDS)
def test_answers_are_those_that_torch_gave(entry: Entry, dims: Dims | None) -> None:
    recorded = RECORD[key_of(entry.name, dims)]
    want = {key: [*map(decode, arrays)] for key, arrays in recorded.items()}
    check(answers(entry, dims), want)


@needs_torch
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_the_record_is_what_torch_answers_today(entry: Entry) -> None:
    """With the test above, this compares both libraries side by side."""
    from tests.upstream import torch_answers

    assert [*torch_answers.database()] == [e.name for e in ENTRIES]
    for dims in (None, *in_dims(entry)):
        if dims is None:
            got = torch_answers.plain(entry)
        else:
            got = torch_answers.batched(entry, dims)
        recorded = RECORD[key_of(entry.name, dims)]
        check(got, {key: [*map(decode, arrays)] for key, arrays in recorded.items()})


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_answers_without_jit(entry: Entry) -> None:
    """One application after the other, on concrete arrays."""
    recorded = RECORD[key_of(entry.name, None)]
    want = {key: [*map(decode, arrays)] for key, arrays in recorded.items()}
    with jax.enable_x64(True), jax.disable_jit():
        check(jax_answers.plain(entry), want)


def test_every_run_is_recorded() -> None:
    names = [key_of(entry.name, dims) for entry, dims in RUNS]
    assert sorted(RECORD) == sorted(["torch", *names])
    assert RECORD["torch"].startswith("2.")


def test_a_rule_that_runs_once_says_so_where_torch_is_silent() -> None:
    """Under `torch.func.grad(grad)` the second gradient of this entry is zero.

    In closed form it is 6 x; the rule can't say so, and here it says that instead.
    """
    (entry,) = [e for e in ENTRIES if not e.complete]
    f = jax_answers.outputs_of(entry)
    with jax.enable_x64(True):
        x = jnp.asarray(entry.args[0])
        first = jax.grad(lambda x: f(x)[0].sum())
        np.testing.assert_allclose(first(x), 3 * x**2, rtol=1e-10)
        for run in (lambda g: g, jax.jit, jax.vmap):
            with pytest.raises(OnceDifferentiableError, match="NumpyCubeNotComposable"):
                jax.grad(lambda x, run=run: run(first)(x).sum())(x)


def test_an_entry_without_a_jvp_says_so() -> None:
    (entry,) = [e for e in ENTRIES if not e.complete]
    with jax.enable_x64(True):
        x = jnp.asarray(entry.args[0])
        with pytest.raises(ForwardModeError, match="NumpyCubeNotComposable"):
            jax.jvp(jax_answers.outputs_of(entry), (x,), (x,))
