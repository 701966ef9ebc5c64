"""`detect_anomaly`: which Function's gradient was the first to become NaN or Inf.

The switch is a user context of JAX, which is part of the key of `jax.jit`'s cache:
functions that were jitted before the block are traced again inside it. `apply` reads
it, so that everything that comes of an application made inside the block is watched,
wherever and whenever its backward runs.
"""

import contextlib
import functools
import itertools
import logging
import os
import sys
import threading
from collections.abc import Generator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import AnomalyError
from jaxgrad.function._finite import NAN, Question, badness, watch

if TYPE_CHECKING:
    from jaxgrad.function._application import Application
    from jaxgrad.function._snapshot import Snapshot
    from jaxgrad.function._spec import Spec


class Settings(NamedTuple):
    """What a block asks for; equal settings share compiled programs.

    Attributes:
        check_nan: whether gradients are looked at.
        desk: where compiled code reports. Threads that are in blocks at the same time
            have different ones; one thread has the same one again and again.
    """

    check_nan: bool
    desk: int


SWITCH = jax.make_user_context(None)  # Settings, or None outside every block


@contextlib.contextmanager
def detect_anomaly(check_nan: bool = True) -> Generator[None]:
    """Raise where a gradient first becomes NaN or Inf, naming the Function.

    Every Function that is applied inside is watched, eagerly and under every
    transformation; its backward may run later. Blamed is a Function whose cotangents
    were finite and whose gradient is not; the message names it, the line that applied
    it and the argument, and says which of its arguments, outputs and saved values were
    not finite already. A decorator too. Outside it costs nothing; inside, programs are
    compiled anew, and each Function's backward waits for the host. Under `vmap`, both
    branches of a `cond` are computed, and both are watched.

    Args:
        check_nan: False to look at no gradient; an exception in a backward then still
            gets a note that says where the Function was applied.

    Yields:
        Nothing.

    Raises:
        AnomalyError: from backward where it runs eagerly. Compiled code fails with a
            `jax.errors.JaxRuntimeError` that holds the same text, which the end of the
            block, having waited for what was dispatched, makes an AnomalyError. A
            program on several devices runs on, as none of them may fail alone, and so
            does one where something else than a Function made the NaN: the end of the
            block raises (after it, a logger named `jaxgrad` has the text).

    Example:
        >>> import jax, jax.numpy as jnp, jaxgrad
        >>> class Root(jaxgrad.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return jnp.sqrt(x)
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return grad / (2 * jnp.sqrt(x))
        >>> with jaxgrad.detect_anomaly():
        ...     jax.grad(Root.apply)(0.0)
        Traceback (most recent call last):
        jaxgrad.errors.AnomalyError: Root.backward made Inf in the gradient of 'x'...
    """
    outer = SWITCH.value
    with _DESKS.opened(None if outer is None else outer.desk) as (desk, block):
        with SWITCH(Settings(bool(check_nan), desk)):
            try:
                yield
                jax.effects_barrier()
            except AnomalyError:
                raise
            except Exception as error:
                if block.found is None:
                    raise
                raise AnomalyError(block.found) from error
        if block.found is not None:
            raise AnomalyError(block.found)


class _Block:
    """A block that is open."""

    def __init__(self) -> None:
        self.made: str | None = None  # the first finding that blames a Function
        self.passed: str | None = None  # the first that doesn't

    @property
    def found(self) -> str | None:
        return self.made or self.passed


class _Desks:
    """What compiled code finds, on threads of its own, goes to the block it is for."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[_Block]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def opened(self, desk: int | None) -> Generator[tuple[int, _Block]]:
        """A new block at `desk`, or at the first free one."""
        block = _Block()
        with self._lock:
            if desk is None:
                desk = next(i for i in itertools.count() if i not in self._blocks)
            self._blocks.setdefault(desk, []).append(block)
        try:
            yield desk, block
        finally:
            with self._lock:
                self._blocks[desk].remove(block)
                if not self._blocks[desk]:
                    del self._blocks[desk]

    def tell(self, desk: int, text: str, made: bool, alone: bool) -> None:
        """Report what compiled code found: to the open block, and by raising.

        What was only passed on does not raise while there is a block: whoever made it
        may be about to be found, by a callback that runs at the same time.

        Raises:
            AnomalyError: the program may fail, as it runs on one device.
        """
        with self._lock:
            blocks = self._blocks.get(desk, [])
            if blocks and made:
                blocks[-1].made = blocks[-1].made or text
            elif blocks:
                blocks[-1].passed = blocks[-1].passed or text
        if alone and (made or not blocks):
            raise AnomalyError(text)
        if not blocks:
            _LOGGER.error("%s", text)


_LOGGER = logging.getLogger("jaxgrad")
_DESKS = _Desks()


# --- one application ------------------------------------------------------------------


def watched(spec: "Spec") -> "Spec":
    """A Spec for one call, made inside a block, that knows the line of the call."""
    return spec.watched_by(Watch(_apply_line(), SWITCH.value))


_INNER = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep
    for path in (jax.__file__, os.path.dirname(__file__))
)
_WRAPPERS = (contextlib.__file__, functools.__file__)


def _apply_line() -> str:
    """`FILE:LINE` of the innermost frame that is neither the library's nor JAX's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_INNER) and name not in _WRAPPERS:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


class Watch:
    """How one application is watched; part of its Spec, and holds no array."""

    def __init__(self, line: str, settings: Settings) -> None:
        """Of the application at `line`."""
        self.line = line
        self.check_nan = settings.check_nan
        self.desk = settings.desk

    def forward(
        self,
        snapshot: "Snapshot",
        ends: Sequence[Any],
        mids: Sequence[Any],
        aux: list[Any],
    ) -> None:
        """Add one more residual: which values of forward were not finite, `i8[n]`.

        Args:
            snapshot: where the residuals come from; changed.
            ends: the inputs and the outputs.
            mids: the saved values that are neither, with a tangent.
            aux: those without; changed.
        """
        if self.check_nan:
            aux.append(_stack([*ends, *mids, *aux]))
            snapshot.sources.append(("aux", len(aux) - 1))

    @contextlib.contextmanager
    def noting(self, owner: str) -> Generator[None]:
        """Say in an exception from backward where the Function was applied."""
        try:
            yield
        except AnomalyError:
            raise
        except Exception as error:
            error.add_note(f"{owner} was applied at {self.line}.")
            raise

    def check(
        self,
        app: "Application",
        residuals: Sequence[Any],
        cotangents: Sequence[Any],
        gradients: list[Any],
    ) -> list[Any]:
        """`gradients`, which are not there before they have been found finite.

        Args:
            app: the application.
            residuals: as `Application.keep` gives them.
            cotangents: one for each output, or None.
            gradients: one for each input, or None.

        Returns:
            The gradients.
        """
        moving = [i for i, g in enumerate(gradients) if g is not None]
        if not moving or not self.check_nan:
            return gradients
        plain = app.plain(residuals)
        given = [i for i, c in enumerate(cotangents) if c is not None]
        report = _Report(app, self, moving, given)
        values = [*(cotangents[i] for i in given), plain[-1]]
        question = Question(app.spec.owner, report.codes, report.answer)
        checked = watch(question, values, [gradients[i] for i in moving])
        out = list(gradients)
        for i, gradient in zip(moving, checked, strict=True):
            out[i] = gradient
        return out


class _Report:
    """What is asked of the gradients of one application, and what is said of them.

    The codes are those of the gradients that backward made bad, of those that it passed
    on, of the cotangents, and of the values of forward; the last two only where they
    matter. It holds names alone, so that a compiled program keeps no class.
    """

    def __init__(
        self, app: "Application", watch: Watch, moving: list[int], given: list[int]
    ) -> None:
        path = app.spec.array_path
        arguments = [repr(path(i)) for i in range(len(app.avals))]
        outputs = ["the output"]
        if len(app.out_avals) > 1:
            outputs = [f"output {i}" for i in range(len(app.out_avals))]
        self.owner, self.line, self.desk = app.spec.owner, watch.line, watch.desk
        self.gradients = [arguments[i] for i in moving]
        self.cotangents = [f"that of {outputs[i]}" for i in given]
        self.values = _value_names(app, arguments, outputs)

    def codes(self, values: Sequence[Any], gradients: Sequence[Any]) -> jax.Array:
        """`i8[n]` for one example; see `Question`."""
        *cotangents, forward = values
        bad, coming = _stack(gradients), _stack(cotangents)
        came = (coming > 0).any()
        made, passed = jnp.where(came, 0, bad), jnp.where(came, bad, 0)
        coming = jnp.where((passed > 0).any(), coming, 0)
        forward = jnp.where((made > 0).any(), forward, 0)
        return jnp.concatenate([made, passed, coming, forward])

    def answer(self, codes: np.ndarray, compiled: bool, alone: bool) -> None:
        """Report what was found, if anything.

        Raises:
            AnomalyError: something was found, and code runs eagerly or may fail.
        """
        if not codes.any():
            return
        text = self.text(codes)
        if not compiled:
            raise AnomalyError(text)
        _DESKS.tell(self.desk, text, bool(codes[: len(self.gradients)].any()), alone)

    def text(self, codes: np.ndarray) -> str:
        """The finding in words."""
        n = len(self.gradients)
        parts = np.split(codes, [n, 2 * n, 2 * n + len(self.cotangents)])
        names = (self.gradients, self.gradients, self.cotangents, self.values)
        made, passed, coming, forward = map(_bad, names, parts)
        (name, what), *_ = made or passed
        if not made:
            return (
                f"{self.owner}.backward passed on {what} in the gradient of {name}.\n"
                f"  {self.owner} was applied at {self.line}.\n"
                f"  Expected finite cotangents; got {_listed(coming)}.\n"
                "  What uses the result made it, and is no Function that was applied "
                "under detect_anomaly; jax.debug_nans finds it."
            )
        if forward:
            advice = f"Not finite before backward was called: {_listed(forward)}."
        else:
            advice = (
                "What forward was given, returned and saved was finite: look in "
                "backward for a division by zero, a root or a logarithm at zero, or an "
                "overflow."
            )
        return (
            f"{self.owner}.backward made {what} in the gradient of {name}.\n"
            f"  {self.owner} was applied at {self.line}.\n"
            "  Expected finite gradients, as the cotangents were finite; got "
            f"{_listed(made)}.\n  {advice}"
        )


def _value_names(
    app: "Application", arguments: list[str], outputs: list[str]
) -> list[str]:
    """What to call the values of forward, in the order of `Watch.forward`."""
    saved: dict[Any, str] = dict(
        zip(app.snapshot.sources, app.snapshot.names(), strict=True)
    )
    differentiable = [i for i, d in enumerate(app.differentiable) if d]
    _, mids, aux = app.sizes
    found = [
        *((f"argument {name}", ("inputs", i)) for i, name in enumerate(arguments)),
        *(
            (name, ("outs", differentiable.index(i)) if i in differentiable else None)
            for i, name in enumerate(outputs)
        ),
        *(("", ("mids", i)) for i in range(mids)),
        *(("", ("aux", i)) for i in range(aux - 1)),
    ]
    names = []
    for name, source in found:
        kept = saved.get(source, "")
        names.append(f"{name} ({kept})" if name and kept else name or kept)
    return names


def _stack(values: Sequence[Any]) -> jax.Array:
    if not values:
        return jnp.zeros((0,), np.int8)
    return jnp.stack([badness(value) for value in values])


def _bad(names: Sequence[str], codes: np.ndarray) -> list[tuple[str, str]]:
    """The names whose code is not zero, and what they hold."""
    pairs = zip(names, codes, strict=False)
    return [(name, "NaN" if code == NAN else "Inf") for name, code in pairs if code]


def _listed(found: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{what} in {name}" for name, what in found)
