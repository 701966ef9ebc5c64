"""The command line: what each command prints, and its exit status."""

import subprocess
import sys
from pathlib import Path

import jax
import pytest

from jaxgrad.__main__ import main
from tests.tour.conftest import Command, environment

Capture = pytest.CaptureFixture[str]


def test_check_passes(source: Path, capsys: Capture) -> None:
    assert main(["check", f"{source}:Swish", "f32[3]", "--cells", "grad", "value"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "Swish: 2 ok, 0 refused, 0 limit, 0 failed"
    assert "grad" in out
    assert err == ""


def test_check_fails(source: Path, capsys: Capture) -> None:
    assert (
        main(["check", f"{source}:Broken", "f32[3]", "--cells", "value", "grad"]) == 1
    )
    out, _ = capsys.readouterr()
    assert "1 failed" in out.splitlines()[0]
    assert "no gradient today" in out


def test_check_with_keywords_and_static_arguments(
    source: Path, capsys: Capture
) -> None:
    specs = ["f32[3]", "by=3.0", "mode='plain'"]
    assert main(["check", f"{source}:Scale", *specs, "--cells", "jit(grad)"]) == 0
    assert "1 ok" in capsys.readouterr().out


def test_an_unknown_cell(source: Path, capsys: Capture) -> None:
    assert main(["check", f"{source}:Swish", "f32[3]", "--cells", "gard"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "gard" in err
    assert "jit(grad)" in err


def test_show(source: Path, capsys: Capture) -> None:
    assert main(["show", f"{source}:Swish", "f32[128,64]"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Swish(f32[128,64])")
    assert "32,768" in out
    assert "stablehlo" in out
    assert err == ""


def test_64_bit_values_are_for_this_command_alone(
    source: Path, capsys: Capture
) -> None:
    before = jax.config.jax_enable_x64
    assert main(["show", f"{source}:Swish", "f64[4]"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Swish(f64[4])")
    assert "x64 is on" in err
    assert jax.config.jax_enable_x64 == before


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize(
    ("name", "specs", "says"),
    [
        ("Swsh", ["f32[3]"], "has no class 'Swsh'. Functions there: "),
        ("Swish", ["f31[3]"], "argument 1: 'f31[3]': unknown dtype 'f31'; expected"),
        ("Swish", ["f32[3]", "mean"], "argument 2: 'mean' is not understood"),
        ("Swish", ["f32[3]", "f32[3]"], "parameters of Swish.forward"),
        ("Swish", [], "missing the argument 'x'"),
        ("Scale", ["f32[3]", "3.0", "to=3.0"], "'to'"),
    ],
)
def test_what_cannot_be_run_is_status_2(
    command: str,
    name: str,
    specs: list[str],
    says: str,
    source: Path,
    capsys: Capture,
) -> None:
    assert main([command, f"{source}:{name}", *specs]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jaxgrad: ")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize("argv", [[], ["fly"], ["check"], ["tour", "--fast"]])
def test_usage_errors_are_status_2(argv: list[str], capsys: Capture) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: ")


@pytest.mark.parametrize("argv", [["--help"], ["show", "--help"], ["tour", "--help"]])
def test_help_is_status_0(argv: list[str], capsys: Capture) -> None:
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: ")
    assert err == ""


def test_help_explains_specs(capsys: Capture) -> None:
    main(["check", "--help"])
    out = capsys.readouterr().out
    assert "f32[128,64]" in out
    assert "FILE.py:Class" in out


def test_a_process_ends_with_the_status(source: Path, command: Command) -> None:
    cells = ["--cells", "grad", "shard_map, check_vma=True"]
    passed = command("check", f"{source}:Swish", "f32[3]", *cells)
    assert passed.returncode == 0, passed.stderr
    assert "2 ok" in passed.stdout
    assert "\033" not in passed.stdout
    missing = command("check", "nowhere.py:Swish", "f32[3]")
    assert missing.returncode == 2
    assert missing.stdout == ""
    assert missing.stderr == (
        "jaxgrad: no such file: nowhere.py (expected FILE.py:Class)\n"
    )


def test_a_reader_that_has_seen_enough_gets_no_traceback(source: Path) -> None:
    command = [sys.executable, "-m", "jaxgrad", "show", f"{source}:Swish", "f32[3]"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=240) == 2
