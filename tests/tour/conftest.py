"""What the tests of the tour and of the command line share."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = '''\
import jax.numpy as jnp
from jaxgrad import Function


class Swish(Function):
    """Saves its input."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * jnp.tanh(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (jnp.tanh(x) + x * (1 - jnp.tanh(x) ** 2))


class Scale(Function):
    @staticmethod
    def forward(ctx, x, by, mode="plain"):
        ctx.by = by
        return x * by

    @staticmethod
    def backward(ctx, g):
        return g * ctx.by, None, None


class Broken(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("no gradient today")


class Plain:
    class Inner(Swish):
        pass
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A user's file with some Functions."""
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


Command = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """The environment of a process that runs the library under test."""
    found = {**os.environ, "JAX_PLATFORMS": "cpu"}
    root = str(Path(__file__).parents[2])
    paths = [root, found.get("PYTHONPATH", "")]
    found["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return found


def _command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jaxgrad", *args],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="session")
def command() -> Command:
    """Runs `python -m jaxgrad` with arguments in a process of its own."""
    return _command


@pytest.fixture(scope="session")
def tour_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> subprocess.CompletedProcess[str]:
    """One whole run of the tour, also where several workers share the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tour"
    answer = folder / "answer.json"
    try:
        folder.mkdir()  # the first worker makes it, and runs
    except FileExistsError:
        return _wait_for(answer)
    run = _command("tour")
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps([run.returncode, run.stdout, run.stderr]))
    unfinished.rename(answer)
    return run


def _wait_for(answer: Path) -> subprocess.CompletedProcess[str]:
    end_s = time.monotonic() + 250
    while not answer.exists():
        assert time.monotonic() < end_s, "the worker that runs the tour gave no answer"
        time.sleep(0.2)
    status, out, err = json.loads(answer.read_text())
    return subprocess.CompletedProcess(["tour"], status, out, err)
