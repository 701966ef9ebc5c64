"""Values of a running transformation that a Function holds on to.

`forward` and `backward` run at different times, under different transformations, so a
tracer that backward closes over may be dead when backward runs. Therefore such values
are found before the call (`find`), become hidden operands of the application, and the
functions are rebuilt over the values that they have where they run. If one is being
differentiated, the rule can't say its gradient, and `refuse` names it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jaxgrad import _compat
from jaxgrad.errors import ClosureError
from jaxgrad.function._opaque import Parts, collected
from jaxgrad.function._trees import contains_tracer

OF_HOOKS = " in saved_tensors_hooks"


def find(
    values: Sequence[tuple[str, Any]], hooks: Sequence[tuple[str, Any]] = ()
) -> Parts | None:
    """The tracers that named functions and objects hold, or None if there are none.

    Args:
        values: them, with their names.
        hooks: more of them; what these have collected in lists doesn't count.

    Returns:
        Where the tracers were.
    """
    lists: set[int] = set().union(*(collected(hook) for _, hook in hooks))

    def wanted(leaf: Any) -> bool:
        return isinstance(leaf, _compat.Tracer) and id(leaf) not in lists

    parts = Parts([*values, *hooks], wanted)
    if hooks and parts.templates:
        own = len(Parts(values, wanted).names) if values else 0
        parts.names[own:] = [f"{name}{OF_HOOKS}" for name in parts.names[own:]]
    return parts if parts.templates else None


def contents(functions: Sequence[Any]) -> list[Any]:
    """What `functions` close over, directly; a compiled forward has it baked in."""
    found = []
    for function in functions:
        inner = getattr(function, "__func__", function)
        for cell in getattr(inner, "__closure__", None) or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # the variable is not assigned yet
                found.append(None)
    return found


def refuse(owner: str, names: Sequence[str]) -> NoReturn:
    """Raise: the variables `names` are closed over and are being differentiated."""
    listed = ", ".join(repr(n) for n in dict.fromkeys(names))
    if any(name.endswith(OF_HOOKS) for name in names):
        raise ClosureError(
            f"The hooks for the saved tensors of {owner} close over {listed}, which is "
            "being differentiated.\n"
            "  Expected hooks over constants: a rule can't say the gradient of what "
            "its hooks do; got a differentiated value.\n"
            "  Use jax.lax.stop_gradient on it, outside the hooks."
        )
    if not names:
        raise ClosureError(
            f"{owner}.forward used a value that is being differentiated and is not "
            "among its arguments.\n"
            "  Expected every differentiated value among the arguments of apply; got "
            "one from elsewhere: a closure, an object, a partial, a global.\n"
            f"  Pass it as an argument of {owner}.apply and return its gradient from "
            "backward; or use jax.lax.stop_gradient on it."
        )
    raise ClosureError(
        f"{owner} closes over {listed}, which is being differentiated.\n"
        "  Expected every differentiated value among the arguments of apply: the rule "
        "can't say the gradient of a value that it closes over.\n"
        f"  Pass it as an argument, e.g. {owner}.apply(x, {listed.strip(chr(39))}), "
        "and return its gradient from backward; or use jax.lax.stop_gradient on it."
    )


def holds_tracers(owner: str, names: Sequence[str]) -> ClosureError:
    """The error for global variables `names` that hold values of a transformation."""
    listed = ", ".join(map(repr, dict.fromkeys(names)))
    return ClosureError(
        f"{owner} reads the global variable {listed}, which holds a value of a JAX "
        "transformation.\n"
        "  Expected global variables to hold concrete values; got a tracer, which only "
        "its own transformation can use.\n"
        "  Pass it as an argument of apply, and return its gradient from backward."
    )


def global_tracers(functions: Sequence[Callable[..., Any]]) -> list[str]:
    """The global variables that `functions` read and that hold tracers."""
    found = []
    for function in functions:
        inner = getattr(function, "__func__", function)
        code = getattr(inner, "__code__", None)
        for name in code.co_names if code else ():
            value = inner.__globals__.get(name)
            if value is not None and not callable(value) and contains_tracer(value):
                found.append(name)
    return found
