"""What a saved script has besides its program: static arguments, writes, errors.

- `written`, `read`: the member of the file that holds that.
- `ScriptPart`: that of one signature.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

from jaxgrad.lower._program import Program
from jaxgrad.lower._script_errors import Reported
from jaxgrad.lower._script_values import Reader, unplain
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._checked import CheckedError
from jaxgrad.lower.script._foreign import report
from jaxgrad.lower.script._session import Errors
from jaxgrad.lower.script._values import is_traced

_KINDS = {
    "positional only": inspect.Parameter.POSITIONAL_ONLY,
    "positional": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "*": inspect.Parameter.VAR_POSITIONAL,
    "keyword": inspect.Parameter.KEYWORD_ONLY,
    "**": inspect.Parameter.VAR_KEYWORD,
}


def written(program: Program) -> bytes:
    """The member of a file for a script whose programs were exported."""
    signatures = [variant.record() for variant in program.variants]
    held = {"parameters": list(program.parameters), "signatures": signatures}
    return json.dumps(held).encode()


def read(data: bytes, name: str) -> tuple[inspect.Signature, list[ScriptPart]]:
    """The signature of a script, and what belongs to each program of it."""
    held = json.loads(data)
    parameters = []
    for parameter, kind, *default in held["parameters"]:
        given = {"default": unplain(default[0], name)} if default else {}
        parameters.append(inspect.Parameter(parameter, _KINDS[kind], **given))
    parts = [ScriptPart(name, signature) for signature in held["signatures"]]
    return inspect.Signature(parameters), parts


class ScriptPart:
    """One signature of a saved script.

    Attributes:
        arguments: for each argument how it is made of arrays and what is static in it.
    """

    def __init__(self, name: str, held: Any) -> None:
        """Of what was read."""
        self._name, self._held = name, held
        self.arguments = held["arguments"]
        self._errors = [Reported(each) for each in held.get("errors", [])]

    def apart(self, args: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """The arrays in each argument; None if they don't fit."""
        reader, groups = Reader(self._name), []
        for form, value in zip(self.arguments, args, strict=True):
            count = len(reader.leaves)
            if not reader.takes(form, value):
                return None
            groups.append(tuple(reader.leaves[count:]))
        return groups

    def finish(self, outputs: Sequence[Any], args: Sequence[Any], weights: Any) -> Any:
        """Raise the error, if there is one; else write, and give the result.

        Args:
            outputs: of the program.
            args: the arguments, which are written to.
            weights: the weights, which are changed where the script does.

        Returns:
            What the script returns.
        """
        held, mode = self._held, self._held["mode"]
        error = self._error(outputs)
        if error is not None and mode == "raise":
            self._raise(error)
        reader = Reader(self._name)
        for form, value in zip(self.arguments, args, strict=True):
            reader.takes(form, value)
        result = reader.give(held["result"], outputs)
        changes = [reader.change(n, form, outputs) for n, form in held["changed"]]
        for change in changes:
            _heap.fill(*change)
        for name, index in held["updates"].items():
            if not is_traced(outputs[index]):
                weights[name] = outputs[index]
        if mode == "return":
            found: Any = (None, (), (), ()) if error is None else error
            return CheckedError.of(*found), result
        return result

    def _error(self, outputs: Sequence[Any]) -> Any:
        """The code, the values in messages, the errors they belong to, the errors."""
        held = self._held
        if "code" not in held:
            return None
        numbers = [number for number, _ in held["parts"]]
        values = [tuple(outputs[i] for i in where) for _, where in held["parts"]]
        return outputs[held["code"]], values, numbers, self._errors

    def _raise(self, error: Any) -> None:
        code, values, numbers, _ = error
        if is_traced(code):
            errors = Errors()
            errors.code = code
            errors.values.update(zip(numbers, values, strict=True))
            report(errors, self._errors, "raise")
            return
        CheckedError.of(*error).throw()

    def shown(self, shown: Sequence[Any], arguments: Sequence[str]) -> list[str]:
        """The arguments as text, of those of each array."""
        return [
            f"{name}: {_text(form, iter(group))}"
            for name, form, group in zip(arguments, self.arguments, shown, strict=True)
        ]


def _text(form: Any, leaves: Any) -> str:
    if "leaf" in form:
        return str(next(leaves))
    if "value" in form:
        return _plain_text(form["value"])
    if "again" in form:
        return "..."
    parts = [_text(part, leaves) for part in form["parts"]]
    kind = form["new"]
    if kind == "list":
        return f"[{', '.join(parts)}]"
    if kind == "tuple":
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    keys = [_plain_text(key) for key in form["static"].get("tuple", ())] or parts
    if kind == "dict":
        pairs = zip(keys, parts, strict=True)
        return "{" + ", ".join(f"{key}: {part}" for key, part in pairs) + "}"
    return f"{kind.rpartition(':')[2]}({', '.join(parts)})"


def _plain_text(held: Any) -> str:
    if not isinstance(held, dict):
        return repr(held)
    if "name" in held:
        return f"{held['enum'].rpartition(':')[2]}.{held['name']}"
    ((_, value), *_) = held.items()
    return str(value).rpartition(":")[2]
