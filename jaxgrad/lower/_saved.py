"""Saving and loading: a traced function in one file, without pickle.

- `save(path, program, vjp_order=..., platforms=...)`: writes it.
- `load(path)`: a `LoadedFunction`, read after every check and compiled at once.
"""

import importlib.metadata
import json
import re
from collections.abc import Sequence
from typing import Any

import jax
from jax.export import Exported

from jaxgrad.errors import LoweringError, SavedFileError
from jaxgrad.lower import (
    _archive,
    _exported,
    _levels,
    _loaded_script,
    _loading,
    _manifest,
    _weights,
)
from jaxgrad.lower._loaded import LoadedFunction
from jaxgrad.lower._program import Program
from jaxgrad.lower._structs import structs

# A bigger program is not printed to find its custom calls.
_MOST_PRINTED_BYTES = 2**24


def save(
    target: Any,
    program: Program,
    *,
    vjp_order: int = 1,
    platforms: Sequence[str] = _exported.PLATFORMS,
) -> None:
    """Write a program to a file.

    Args:
        target: a path, where the file appears complete or not at all; or an open
            binary file.
        program: the function, its examples and its weights.
        vjp_order: how often what is loaded can be differentiated. The custom rules of
            Functions are saved with it.
        platforms: what to lower for, of "cpu", "cuda", "rocm" and "tpu".

    Raises:
        BackendError: an unknown platform.
        LoweringError: the program can't be exported, differentiated so often, or
            written; the message names what is in the way.
        MissingExtraError: flatbuffers is not installed.
    """
    _exported.require_flatbuffers()
    chosen = _exported.check_platforms(platforms)
    order = _exported.check_order(vjp_order)
    run = _named(program)
    table, npz = _weights.pack(program.weights)
    members = {
        _manifest.GRAPH: program.graph_text.encode(),
        _manifest.SOURCE_MAP: _source_map(program),
        _manifest.WEIGHTS: npz,
    }
    signatures, calls = [], set[str]()
    for i, example in enumerate(program.examples):
        names = [*program.arguments, "weights"]
        args = structs(run, (*example, dict(program.weights)), names)
        if program.variants:
            run = _named(program._replace(run=program.variants[i].run))
        levels = _levels.levels(run, args, chosen, order)
        signatures.append(
            {
                "orders": len(levels),
                "constraints": _levels.constraints(levels[0].exported),
                "probes": [level.probe for level in levels],
                **({"refused": levels.refused} if levels.refused else {}),
            }
        )
        for k, level in enumerate(levels):
            whole = _exported.ExportedFunction.of(level.exported, 0)
            members[_manifest.program_member(i, k)] = bytes(whole.serialize())
            calls |= _custom_calls(level.exported)
    if program.variants:
        members[_manifest.SCRIPT] = _loaded_script.written(program)
    head = {
        "jaxgrad": _version(),
        "jax": jax.__version__,
        "name": program.name,
        "arguments": list(program.arguments),
        "platforms": list(chosen),
        "vjp_order": order,
        "custom_calls": sorted(calls),
        "signatures": signatures,
        "weights": table,
    }
    _archive.write(target, head, members)


def load(source: Any) -> LoadedFunction:
    """Read a file that `TracedFunction.save` or `ScriptFunction.save` wrote.

    Nothing of it runs, and nothing is unpickled: every byte is checked against the
    digests in the file, then JAX reads the programs and compiles them for the platform
    here, if the file is for it. The digests find damage. They don't tell who wrote the
    file: one that was forged, digests included, can make XLA abort the process, and
    when it is called it computes what its author wanted.

    Args:
        source: a path or an open binary file.

    Returns:
        A callable with the traced signature, differentiable as often as it was saved
        for.

    Raises:
        SavedFileError: the file is no file of jaxgrad, truncated, changed after it was
            saved, too new, or holds what this JAX can't run; the message says which.
        MissingExtraError: flatbuffers is not installed.

    Example:
        >>> import io, jax, jax.numpy as jnp
        >>> from jaxgrad.lower import Program
        >>> program = Program("cube", lambda x, _: x**3, ["x"], [(jnp.ones(()),)], {})
        >>> file = io.BytesIO()
        >>> save(file, program)
        >>> _ = file.seek(0)
        >>> cube = load(file)
        >>> cube
        <loaded 'cube': (x: f32[]); 0 weights, vjp_order=1, for cpu, cuda, tpu>
        >>> float(cube(2.0)), float(jax.grad(cube)(2.0))
        (8.0, 12.0)
    """
    name, manifest, members = _archive.read(source)
    if "backend" in manifest:
        raise SavedFileError(
            f"{name} was lowered for the backend {manifest['backend']!r}.\n"
            "  Expected a file of TracedFunction.save; got one of a LoweredFunction.\n"
            "  Read it with jaxgrad.backends.load."
        )
    graph_text, rows, weights = _loading.contents(name, manifest, members)
    _exported.require_flatbuffers()
    signatures = []
    for i, entry in enumerate(manifest["signatures"]):
        parts = [
            _loading.deserialized(
                name, manifest, members[_manifest.program_member(i, k)]
            )
            for k in range(entry["orders"])
        ]
        signature = _loading.signature(name, manifest, parts, entry)
        _loading.check_weights(name, signature, weights)
        _loading.probe(name, manifest, signature.program, entry["probes"])
        signatures.append(signature)
    made = LoadedFunction(
        manifest["name"],
        manifest["arguments"],
        signatures,
        weights,
        graph_text=graph_text,
        source_map=rows,
        platforms=tuple(manifest["platforms"]),
        vjp_order=manifest["vjp_order"],
    )
    if _manifest.SCRIPT in members:
        _loading.add_script(name, made, signatures, members[_manifest.SCRIPT])
    return made


def _named(program: Program) -> Any:
    """The function of a program under its name, its arguments and examples checked."""
    names = list(program.arguments)
    if not _manifest.are_names(names):
        raise LoweringError(
            f"{program.name} can't be saved with the arguments {names}.\n"
            "  Expected different Python names; got something else.\n"
            "  Name each argument of the traced function."
        )
    lengths = {len(example) for example in program.examples}
    if lengths != {len(names)}:
        raise LoweringError(
            f"{program.name} can't be saved: its examples don't fit its arguments.\n"
            f"  Expected examples of {len(names)} arguments; got {sorted(lengths)}.\n"
            "  Give one example for each argument."
        )

    def run(*args: Any) -> Any:
        return program.run(*args)

    run.__name__ = run.__qualname__ = program.name
    return run


def _source_map(program: Program) -> bytes:
    data = json.dumps(list(program.source_map)).encode()
    try:
        _manifest.source_map(data)
    except _manifest.ManifestError as error:
        raise LoweringError(
            f"{program.name} can't be saved: {error}.\n"
            "  Expected rows of a name, a file, a line and a column; got another.\n"
            "  Give the source map as a list of (str, str, int, int)."
        ) from error
    return data


def _custom_calls(exported: Exported) -> set[str]:
    """The custom calls in a program, as far as it is small enough to be printed."""
    if len(exported.mlir_module_serialized) > _MOST_PRINTED_BYTES:
        return set()
    text = exported.mlir_module()
    return set(re.findall(r"stablehlo\.custom_call @([\w.$]+)", text))


def _version() -> str:
    try:
        return importlib.metadata.version("jaxgrad")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"
