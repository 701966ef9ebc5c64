"""`LoadedProgram`: one exported program, made a Function whose backward is the next.

- `LoadedProgram(...)`: level `k` of a saved function, with level `k + 1`.
- `.function`: the `Function` that applies it to flat arguments.
- `.compile(shapes)`: compiles it for the platform here; the calls use what that made.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.export import Exported

from jaxgrad import _compat
from jaxgrad.errors import BackendError, LoopGradientError, SavedFileError, VmapError
from jaxgrad.function import Function
from jaxgrad.lower._levels import is_inexact


class LoadedProgram:
    """One level of a saved function.

    Attributes:
        name: of the saved function.
        exported: what JAX read.
        following: the next level, None where the file has no more.
        vjp_order: how many derivatives the file was saved with.
        refused: why there is no next level, where the function itself refuses it.
        jitted: the program as a jitted function of flat arguments.
    """

    def __init__(
        self,
        name: str,
        exported: Exported,
        following: "LoadedProgram | None",
        vjp_order: int,
        refused: str = "",
    ) -> None:
        """Take what JAX read; nothing is compiled yet."""
        self.name = name
        self.exported = exported
        self.following = following
        self.vjp_order = vjp_order
        self.refused = refused

        def flat(*leaves: Any) -> list[Any]:
            args, _ = jax.tree.unflatten(exported.in_tree, leaves)
            return jax.tree.leaves(exported.call(*args))

        flat.__name__ = flat.__qualname__ = exported.fun_name
        self.jitted = jax.jit(flat)

    @property
    def runs_here(self) -> bool:
        """Whether the default platform here is one of the program's."""
        is_known = jax.export.default_export_platform() in self.exported.platforms
        return is_known and self.exported.nr_devices <= jax.device_count()

    def compile(self, shapes: Sequence[Sequence[int]]) -> None:
        """Compile the program, if it can run here; else read it at least.

        Args:
            shapes: one for each argument; none at all where no shape is known.
        """
        if not self.runs_here or len(shapes) != len(self.exported.in_avals):
            # An operation that this JAX doesn't know is found so too.
            self.exported.mlir_module()
            return
        structs = [
            jax.ShapeDtypeStruct(tuple(shape), aval.dtype, sharding=self._sharding())
            for shape, aval in zip(shapes, self.exported.in_avals, strict=True)
        ]
        # JAX keeps what is compiled so, and calls of `jitted` find it.
        self.jitted.lower(*structs).compile()

    def run(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs of the program, flat.

        Args:
            leaves: its flat arguments.

        Returns:
            One array for each output.

        Raises:
            BackendError: the arguments are on a platform that the file is not for, or
                there are too few devices.
        """
        if not any(isinstance(leaf, _compat.Tracer) for leaf in leaves):
            self._check_devices(leaves)
            if self.exported.nr_devices > 1:
                leaves = [self._placed(leaf) for leaf in leaves]
        return tuple(self.jitted(*leaves))

    def pull(self, leaves: Sequence[Any], cotangents: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients of the flat arguments, by the next level.

        Args:
            leaves: the flat arguments.
            cotangents: one for each output.

        Returns:
            One gradient for each argument, None for what has none.

        Raises:
            SavedFileError: the file has no further level.
            LoopGradientError: the function that was saved has no gradient.
        """
        if self.following is None and self.refused:
            raise LoopGradientError(self.refused)
        if self.following is None:
            order = self.vjp_order
            raise SavedFileError(
                f"{self.name} was saved with vjp_order={order}, and its derivative of "
                f"order {order + 1} is asked for.\n"
                f"  Expected at most {order} reverse-mode derivatives of each other; "
                f"got {order + 1}.\n"
                f"  Save it again with vjp_order={order + 1}."
            )
        pairs = zip(cotangents, self.exported.out_avals, strict=True)
        given = [cotangent for cotangent, aval in pairs if is_inexact(aval)]
        found = iter(self.following.function.apply(*leaves, *given))
        avals = self.exported.in_avals
        return tuple(next(found) if is_inexact(aval) else None for aval in avals)

    @functools.cached_property
    def function(self) -> type[Function]:
        """The program as a Function: under every transform its backward answers."""
        program = self

        class Saved(Function):
            """A program that was read from a file."""

            # `run` is compiled already.
            jit = False
            complex_convention = "jax"

            @staticmethod
            def forward(*leaves: Any) -> Any:
                return program.run(leaves)

            @staticmethod
            def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx: Any, *cotangents: Any) -> Any:
                return program.pull(ctx.saved_tensors, cotangents)

            @staticmethod
            def vmap(*_: Any) -> Any:
                raise VmapError(
                    f"{program.name} was read from a file, and JAX can't batch what "
                    "was exported.\n"
                    "  Expected one example at a time; got a batch (vmap, jacrev, "
                    "jacfwd or hessian).\n"
                    "  Save the function of a batch instead: trace jax.vmap of it, for "
                    "a symbolic batch dimension (jax.export.symbolic_shape) where the "
                    "size is not known; or use jax.lax.map."
                )

        Saved.__name__ = Saved.__qualname__ = self.exported.fun_name
        return Saved

    # --- devices ----------------------------------------------------------------------

    def _check_devices(self, leaves: Sequence[Any]) -> None:
        platform, exported = _platform(leaves), self.exported
        if platform not in exported.platforms:
            raise BackendError(
                f"{self.name} can't run on {platform}.\n"
                f"  Expected a platform that it was saved for, of "
                f"{', '.join(exported.platforms)}; got {platform}.\n"
                f'  Run it there, or save it again with platforms=("{platform}", ...).'
            )
        if exported.nr_devices > jax.device_count():
            raise BackendError(
                f"{self.name} was saved for {exported.nr_devices} devices.\n"
                f"  Expected as many; got {jax.device_count()}.\n"
                "  Run it where there are enough."
            )

    def _sharding(self) -> jax.sharding.NamedSharding | None:
        """Copies on as many devices as the program is for, if they are several."""
        count = self.exported.nr_devices
        if count == 1:
            return None
        mesh = jax.sharding.Mesh(np.array(jax.devices()[:count]), ("devices",))
        return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())

    def _placed(self, leaf: Any) -> Any:
        count = self.exported.nr_devices
        is_there = isinstance(leaf, jax.Array) and len(leaf.devices()) == count
        return leaf if is_there else jax.device_put(leaf, self._sharding())


def _platform(leaves: Sequence[Any]) -> str:
    """The platform that arguments are on, as `jax.export` calls it."""
    default = jax.export.default_export_platform()
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array)]
    if not arrays:
        return default
    found = next(iter(arrays[0].devices())).platform
    return default if found in ("gpu", jax.default_backend()) else found
