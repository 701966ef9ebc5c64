"""What the manifest of a saved file holds, and the check that it does.

- `check(manifest)`: raises `ManifestError` where it is not of the form below.
- `program_member(i, k)`: the member that holds derivative `k` of signature `i`.
- `source_map(data)`: the source map, its form checked.
"""

import json
import keyword
from collections.abc import Sequence
from typing import Any, NoReturn

GRAPH = "graph.txt"
SOURCE_MAP = "source_map.json"
WEIGHTS = "weights.npz"
SCRIPT = "script.json"

_MEMBER = {"bytes": int, "sha256": str}
_WEIGHT = {"name": str, "dtype": str, "shape": [int], "key": (str, type(None))}
# How many derivatives a signature has (itself included), what holds of its symbolic
# dimensions, and for each derivative a shape for each argument, to compile it at; why
# there is no further derivative, where the function itself refuses it.
_SIGNATURE = {"orders": int, "constraints": [str], "probes": [[[int]]], "?refused": str}
_MANIFEST = {
    "format": str,
    "version": int,
    "jaxgrad": str,
    "jax": str,
    "name": str,
    "arguments": [str],
    "platforms": [str],
    "vjp_order": int,
    "custom_calls": [str],
    "signatures": [_SIGNATURE],
    "weights": [_WEIGHT],
    "members": {...: _MEMBER},
}


class ManifestError(Exception):
    """The manifest has another form; the message says where."""


def check(manifest: Any) -> None:
    """Check the form of a manifest, and that it lists the members it needs.

    Args:
        manifest: what JSON gave.

    Raises:
        ManifestError: it has another form.
    """
    _check(manifest, _MANIFEST, "manifest")
    if not are_names(manifest["arguments"]):
        raise ManifestError(f"manifest.arguments are {manifest['arguments']!r:.80}")
    orders = [signature["orders"] for signature in manifest["signatures"]]
    most = manifest["vjp_order"] + 1
    if not orders or not all(1 <= order <= most for order in orders):
        raise ManifestError(f"manifest.signatures have {orders} programs each")
    for i, signature in enumerate(manifest["signatures"]):
        if len(signature["probes"]) != signature["orders"]:
            raise ManifestError(f"manifest.signatures[{i}].probes has another length")
    # Counted first: a number of programs is not to be trusted before that.
    expected = {GRAPH, SOURCE_MAP, WEIGHTS} | ({SCRIPT} & manifest["members"].keys())
    named = len(manifest["members"]) == sum(orders) + len(expected)
    if named:
        expected |= {
            program_member(i, k) for i, order in enumerate(orders) for k in range(order)
        }
    if not named or expected != manifest["members"].keys():
        raise ManifestError("manifest.members are not those of its signatures")


def are_names(names: Sequence[str]) -> bool:
    """Whether all of them can name arguments of one Python function."""
    legal = all(n.isidentifier() and not keyword.iskeyword(n) for n in names)
    return legal and len(set(names)) == len(names)


def program_member(signature: int, order: int) -> str:
    """The name of the member that holds one exported program."""
    return f"programs/{signature}.{order}.stablehlo"


def source_map(data: bytes) -> tuple[tuple[str, str, int, int], ...]:
    """The source map of a file.

    Args:
        data: its member.

    Returns:
        The name of a value, its file, line and column; for each.

    Raises:
        ManifestError: it has another form.
    """
    rows = json.loads(data)
    _check(rows, [list], SOURCE_MAP)
    for i, row in enumerate(rows):
        if [type(cell) for cell in row] != [str, str, int, int]:
            raise ManifestError(f"{SOURCE_MAP}[{i}] is {row!r:.80}")
    return tuple(tuple(row) for row in rows)


def _check(value: Any, form: Any, where: str) -> None:
    """Check that `value` has a form: a type, or a list or dict of forms."""
    # A dict that has `...` for a key may have any strings for keys; `?key` may be
    # absent.
    if isinstance(form, list):
        _check_type(value, list, where)
        for i, item in enumerate(value):
            _check(item, form[0], f"{where}[{i}]")
    elif isinstance(form, dict):
        _check_type(value, dict, where)
        if ... not in form:
            absent = {k[1:] for k in form if k[0] == "?"} - value.keys()
            form = {k.removeprefix("?"): v for k, v in form.items()}
            if value.keys() | absent != form.keys():
                _raise_odd((value.keys() | absent) ^ form.keys(), where)
        for key, item in value.items():
            _check(item, form.get(key, form.get(...)), f"{where}.{key[:80]}")
    else:
        _check_type(value, form, where)


def _raise_odd(keys: set[str], where: str) -> NoReturn:
    odd = ", ".join(sorted(keys))
    raise ManifestError(f"{where} lacks, or should not have: {odd[:80]}")


def _check_type(value: Any, kind: Any, where: str) -> None:
    # `type`, as a bool is no number here.
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds or (type(value) is int and value < 0):
        raise ManifestError(f"{where} is {value!r:.80}")
