"""What the kinds `lax::NAME` and `py::PATH` call.

- `resolve`: the callable.
- `output_types`: the types of what it makes.
- `call`: what a node makes that no recorded operator runs.

Names are looked up in modules that are imported already; nothing is imported or
evaluated to find one.
"""

from __future__ import annotations

import difflib
import inspect
import sys
import types as python_types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax

from jaxgrad.errors import GraphError
from jaxgrad.graph import types

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

_MISSING = object()
_NAMESPACES = (type, python_types.ModuleType)
# These take their operands as one sequence, their primitives one by one.
_OF_SEQUENCES = frozenset({"operands", "operand_sequence", "arrays"})


def resolve(kind: str) -> Callable[..., Any]:
    """The callable that a kind names.

    Args:
        kind: `lax::NAME` for a function of `jax.lax`, or for a primitive there that no
            function is named after; `py::PATH` for what stands under that path in a
            module that is imported, `py::jax.numpy.sin` say.

    Returns:
        The callable; for a primitive one that takes its parameters by name.

    Raises:
        GraphError: there is no such callable; the message suggests others.

    Example:
        >>> resolve("lax::sin") is jax.lax.sin, resolve("py::jax.numpy.sin").__name__
        (True, 'sin')
    """
    dialect, _, name = kind.partition("::")
    if dialect == "py":
        return _in_modules(kind, name)
    if dialect != "lax":
        raise GraphError(
            f"{kind} names no callable.\n  Expected lax::NAME or py::PATH."
        )
    function, primitive = _in_lax(name)
    found = function or primitive
    return _not_in_lax(kind, name) if found is None else found


def lax_function(kind: str) -> Callable[..., Any] | None:
    """The public function of `jax.lax` that a kind names, if there is one."""
    return _in_lax(kind.removeprefix("lax::"))[0]


def _not_in_lax(kind: str, name: str) -> NoReturn:
    known = _close(name, [k.removesuffix("_p") for k in vars(jax.lax)], "lax::")
    remedy = "Expected the name of a function of jax.lax; py::PATH names others."
    raise _unknown(kind, "jax.lax has no such function", known, remedy)


def output_types(
    kind: str, values: Sequence[Value], attributes: Mapping[str, Any]
) -> list[types.Type]:
    """The types of what a kind makes of values, by abstract evaluation.

    Args:
        kind: `lax::NAME` or `py::PATH`.
        values: its inputs. Constants that are no arrays are given as they are.
        attributes: its keyword arguments.

    Returns:
        One type for each output; weak types stay weak.

    Raises:
        GraphError: there is no such callable, an input's type is incomplete, or JAX
            refuses these types.
    """
    resolve(kind)
    avals: list[Any] = []
    forms = [_form(kind, i, value, avals) for i, value in enumerate(values)]
    found: list[types.Type] = []

    def probe(*arrays: Any) -> tuple[()]:
        given = iter(arrays)
        made = _apply(kind, [form(given) for form in forms], attributes)
        found[:] = [types.try_infer(each).type() for each in _spread(made)]
        return ()

    try:
        jax.eval_shape(probe, *avals)
        _check_parameters(kind, forms, avals, attributes)
    except Exception as error:
        given = ", ".join(str(value.type()) for value in values)
        raise GraphError(
            f"{kind} refuses inputs of the types ({given}).\n"
            f"  {type(error).__name__}: {error}"
        ) from error
    return found


def _check_parameters(
    kind: str,
    forms: Sequence[Callable[[Any], Any]],
    avals: Sequence[Any],
    attributes: Mapping[str, Any],
) -> None:
    """Raise if a primitive doesn't know its parameters.

    Its abstract evaluation may take any; its lowering doesn't.
    """
    known = all(isinstance(d, int) for aval in avals for d in aval.shape)
    if not kind.startswith("lax::") or not known:
        return

    def run(*arrays: Any) -> Any:
        given = iter(arrays)
        return _apply(kind, [form(given) for form in forms], attributes)

    function, _ = _in_lax(kind.removeprefix("lax::"))
    given = iter(avals)
    if function is None or not _binds(function, [f(given) for f in forms], attributes):
        jax.jit(run).lower(*avals)


def call(node: Node, inputs: Sequence[Any]) -> list[Any]:
    """What a `lax::` or `py::` node without an operator makes.

    Args:
        node: the node; its attributes are the keyword arguments.
        inputs: a value for each of its inputs, traced or not.

    Returns:
        A value for each of its outputs.

    Raises:
        GraphError: there is no such callable. What the callable raises passes through.
    """
    made = _apply(node.kind(), inputs, node.attr)
    outputs = node.outputs()
    if len(outputs) == 1 and isinstance(
        outputs[0].type(), types.TupleType | types.ListType | types.PyTreeType
    ):
        return [made]
    return _spread(made)


def _apply(kind: str, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    callable_ = resolve(kind)
    if not kind.startswith("lax::"):
        return callable_(*inputs, **attributes)
    function, primitive = _in_lax(kind.removeprefix("lax::"))
    if function is None or (primitive and not _binds(function, inputs, attributes)):
        assert primitive is not None
        return primitive(*inputs, **attributes)
    try:
        return function(*inputs, **attributes)
    except (TypeError, ValueError) as error:
        # It may be the primitive of that name with other parameters.
        return _or_raise(error, primitive, inputs, attributes)


def _or_raise(
    error: Exception,
    primitive: Callable[..., Any] | None,
    inputs: Sequence[Any],
    attributes: Mapping[str, Any],
) -> Any:
    if primitive is None:
        raise error
    try:
        return primitive(*inputs, **attributes)
    except Exception:
        raise error from None


def _binds(
    function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]
) -> bool:
    """Whether a function of `jax.lax` takes these arguments."""
    signature = inspect.signature(function)
    if next(iter(signature.parameters), "") in _OF_SEQUENCES:
        return len(inputs) == 1 and isinstance(inputs[0], list | tuple)
    try:
        signature.bind(*inputs, **attributes)
    except TypeError:
        return False
    return True


def _spread(made: Any) -> list[Any]:
    """The outputs in what a callable returned."""
    return list(made) if type(made) in (list, tuple) else [made]


# --- looking names up -----------------------------------------------------------------


def _in_lax(name: str) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
    """The function of that name, and the primitive, bound by keyword."""
    # Some names of primitives are no identifiers: scatter-add.
    name = name.replace("-", "_")
    function = vars(jax.lax).get(name)
    if name.startswith("_") or not _is_function(function):
        function = None
    primitive = vars(jax.lax).get(f"{name}_p")
    return function, getattr(primitive, "bind", None)


def _is_function(found: Any) -> bool:
    return callable(found) and not isinstance(found, _NAMESPACES)


def _in_modules(kind: str, path: str) -> Callable[..., Any]:
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:count]))
        if module is not None:
            return _member(kind, module, ".".join(parts[:count]), parts[count:])
    roots = ("builtins", "math", "operator", "jax.numpy", "jax.lax", "jax.nn")
    found = [m for m in roots if m in sys.modules and path in vars(sys.modules[m])]
    known = [f"py::{module}.{path}" for module in found]
    raise _unknown(kind, "no imported module has it", known, "Import its module first.")


def _member(kind: str, owner: Any, path: str, names: list[str]) -> Callable[..., Any]:
    """What is reached from a module by attributes that need no code to be had."""
    for name in names:
        found = _static(owner, name)
        if found is _MISSING:
            known = dir(owner) if isinstance(owner, _NAMESPACES) else []
            remedy = "Expected the path of a function or a class in a module."
            close = _close(name, known, f"py::{path}.")
            raise _unknown(kind, f"{path} has no {name!r}", close, remedy)
        owner, path = found, f"{path}.{name}"
    if not callable(owner) or isinstance(owner, python_types.ModuleType):
        raise GraphError(
            f"{kind} can't be called: it is a {type(owner).__name__}.\n"
            "  Expected the path of a function or a class."
        )
    return owner


def _static(owner: Any, name: str) -> Any:
    if isinstance(owner, python_types.ModuleType):
        return vars(owner).get(name, _MISSING)
    if not isinstance(owner, type):
        return _MISSING
    found = inspect.getattr_static(owner, name, _MISSING)
    if isinstance(found, classmethod | staticmethod):
        return found.__get__(None, owner)
    return found


def _close(name: str, known: Iterable[str], prefix: str) -> list[str]:
    """Up to three names that look like `name`."""
    close = difflib.get_close_matches(name, list(dict.fromkeys(known)), 3, 0.6)
    return [prefix + each for each in close]


def _unknown(kind: str, reason: str, close: list[str], remedy: str) -> GraphError:
    hint = f"Did you mean {', '.join(close)}?" if close else remedy
    return GraphError(f"{kind} names no callable: {reason}.\n  {hint}")


# --- inputs for abstract evaluation ---------------------------------------------------


def _form(kind: str, i: int, value: Value, avals: list[Any]) -> Callable[[Any], Any]:
    """How to make input `i` of traced arrays, whose types are added to `avals`."""
    type_ = value.type()
    if value.node().kind() == "prim::Constant" and not _is_array(type_):
        constant = value.to_ival()
        return lambda given: constant
    form = _of_type(type_, avals)
    if form is None:
        raise GraphError(
            f"{kind} needs to know the type of input {i}, %{value.debug_name()}; got "
            f"{type_}.\n  Declare its dtype and shape with set_type first."
        )
    return form


def _is_array(type_: types.Type) -> bool:
    return isinstance(type_, types.TensorType)


def _of_type(type_: types.Type, avals: list[Any]) -> Callable[[Any], Any] | None:
    if isinstance(type_, types.NoneType):
        return lambda given: None
    if type(type_) is types.TupleType:
        parts = [_of_type(each, avals) for each in type_.contained_types()]
        if None in parts:
            return None
        return lambda given: tuple([part(given) for part in parts if part is not None])
    aval = getattr(type_, "aval", None) if _is_array(type_) else _scalar(type_)
    if aval is None:
        return None
    avals.append(aval)
    return next


def _scalar(type_: types.Type) -> Any:
    """The weak type of a Python number; None for any other type."""
    numbers = {
        types.BoolType.get(): False,
        types.IntType.get(): 0,
        types.FloatType.get(): 0.0,
        types.ComplexType.get(): 0j,
    }
    return jax.typeof(numbers[type_]) if type_ in numbers else None
