"""The ready-made packers: bits, errors, borders, and the bytes that XLA counts."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, packers, saved_tensors_hooks
from jaxgrad.__main__ import main
from jaxgrad.function import residuals

FLOATS = ["float32", "bfloat16", "float16"]


class Saves(Function):
    """Saves an input and a mask."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        mask = x > 0
        ctx.save_for_backward(x, mask)
        return jnp.where(mask, x * x, 0)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        x, mask = ctx.saved_tensors
        return jnp.where(mask, 2 * x * g, 0)


def both_ways(packer: Any, value: Any) -> Any:
    return packer.unpack(packer.pack(value))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 5), (2, 0, 3)])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("packer", [packers.bfloat16, packers.int8])
def test_shape_and_dtype_come_back(packer: Any, dtype: str, shape: Any) -> None:
    rng = np.random.default_rng(0)
    value = jnp.asarray(rng.normal(size=shape), dtype)
    back = both_ways(packer, value)
    assert (back.shape, back.dtype) == (value.shape, value.dtype)
    largest = np.abs(np.asarray(value, np.float64)).max(initial=0.0)
    bound = largest / 127 if packer is packers.int8 else largest * 2.0**-8
    error = np.abs(np.asarray(back, np.float64) - np.asarray(value, np.float64))
    assert (error <= bound + 1e-6).all()


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 24])
def test_masks_come_back_exactly(size: int) -> None:
    mask = jnp.asarray(np.random.default_rng(size).random((size, 3)) > 0.5)
    packed = packers.bitmask.pack(mask)
    assert packed.data.nbytes == -(-size * 3 // 8)
    np.testing.assert_array_equal(packers.bitmask.unpack(packed), mask)


@pytest.mark.parametrize("packer", [packers.bfloat16, packers.int8, packers.bitmask])
@pytest.mark.parametrize("value", [jnp.arange(3), 1j * jnp.ones(2), jax.random.key(0)])
def test_what_a_packer_is_not_for_stays_as_it_is(packer: Any, value: Any) -> None:
    assert packer.pack(value) is value
    assert packer.unpack(value) is value


def test_zeros_and_extremes_of_int8() -> None:
    np.testing.assert_array_equal(both_ways(packers.int8, jnp.zeros(3)), np.zeros(3))
    ends = jnp.array([-3e38, 0.0, 3e38])
    np.testing.assert_allclose(both_ways(packers.int8, ends), ends, rtol=1e-6)
    tiny = jnp.array([-1e-30, 1e-30])
    np.testing.assert_allclose(both_ways(packers.int8, tiny), tiny, rtol=1e-6)
    assert np.isnan(both_ways(packers.int8, jnp.array([jnp.nan, 1.0]))).all()


def test_bfloat16_is_a_dtype_of_its_own() -> None:
    value = jnp.array([1.0 + 2.0**-9])
    np.testing.assert_array_equal(both_ways(packers.bfloat16, value), [1.0])


SIZES = {
    "none": 64 * 128 * 4 + 64 * 128,
    "bfloat16": 64 * 128 * 2 + 64 * 128,
    "int8": 64 * 128 + 4 + 64 * 128,
    "bitmask": 64 * 128 * 4 + 64 * 128 // 8,
}


@pytest.mark.parametrize("name", SIZES)
def test_the_table_and_xla_agree_on_the_saved_bytes(name: str) -> None:
    x = jax.ShapeDtypeStruct((64, 128), jnp.float32)

    def forward(x: Any) -> Any:
        _, back = jax.vjp(Saves.apply, x)
        return back

    def measure() -> tuple[int, int]:
        table = sum(r.nbytes for r in residuals(Saves, x))
        lowered = jax.jit(forward).lower(x)
        # XLA returns a tuple, and counts a pointer of 8 bytes for each of its parts.
        pointers = 8 * len(jax.tree.leaves(lowered.out_info))
        size = lowered.compile().memory_analysis().output_size_in_bytes
        return table, size - pointers

    if name == "none":
        table, xla = measure()
    else:
        with saved_tensors_hooks(getattr(packers, name)):
            table, xla = measure()
    assert table == SIZES[name]
    assert xla == table


def test_packed_residuals_are_named_after_what_they_pack() -> None:
    with saved_tensors_hooks(packers.int8):
        found = residuals(Saves, jax.ShapeDtypeStruct((8,), jnp.float32))
    shown = [(r.name, r.origin, str(r.dtype), r.shape) for r in found]
    assert shown[0] == ("saved_tensors[0]", "input", "int8", (8,))
    assert shown[1] == ("saved_tensors[0]", "input", "float32", ())
    assert shown[-1] == ("saved_tensors[1]", "intermediate", "bool", (8,))


@pytest.mark.parametrize("name", ["bfloat16", "int8", "bitmask"])
def test_the_command_prints_the_packed_bytes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = f"{__file__}:Saves"
    assert main(["show", target, "f32[64,128]", "--packer", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    (total,) = [line.split()[-1] for line in lines if line.startswith("total")]
    assert total == f"{SIZES[name]:,}"


def test_the_command_knows_its_packers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{__file__}:Saves", "f32[8]", "--packer", "int3"]) == 2
    said = capsys.readouterr().err
    assert "'int3'" in said
    assert "int8" in said
