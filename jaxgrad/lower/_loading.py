"""The steps of `load`, each with errors that say what is wrong with the file.

- `contents`: the members that are no programs.
- `deserialized`, `signature`: the programs, and what is called for them.
- `check_weights`, `probe`: that all of it belongs together, and runs here.
"""

import itertools
from typing import Any

import jax
from jax.export import Exported

from jaxgrad.errors import SavedFileError
from jaxgrad.lower import _archive, _levels, _loaded_script, _manifest, _weights
from jaxgrad.lower._loaded_program import LoadedProgram
from jaxgrad.lower._loaded_signature import Signature


def contents(
    name: str, manifest: dict[str, Any], members: dict[str, bytes]
) -> tuple[str, tuple[Any, ...], dict[str, jax.Array]]:
    """Graph text, source map and weights: all of a file that is not a program."""
    try:
        _manifest.check(manifest)
        rows = _manifest.source_map(members[_manifest.SOURCE_MAP])
        weights = _weights.unpack(manifest["weights"], members[_manifest.WEIGHTS])
        return members[_manifest.GRAPH].decode(), rows, weights
    except _weights.NeedsX64 as error:
        raise _needs_x64(name, str(error)) from error
    except Exception as error:
        raise _archive.changed(name, str(error)) from error


def deserialized(name: str, manifest: dict[str, Any], data: bytes) -> Exported:
    """One program, read by JAX."""
    try:
        return jax.export.deserialize(bytearray(data))
    except Exception as error:
        raise _unreadable(name, manifest, "JAX can't read it", error) from error


def signature(
    name: str, manifest: dict[str, Any], parts: list[Exported], entry: dict[str, Any]
) -> Signature:
    """The levels of one signature, each a Function whose backward is the next."""
    for part in parts:
        for aval in part.in_avals:
            if _weights.is_wide(aval.dtype):
                raise _needs_x64(name, f"an argument is {aval.dtype}")
    program = None
    for part in reversed(parts):
        refused = entry.get("refused", "") if program is None else ""
        order = manifest["vjp_order"]
        program = LoadedProgram(manifest["name"], part, program, order, refused)
    assert program is not None
    try:
        made = Signature(program, entry["constraints"])
        fits = len(made.args) == len(manifest["arguments"])
        for below, above in itertools.pairwise(parts):
            moving = sum(map(_levels.is_inexact, below.out_avals))
            fits &= len(above.in_avals) == len(below.in_avals) + moving
        fits &= all(p.platforms == tuple(manifest["platforms"]) for p in parts)
        fits &= isinstance(made.weights, dict)
    except Exception as error:
        raise _archive.changed(name, str(error)) from error
    if not fits:
        raise _archive.changed(name, "its programs are not those it lists")
    return made


def add_script(
    name: str, function: Any, signatures: list[Signature], data: bytes
) -> None:
    """What the file of a script says of its arguments, writes and errors."""
    try:
        signature, parts = _loaded_script.read(data, function.__name__)
        for each, part in zip(signatures, parts, strict=True):
            each.script = part
        names = list(function.__signature__.parameters)
        fits = list(signature.parameters) == names
        fits &= all(len(part.arguments) == len(names) for part in parts)
    except SavedFileError:
        raise
    except Exception as error:
        raise _archive.changed(name, str(error)) from error
    if not fits:
        raise _archive.changed(name, "its arguments are not those of its programs")
    function.__signature__ = signature


def check_weights(name: str, signature: Signature, weights: dict[str, Any]) -> None:
    """Check that the programs take the weights that the file holds."""
    found = {key: (w.shape, w.dtype) for key, w in weights.items()}
    asked = {key: (w.shape, w.dtype) for key, w in signature.weights.items()}
    if found != asked:
        raise _archive.changed(name, "its weights are not those of its programs")


def probe(
    name: str, manifest: dict[str, Any], program: LoadedProgram, probes: list[Any]
) -> None:
    """Compile every level now, so that what can't run here is an error now."""
    level: LoadedProgram | None = program
    for shapes in probes:
        assert level is not None
        try:
            level.compile(shapes)
        except Exception as error:
            what = "it can't be compiled"
            raise _unreadable(name, manifest, what, error) from error
        level = level.following


def _unreadable(
    name: str, manifest: dict[str, Any], what: str, error: Exception
) -> SavedFileError:
    calls = ", ".join(manifest["custom_calls"])
    held = f", and it holds custom calls ({calls})" if calls else ""
    return SavedFileError(
        f"{name} can't be used here: {what}.\n"
        f"  Expected programs that JAX {jax.__version__} can run; got some of JAX "
        f"{manifest['jax']}{held}: {error}\n"
        "  Load it with the JAX that saved it or a newer one, or save it again with "
        "this one; register containers of your own with jax.export before."
    )


def _needs_x64(name: str, what: str) -> SavedFileError:
    return SavedFileError(
        f"{name} can't be used here: {what}.\n"
        "  Expected values of at most 32 bits, as JAX has it by default; got wider "
        "ones.\n"
        '  Call jax.config.update("jax_enable_x64", True) at the start of the program.'
    )
