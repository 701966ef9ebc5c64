"""`jaxgrad show --target`: what a Function costs on a target."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from jaxgrad.__main__ import main
from jaxgrad.display import show_text

SOURCE = """\
from jaxgrad import Function

class Dense(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.T, x.T @ g
"""
SPECS = ["f32[16,8]", "f32[8,6]"]
MEASURES = [
    "HLO instructions",
    "flops",
    "bytes accessed",
    "argument bytes",
    "output bytes",
    "temporary bytes",
    "generated code bytes",
]
needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None, reason="libtpu is not installed"
)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    file = tmp_path / "dense.py"
    file.write_text(SOURCE)
    return f"{file}:Dense"


def cells(text: str) -> dict[str, list[str]]:
    """The rows of the last table, by their first cell."""
    lines = text[text.index("Compiled for") :].splitlines()[2:]
    found = {}
    for line in lines:
        name = next((m for m in MEASURES if line.startswith(m)), None)
        if name:
            found[name] = line.removeprefix(name).split()
    return found


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_the_table(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", spec, *SPECS, "--target", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "Residuals: what forward keeps for backward" in out  # as without a target
    assert "Gradient lowered for" in out
    assert "Compiled for cpu: one cpu\n" in out
    table = cells(out)
    assert list(table) == MEASURES
    forward, gradient = map(number, table["flops"])
    assert 2 * 16 * 8 * 6 <= forward < gradient
    # The inputs alone, and with the cotangent.
    assert list(map(number, table["argument bytes"])) == [704, 704 + 4 * 16 * 6]


def test_no_table_without_a_target(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", spec, *SPECS]) == 0
    assert "Compiled for" not in capsys.readouterr().out


@needs_libtpu
def test_a_tpu_that_is_not_here(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", spec, *SPECS, "--target", "tpu:v5e:2x2"]) == 0
    out = capsys.readouterr().out
    assert "Compiled for tpu:v5e:2x2: one TPU v5 lite\n" in out
    assert number(cells(out)["generated code bytes"][0]) > 0


@needs_libtpu
def test_split_over_a_tpu(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    specs = ["f32[16,6]", "f32[6,8]"]
    command = ["show", spec, *specs, "--target", "tpu:v5e:2x2", "--shard", "batch"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "one TPU v5 lite of 4, the leading axes split over 'batch'\n" in out
    assert "forward: split: f32[16,6]; whole on each: f32[6,8]" in out
    assert "all-reduce" in out[out.index("Compiled for") :]  # the gradient of w


def test_a_target_that_is_missing_costs_no_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("TPU_LIBRARY_PATH", raising=False)
    assert main(["show", "no_such_file.py:F", "--target", "tpu:v5e:2x6"]) == 2
    assert capsys.readouterr().err == (
        "jaxgrad: compiling for tpu:v5e:2x6 needs the package libtpu, which holds the "
        "TPU compiler for Linux on x86-64: pip install 'jaxgrad[tpu]'\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "tpu:v5e"], "--target: unknown target 'tpu:v5e'. Expected cpu"),
        (["--shard", "x"], "--shard: needs --target"),
    ],
)
def test_options_that_do_not_fit(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "no_such_file.py:F", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_program_that_cannot_be_had_is_a_sentence() -> None:
    class Scale(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return 2 * x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 2 * g

    text = show_text(Scale, (jnp.arange(3),), {}, platforms=(), target="cpu")
    assert text.endswith("floating or complex dtype, so there is no gradient.")
    assert "with gradient" not in text
    text = show_text(Scale, (jnp.ones(()),), {}, platforms=(), target="cpu", shard="x")
    assert "forward: nothing can be split over" in text
