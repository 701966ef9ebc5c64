"""What a command line says about a Function: which class, and on what arguments.

- `load_class("file.py:Class")`: runs the file, or imports the module; picks the class.
- `parse_specs(["f32[8]", "3", "axis=-1"], seed)`: arguments, by position and by name.
- `parse_spec("f32[128,64]", seed)`: one argument.
- `needs_x64(texts)`: whether a spec asks for 64-bit values, which JAX has off at first.
"""

import ast
import functools
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import CommandError
from jaxgrad.function import Function

_DTYPES = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "c64": "complex64",
    "c128": "complex128",
    "bool": "bool",
    "pred": "bool",
    **{f"u{n}": f"uint{n}" for n in (8, 16, 32, 64)},
    **{f"{s}{n}": f"int{n}" for n in (8, 16, 32, 64) for s in "is"},
}
_WIDE = {"f64", "c128", "u64", "i64", "s64"}
_ARRAY = re.compile(r"([A-Za-z]\w*)\[([^\[\]]*)\]")
_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# Small enough to index a short axis with, and to be exact in every integer dtype.
_INTEGERS_BELOW = 4
_ACCEPTED = (
    "an array such as f32[128,64], f32[] or s32[8] (f16 bf16 f32 f64, c64 c128, "
    "u8 to u64, s8 to s64 or i8 to i64, bool or pred, key), or a Python literal "
    "such as 3, None, (1, 2) or 'mean' (with its quotes)"
)


def needs_x64(texts: Sequence[str]) -> bool:
    """Tells whether any spec asks for a 64-bit dtype.

    Args:
        texts: Specs as in `parse_specs`.

    Returns:
        True if one of them is an array of f64, c128, s64, i64 or u64.

    Example:
        >>> needs_x64(["f32[2]", "scale=f64[]"])
        True
    """
    found = (_ARRAY.fullmatch(_split_name(text)[1].strip()) for text in texts)
    return any(match is not None and match[1] in _WIDE for match in found)


def parse_specs(texts: Sequence[str], seed: int) -> tuple[list[Any], dict[str, Any]]:
    """Makes the arguments of a call from their specs.

    Args:
        texts: One spec per argument; `name=spec` passes it by keyword.
        seed: Where the random values start; each argument has values of its own.

    Returns:
        The positional arguments and the keyword arguments.

    Raises:
        CommandError: If a spec can't be read, or a name comes twice, or a positional
            argument comes after a keyword argument.

    Example:
        >>> args, kwargs = parse_specs(["f32[2,3]", "axis=-1"], seed=0)
        >>> args[0].shape, kwargs
        ((2, 3), {'axis': -1})
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for position, text in enumerate(texts):
        name, spec = _split_name(text)
        where = f"argument {position + 1}" + (f" ({name})" if name else "")
        try:
            value = parse_spec(spec, seed + position)
        except CommandError as error:
            raise CommandError(f"{where}: {error}") from None
        if name is None and kwargs:
            raise CommandError(f"{where}: {text!r} by position after one by keyword")
        if name in kwargs:
            raise CommandError(f"{where}: given twice")
        if name is None:
            args.append(value)
        else:
            kwargs[name] = value
    return args, kwargs


def _split_name(text: str) -> tuple[str | None, str]:
    match = _NAMED.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def parse_spec(text: str, seed: int) -> Any:
    """Makes one argument from its spec.

    Args:
        text: A dtype with a shape, such as `f32[128,64]`; or a Python literal.
        seed: Fixes the random values: normal for real and complex dtypes, 0 to 3 for
            integers, either value for booleans.

    Returns:
        A `jax.Array` (typed PRNG keys for `key[...]`), or the literal's value.

    Raises:
        CommandError: If the text is neither; the message says what is accepted.

    Example:
        >>> parse_spec("s32[2]", seed=0).dtype, parse_spec("'mean'", seed=0)
        (dtype('int32'), 'mean')
    """
    match = _ARRAY.fullmatch(text.strip())
    if match and match[1] != "key" and match[1] not in _DTYPES:
        raise CommandError(
            f"{text!r}: unknown dtype {match[1]!r}; expected {_ACCEPTED}"
        )
    if match:
        return _random(match[1], _shape(text, match[2]), seed)
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise CommandError(
            f"{text!r} is not understood; expected {_ACCEPTED}"
        ) from None


def _shape(text: str, inside: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in inside.split(",")] if inside.strip() else []
    if not all(size.isdecimal() for size in sizes):
        raise CommandError(
            f"{text!r}: the shape {inside!r} should be sizes separated by commas, "
            f"or nothing for a scalar; expected {_ACCEPTED}"
        )
    return tuple(map(int, sizes))


def _random(name: str, shape: tuple[int, ...], seed: int) -> jax.Array:
    if name == "key":
        key = jax.random.key(seed)
        return jax.random.split(key, shape) if shape else key
    rng, dtype = np.random.default_rng(seed), jnp.dtype(_DTYPES[name])
    if jnp.issubdtype(dtype, jnp.complexfloating):
        values = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    elif jnp.issubdtype(dtype, jnp.floating):
        values = rng.normal(size=shape)
    else:
        below = 2 if dtype == jnp.bool_ else _INTEGERS_BELOW
        values = rng.integers(below, size=shape)
    return jnp.asarray(np.asarray(values).astype(dtype))


def load_class(target: str) -> type[Function]:
    """Finds a Function by the name of its file or module.

    Args:
        target: `path/to/file.py:Class`, which runs the file, or `package.module:Class`.
            Anything after the last colon may be dotted, for a nested class.

    Returns:
        The class.

    Raises:
        CommandError: If the file or module is missing or fails, if it has no such
            class, or if that is no Function; the message lists the Functions it has.

    Example:
        >>> load_class("jaxgrad.tour.functions:Sparsemax").__name__
        'Sparsemax'
    """
    source, colon, name = target.rpartition(":")
    if not colon:
        source, name = target, ""
    module = _load_file(Path(source)) if _is_file(source) else _load_module(source)
    if not name:
        raise CommandError(f"{target}: which class? {_functions_in(module, source)}")
    try:
        found = functools.reduce(getattr, name.split("."), module)
    except AttributeError:
        message = f"{source} has no class {name!r}. {_functions_in(module, source)}"
        raise CommandError(message) from None
    if not (isinstance(found, type) and issubclass(found, Function)):
        kind = "a class" if isinstance(found, type) else type(found).__name__
        raise CommandError(
            f"{name} in {source} is not a jaxgrad.Function but {kind}. "
            f"{_functions_in(module, source)}"
        )
    return found


def _is_file(source: str) -> bool:
    return source.endswith(".py") or "/" in source or Path(source).is_file()


def _functions_in(module: ModuleType, source: str) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Function)
        and value is not Function
    ]
    if not names:
        return "It defines no Function (a subclass of jaxgrad.Function)."
    return f"Functions there: {', '.join(f'{source}:{name}' for name in names)}"


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CommandError(f"no such file: {path} (expected FILE.py:Class)")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise CommandError(f"{path} is not a Python file (expected FILE.py:Class)")
    module = importlib.util.module_from_spec(spec)
    # As for a script: its neighbours can be imported, and dataclasses find it.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules.setdefault(spec.name, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CommandError(f"{path} can't be run: {_last_line(error, path)}") from error
    return module


def _last_line(error: Exception, path: Path) -> str:
    """The error, and the last line of the user's own file that it came through."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename) == path.absolute()]
    place = f"line {lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}: {error}"


def _load_module(source: str) -> ModuleType:
    # A console script, unlike `python -m`, does not look in the current directory.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        if error.name is None or not (source + ".").startswith(error.name + "."):
            raise CommandError(f"{source} can't be imported: {error}") from error
        expected = "FILE.py:Class or package.module:Class"
        raise CommandError(f"no module {source!r} (expected {expected})") from None
    except (ImportError, ValueError, TypeError) as error:
        raise CommandError(f"{source!r} can't be imported: {error}") from error
