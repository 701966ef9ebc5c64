"""`compile_for`: targets, programs for a TPU that is not here, and their errors."""

import importlib.metadata
import importlib.util
import os
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas
from jax.sharding import NamedSharding, PartitionSpec

from jaxgrad import Context, Function
from jaxgrad.errors import BackendError, MissingExtraError
from jaxgrad.lower._targets import Target, devices_of, parse_target
from jaxgrad.lower.backends import CompiledProgram, compile_for, mesh_for

TPU = "tpu:v5e:2x2"
needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None, reason="libtpu is not installed"
)
X = jax.ShapeDtypeStruct((16, 8), jnp.float32)
W = jax.ShapeDtypeStruct((8, 6), jnp.float32)


class Marked(Function):
    """Its rule is not the derivative, so that a dropped one shows."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 50.0 * g


def loss(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.sum(Marked.apply(x @ w))


@pytest.fixture(scope="module")
def whole() -> CompiledProgram:
    return compile_for(TPU, jax.value_and_grad(loss, (0, 1)), X, W)


@pytest.fixture(scope="module")
def split() -> CompiledProgram:
    both = jax.value_and_grad(loss, (0, 1))
    return compile_for(TPU, both, X, W, in_shardings="x")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("cpu", Target("cpu")),
        ("cuda", Target("gpu")),
        ("tpu", Target("tpu")),
        ("tpu:v5e:2x2", Target("tpu", "v5e", (2, 2))),
        ("tpu:v5p:4x4x8", Target("tpu", "v5p", (4, 4, 8))),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xla",
        "tpu:v5e",
        "tpu:v5e:",
        "tpu:v5e:0x2",
        "tpu:v5e:2x2x2x2",
        "gpu:v5e:2x2",
        3,
    ],
)
def test_an_unknown_target_lists_examples(text: Any) -> None:
    # libtpu would take the process down with a shape that has a zero.
    with pytest.raises(BackendError, match=re.escape("tpu:v5e:2x2")) as caught:
        compile_for(text, jnp.sin, X)
    assert repr(text) in str(caught.value)


def test_more_chips_than_any_pod_has() -> None:
    with pytest.raises(BackendError, match="1,000,000 chips"):
        compile_for("tpu:v5e:1000x1000", jnp.sin, X)


def test_a_platform_that_is_not_here() -> None:
    absent = next(p for p in ("gpu", "tpu") if p != jax.default_backend())
    with pytest.raises(BackendError, match=f"no {absent} device is here; there is cpu"):
        compile_for(absent, jnp.sin, X)


def test_the_sentence_where_libtpu_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("TPU_LIBRARY_PATH", raising=False)
    # A shape of its own: described TPUs are kept.
    with pytest.raises(MissingExtraError) as caught:
        compile_for("tpu:v5e:2x6", jnp.sin, X)
    assert str(caught.value) == (
        "compiling for tpu:v5e:2x6 needs the package libtpu, which holds the TPU "
        "compiler for Linux on x86-64: pip install 'jaxgrad[tpu]'"
    )
    assert isinstance(caught.value, ImportError)


def test_a_libtpu_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    # With such a one JAX crashes when it compiles, so that it must not be tried.
    spec = importlib.util.find_spec("json")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.20")
    monkeypatch.delenv("TPU_LIBRARY_PATH", raising=False)
    with pytest.raises(BackendError) as caught:
        compile_for("tpu:v5e:2x6", jnp.sin, X)
    assert f"libtpu 0.0.20 is too old for JAX {jax.__version__}" in str(caught.value)
    assert "pip install --upgrade 'jaxgrad[tpu]'" in str(caught.value)


def test_devices_at_hand_run_the_program() -> None:
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    program = compile_for("cpu", lambda x, s: {"y": jnp.sin(x) * s}, x, 2.0)
    np.testing.assert_allclose(program(x, 3.0)["y"], 3 * np.sin(x), rtol=1e-6)
    assert program.memory_analysis().output_size_in_bytes == 32
    assert program.cost_analysis()["flops"] >= 8
    lines = [line for line in program.as_text().splitlines() if line[:1] == " "]
    assert program.instruction_count() == sum(" = " in line for line in lines)
    assert program.collectives() == {}
    assert repr(program).startswith("<CompiledProgram for cpu: ")


def test_what_the_function_raises_passes_through() -> None:
    def broken(x: jax.Array) -> jax.Array:
        raise ZeroDivisionError("by the user")

    with pytest.raises(ZeroDivisionError, match="by the user"):
        compile_for("cpu", broken, X)


def test_a_marked_rule_is_in_the_program_that_a_tpu_is_given() -> None:
    # Lowering for a TPU needs no libtpu.
    traced = jax.jit(jax.grad(loss)).trace(X, W)
    text = traced.lower(lowering_platforms=("tpu",)).as_text()
    assert "dense<5.000000e+01>" in text


@needs_libtpu
def test_a_program_for_a_tpu_that_is_not_here(whole: CompiledProgram) -> None:
    assert jax.default_backend() == "cpu"
    assert whole.target == TPU
    assert (whole.kind, whole.devices) == ("TPU v5 lite", 1)
    assert whole.as_text().startswith("HloModule")
    assert whole.instruction_count() > 5
    assert whole.cost_analysis()["flops"] > 0
    assert whole.memory_analysis().generated_code_size_in_bytes > 0
    assert whole.collectives() == {}


@needs_libtpu
def test_a_marked_rule_reaches_the_tpu(whole: CompiledProgram) -> None:
    assert "dense<5.000000e+01>" in whole.stablehlo
    assert "constant(50)" in whole.as_text()


@needs_libtpu
def test_a_program_over_a_topology(
    whole: CompiledProgram, split: CompiledProgram
) -> None:
    assert (split.kind, split.devices) == ("TPU v5 lite", 4)
    assert [s.spec for s in split.shardings] == [PartitionSpec("x")] * 2
    assert sum(split.collectives().values()) > 0
    assert "constant(50)" in split.as_text()
    # Each device has a fourth of both arguments; HBM tiles round that up.
    sizes = [p.memory_analysis().argument_size_in_bytes for p in (split, whole)]
    assert sizes[0] < sizes[1]


@needs_libtpu
def test_leading_axes_that_do_not_divide_stay_whole() -> None:
    odd = jax.ShapeDtypeStruct((3,), jnp.float32)
    program = compile_for(
        TPU, lambda x, y: (x, y["b"] + 1), X, {"b": odd}, in_shardings="data"
    )
    specs = [s.spec for s in program.shardings]
    assert specs == [PartitionSpec("data"), PartitionSpec()]
    with pytest.raises(BackendError, match=r"that 4 divides.\n  The shapes are \[3\]"):
        compile_for(TPU, jnp.sin, odd, in_shardings="data")


@needs_libtpu
def test_shardings_as_jax_takes_them() -> None:
    mesh = mesh_for(TPU, (2, 2), ("a", "b"))
    rows = NamedSharding(mesh, PartitionSpec("a", "b"))
    program = compile_for(TPU, jnp.dot, X, W, in_shardings=(rows, None))
    assert program.shardings[0] == rows
    assert "all-reduce" in program.collectives()
    spec = PartitionSpec("d")
    program = compile_for(TPU, jnp.dot, X, W, in_shardings=(spec, PartitionSpec()))
    assert [s.spec for s in program.shardings] == [spec, PartitionSpec()]
    with pytest.raises(BackendError, match="of the axes a, b don't say how long"):
        compile_for(TPU, jnp.sin, X, in_shardings=(PartitionSpec("a", "b"),))
    with pytest.raises(BackendError, match=r"can't have shape \(3, 3\)"):
        mesh_for(TPU, (3, 3), ("a", "b"))


@needs_libtpu
def test_a_function_of_kernels() -> None:
    def call(kernel: Any, x: jax.Array) -> jax.Array:
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return pallas.pallas_call(kernel, out_shape=like)(x)

    class Kernels(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            def kernel(x: Any, out: Any) -> None:
                out[...] = jnp.tanh(x[...])

            return call(kernel, x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            def kernel(g: Any, out: Any) -> None:
                out[...] = 50.0 * g[...]

            return call(kernel, g)

    x = jax.ShapeDtypeStruct((8, 128), jnp.float32)
    both = jax.grad(lambda x: jnp.sum(jnp.sin(Kernels.apply(x))))
    # Mosaic compiles both kernels for the chip.
    assert compile_for(TPU, both, x).as_text().count('"tpu_custom_call"') == 2


@needs_libtpu
def test_a_described_tpu_runs_nothing(whole: CompiledProgram) -> None:
    with pytest.raises(BackendError, match="only described: it can be read, not run"):
        whole(np.ones((16, 8), np.float32), np.ones((8, 6), np.float32))


@needs_libtpu
def test_what_a_tpu_cannot_do() -> None:
    with pytest.raises(BackendError, match="eigvals can't be compiled for tpu:v5e:2x2"):
        compile_for(TPU, jnp.linalg.eigvals, jnp.eye(3))


@needs_libtpu
@pytest.mark.parametrize("target", ["tpu:v99:2x2", "tpu:v5e:3x3"])
def test_what_libtpu_does_not_know(target: str) -> None:
    with pytest.raises(BackendError, match=f"libtpu knows no {target}.\n  It says: "):
        compile_for(target, jnp.sin, X)


@needs_libtpu
@pytest.mark.parametrize(
    ("target", "devices"),
    [
        ("tpu:v5e:1x1", 1),
        ("tpu:v4:2x2x1", 8),
        ("tpu:v6e:2x4", 8),
        ("tpu:tpu7x:2x2x1", 8),
    ],
)
def test_other_chips(target: str, devices: int) -> None:
    assert len(devices_of(parse_target(target))) == devices
    program = compile_for(target, lambda: jnp.ones(3))
    assert program.memory_analysis().generated_code_size_in_bytes > 0


@needs_libtpu
def test_the_environment_stays_as_it_was() -> None:
    before = dict(os.environ)
    devices_of(Target("tpu", "v5e", (4, 2)))
    assert dict(os.environ) == before
