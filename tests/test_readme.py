"""The README is true: its code runs and prints what it says, its commands too."""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parents[1]
# `print(...)  # what it prints`
PRINTS = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)


def readme(*parsers: CodeBlockParser | PythonCodeBlockParser) -> Document:
    return Sybil(parsers=parsers, path=str(ROOT)).parse(ROOT / "README.md")


def sessions() -> list:
    """Each shell command in a console block, with the output that the README shows."""
    found = []
    console = CodeBlockParser(language="console", evaluator=lambda example: None)
    for example in readme(console).examples():
        command, shown = str(example.parsed).removeprefix("$ ").split("\n", 1)
        found.append(pytest.param(command, shown, id=command.split()[3]))
    return found


def test_code_blocks_print_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    document = readme(PythonCodeBlockParser())
    shown = []
    for example in document.examples():
        example.evaluate()
        shown += PRINTS.findall(str(example.parsed))
    assert len(shown) >= 5
    assert capsys.readouterr().out.splitlines() == shown


def test_the_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "python -m pip install -e . && python -m jaxgrad tour" in text
    assert "python -m pip install -e '.[test]' && python -m pytest" in text


@pytest.mark.parametrize(("command", "shown"), sessions())
def test_console_blocks_show_the_real_output(command: str, shown: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    checker = doctest.OutputChecker()
    assert checker.check_output(shown, done.stdout, doctest.ELLIPSIS), done.stdout
