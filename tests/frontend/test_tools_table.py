"""The table of tools that keep a custom backward, and those that drop it."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.frontend import tools_table
from tests.frontend.tools_table import DROPPED, KEPT, TOOLS, recorded, table

ANSWERS = recorded()["answers"]


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_of_jaxgrad_keeps_the_rule(name: str) -> None:
    assert TOOLS[name]() == KEPT


def test_tools_of_torch_drop_it_and_say_nothing() -> None:
    dropping = {name for name, answer in ANSWERS.items() if answer == DROPPED}
    assert dropping == {
        "torch.fx.symbolic_trace",
        "make_fx",
        "torch.export.export, strict",
        "torch.export.export, not strict",
        "torch.compile(torch.func.grad)",
    }


def test_tools_of_torch_that_keep_it_cannot_save_it() -> None:
    kept = {name for name, answer in ANSWERS.items() if answer == KEPT}
    assert {"torch.jit.trace", "torch.jit.script"} <= kept
    for name in ("torch.jit.trace", "torch.jit.script"):
        assert ANSWERS[f"{name}, save, load"] == "RuntimeError"


def test_the_table_says_so() -> None:
    text = table(dict.fromkeys(TOOLS, KEPT))
    assert text.count("DROPS the rule") == 5
    assert text.count("keeps the rule") == len(TOOLS) + 5
    assert all(name in text for name in (*TOOLS, *ANSWERS))


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)
def test_the_record_is_what_torch_answers_today() -> None:
    """Asked in a process of its own: torch.compile leaves much behind."""
    code = (
        "import json, torch\n"
        "from tests.frontend.tools_torch import answers\n"
        "print(json.dumps([torch.__version__.split('+')[0], answers()]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tools_table.PATH.parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [recorded()["torch"], ANSWERS]
