"""How a class is written: which rules it defines, in which of torch's two styles."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxgrad.errors import FunctionDefinitionError, MissingForwardError

RULES = ("forward", "setup_context", "backward", "vjp", "jvp", "vmap")


class Style(NamedTuple):
    """What a class defines.

    Attributes:
        setup: whether `setup_context` makes the context, rather than `forward`.
        backward: the name of the reverse rule: "backward", "vjp" or "".
        jvp: whether the class has a forward-mode rule of its own.
        derives_jvp: whether its forward-mode rule is the transpose of backward.
        has_forward: whether it can be applied.
        vmap: whether it has a batching rule of its own.
        boxed: whether backward takes its cotangents as one list.
        one_read: whether backward may read `saved_tensors` only once.
    """

    setup: bool
    backward: str
    jvp: bool
    derives_jvp: bool
    has_forward: bool
    vmap: bool = False
    boxed: bool = False
    one_read: bool = False

    @staticmethod
    def of(cls: type) -> "Style":
        """Read a class.

        Returns:
            What it defines, inherited rules included.

        Raises:
            FunctionDefinitionError: it defines both `backward` and `vjp`, or both
                `vmap` and `generate_vmap_rule`; or it names an unknown
                `complex_convention`.
        """
        defined = {name for name in RULES if _overridden(cls, name)}
        if {"backward", "vjp"} <= defined:
            raise FunctionDefinitionError(
                f"{cls.__name__} implements both `backward` and `vjp`, which are two "
                "names of one rule.\n"
                "  Expected one of them, inherited ones included; got both.\n"
                "  Remove one of them."
            )
        if "vmap" in defined and getattr(cls, "generate_vmap_rule", False):
            raise FunctionDefinitionError(
                f"{cls.__name__} defines a `vmap` staticmethod and sets "
                "generate_vmap_rule = True.\n"
                "  Expected one of them, inherited ones included; got both.\n"
                "  Remove `vmap`, and JAX batches forward and backward; or remove "
                "generate_vmap_rule."
            )
        convention = getattr(cls, "complex_convention", "torch")
        if convention not in ("torch", "jax"):
            raise FunctionDefinitionError(
                f"{cls.__name__}.complex_convention is {convention!r}.\n"
                f'  Expected "torch" or "jax"; got {convention!r}.\n'
                "  Leave it out for rules written as in torch; set "
                '"jax" for rules that return what jax.vjp would.'
            )
        reverse = "backward" if "backward" in defined else "vjp"
        has_reverse = reverse in defined
        for flag in ("clear_saved_tensors_on_access", "boxed_grads_call"):
            value = getattr(cls, flag, False)
            if not isinstance(value, bool):
                raise FunctionDefinitionError(
                    f"{cls.__name__}.{flag} is {value!r}.\n"
                    f"  Expected True or False; got {type(value).__name__}."
                )
        derives = bool(getattr(cls, "generate_jvp_rule", False))
        return Style(
            setup="setup_context" in defined,
            backward=reverse if has_reverse else "",
            jvp="jvp" in defined,
            derives_jvp=derives and has_reverse and "jvp" not in defined,
            has_forward="forward" in defined,
            vmap="vmap" in defined,
            boxed=getattr(cls, "boxed_grads_call", False),
            one_read=getattr(cls, "clear_saved_tensors_on_access", False),
        )


def inherits_rules(cls: type) -> bool:
    """Whether a rule comes from a base class that is not a Function."""
    return any(
        name in base.__dict__
        for base in cls.__mro__
        if type(base) is type and base is not object
        for name in RULES
    )


def _overridden(cls: type, name: str) -> bool:
    root = next((b for b in cls.__mro__ if b.__dict__.get("_is_root", False)), None)
    for base in cls.__mro__:
        if name in base.__dict__:
            # The root of the hierarchy only documents the methods; to name its own
            # (`setup_context = Function.setup_context`) is to have none.
            return base is not root and not _is_roots(base.__dict__[name], root)
    return False


def _is_roots(value: Any, root: Any) -> bool:
    plain = getattr(value, "__func__", value)
    return any(
        plain is getattr(own, "__func__", None)
        for own in getattr(root, "__dict__", {}).values()
        if isinstance(own, staticmethod)
    )


def check_forward(cls: Any) -> Callable[..., Any]:
    """The class's forward, if it can be called as a static method.

    Returns:
        The function, with its context parameter if it has one.

    Raises:
        MissingForwardError: there is none.
        FunctionDefinitionError: it takes `self`, or `ctx` beside a setup_context.
    """
    name = cls.__name__
    if not cls._style.has_forward:
        raise MissingForwardError(
            f"{name} has no `forward`, so it can't be applied.\n"
            "  Expected a staticmethod forward(ctx, *args), or forward(*args) with "
            "setup_context(ctx, inputs, output); got neither.\n"
            f"  Define it on {name}."
        )
    first = next(iter(inspect.signature(cls.forward).parameters), "")
    written = inspect.getattr_static(cls, "forward")
    if first == "self" and not isinstance(written, staticmethod | classmethod):
        raise FunctionDefinitionError(
            f"{name}.forward is not static: its first parameter is `self`.\n"
            "  Expected forward(ctx, *args); got an instance method.\n"
            "  Put @staticmethod above it and name the context `ctx`."
        )
    if cls._style.setup and first == "ctx":
        raise FunctionDefinitionError(
            f"{name} defines setup_context, and its forward takes `ctx` too.\n"
            "  Expected forward(*args) beside setup_context(ctx, inputs, output); got "
            "forward(ctx, ...).\n"
            "  Remove `ctx` from forward, or remove setup_context and use ctx in "
            "forward."
        )
    return cls.forward
