"""The README is true: its code runs and prints what it says, its commands too."""

import doctest
import linecache
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parents[1]
# `print(...)  # what it prints`, or several lines of comments below it
PRINTS = re.compile(r"^ *print\(.*\)(?: +# (.*)$|((?:\n# .*)+))", re.MULTILINE)


def readme(*parsers: CodeBlockParser) -> Document:
    return Sybil(parsers=parsers, path=str(ROOT)).parse(ROOT / "README.md")


def sessions() -> list:
    """Each shell command in a console block, with the output that the README shows."""
    found = []
    console = CodeBlockParser(language="console", evaluator=lambda example: None)
    for example in readme(console).examples():
        command, shown = str(example.parsed).removeprefix("$ ").split("\n", 1)
        found.append(pytest.param(command, shown, id=command.split()[3]))
    return found


def run(code: str, namespace: dict) -> None:
    """Runs a block as if it were a file, which is what graphs name as their source."""
    name = "model.py"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec", dont_inherit=True), namespace)


def prints(code: str) -> list[str]:
    """The lines that a block says it prints."""
    shown = []
    for beside, below in PRINTS.findall(code):
        shown += [beside] if beside else [x[2:] for x in below.splitlines()[1:]]
    return shown


def test_code_blocks_print_what_they_say(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where files are saved
    python = CodeBlockParser(language="python", evaluator=lambda example: None)
    namespace, shown = {"__name__": "model"}, []
    for example in readme(python).examples():
        run(str(example.parsed), namespace)
        shown += prints(str(example.parsed))
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
