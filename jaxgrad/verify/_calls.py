"""Reads what the user gave `gradcheck`: a function or a Function, and its arguments.

- `subject_of`: makes a `Subject` of it, with the names that its signature gives, and
  with the surrogate that a Function declares.
- `arguments_of`: one array, a list or a tuple, as the arguments of a call.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from jaxgrad.errors import GradcheckOptionError
from jaxgrad.function import Function
from jaxgrad.function._signature import Signature
from jaxgrad.function._style import check_forward
from jaxgrad.function._trees import short_type
from jaxgrad.verify._subject import Subject


def arguments_of(inputs: Any) -> tuple[Any, ...]:
    """A tuple or list is the arguments; anything else is the only one."""
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


def subject_of(function: Any, inputs: Any) -> Subject:
    """What to check, with the names that its signature gives.

    Args:
        function: A function of JAX arrays, a Function or its `apply`.
        inputs: Its arguments.

    Returns:
        The subject.

    Raises:
        GradcheckOptionError: If there is nothing to differentiate.
    """
    args = arguments_of(inputs)
    if isinstance(function, type) and issubclass(function, Function):
        function = function.apply
    first, named, inner = (), {}, function
    if isinstance(function, functools.partial):
        first, named, inner = function.args, function.keywords, function.func
    cls = getattr(inner, "__self__", None)
    if isinstance(cls, type) and issubclass(cls, Function) and inner == cls.apply:
        names = _parameters(cls, (*first, *args), named)[len(first) :]
        reference = _surrogate(cls, first, named)
        subject = Subject(function, args, names, cls.__name__, reference)
    else:
        title = getattr(inner, "__name__", type(inner).__name__)
        title = "the function" if title == "<lambda>" else title
        subject = Subject(function, args, _names(function, args), title)
    if not subject.active:
        raise GradcheckOptionError(
            "gradcheck expects at least one input array to require gradient, but none "
            "of them does.\n"
            f"  Expected a floating or complex array among the arguments of "
            f"{subject.title}; got {', '.join(map(short_type, args)) or 'none'}.\n"
            "  Pass an array, e.g. jnp.array(1.0) for a Python float."
        )
    return subject


def _names(function: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names of a call's positional arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [f"inputs[{i}]" for i in range(len(args))]
    names = [p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
    star = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "inputs")
    count = len(names)
    return [names[i] if i < count else f"{star}[{i - count}]" for i in range(len(args))]


def _parameters(
    cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, ...]:
    """The names of the arguments of a Function, in order."""
    signature = Signature(check_forward(cls), not cls._style.setup, cls.__name__)
    return signature.bind(args, kwargs).names


def _surrogate(cls: Any, first: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """What a class declares its rule to be the derivative of."""
    declared: Any = getattr(cls, "surrogate", None)
    if isinstance(declared, type) and issubclass(declared, Function):
        declared = declared.apply
    if declared is None or declared is False:
        return None
    if declared is not True and not callable(declared):
        raise GradcheckOptionError(
            f"{cls.__name__}.surrogate can't be compared with.\n"
            f"  Expected a function, True or None; got {short_type(declared)}.\n"
            "  Declare the function whose derivative the rule is, or True if the rule "
            "is not the derivative of any."
        )
    if declared is not True and (first or named):
        return functools.partial(declared, *first, **named)
    return declared
