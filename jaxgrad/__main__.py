"""The command line of jaxgrad: `python -m jaxgrad COMMAND`, or `jaxgrad COMMAND`.

- `tour`: four published Functions, checked, trained, measured, in under a minute.
- `show FILE.py:Class SPEC...`: the residuals, jaxprs and lowered text of one Function.
- `check FILE.py:Class SPEC...`: the transform matrix on one Function.

Results go to stdout as plain text, talk to stderr. The exit status is 0 if all is well,
1 if a check failed, and 2 if the command can't be run as it was given.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable

import jax

from jaxgrad._specs import load_class, needs_x64, parse_specs
from jaxgrad._text import Progress
from jaxgrad.errors import (
    ArgumentError,
    BackendError,
    CommandError,
    JaxgradError,
    MissingExtraError,
)

_SPECS = """\
A SPEC is one argument of the Function's forward:
  f32[128,64]   an array with random values (f16 bf16 f32 f64 c64 c128 u8 s32 bool ...)
  f32[]         a scalar array
  key[]         a PRNG key
  3  None       a Python literal; a string needs its own quotes: "'mean'"
  axis=-1       any of these by keyword
"""


def main(argv: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments after the program's name, those of the process by default.

    Returns:
        The exit status: 0 fine, 1 a check failed, 2 a usage error or a missing extra.

    Example:
        >>> main(["check", "no_such_file.py:Swish", "f32[8]"])
        2
    """
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader, `head` say, has seen enough; what is left has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except (ArgumentError, CommandError, MissingExtraError) as error:
        return _complain(error, status=2)
    except JaxgradError as error:
        return _complain(error, status=1)


def _complain(error: JaxgradError, status: int) -> int:
    print(f"jaxgrad: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxgrad", description="PyTorch-style custom functions for JAX."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    tour = commands.add_parser(
        "tour", help="check, train and measure four published Functions"
    )
    tour.set_defaults(command=_tour)
    show = _add(
        commands,
        "show",
        "print one Function's residuals, jaxprs and lowered text",
        _show,
    )
    show.add_argument(
        "--packer",
        metavar="NAME",
        help="with saved tensors packed by bfloat16, int8 or bitmask",
    )
    show.add_argument(
        "--target",
        dest="compile_for",
        metavar="TARGET",
        help="and what it costs when compiled for cpu, gpu, tpu, or a TPU that is not "
        "here, such as tpu:v5e:2x2",
    )
    show.add_argument(
        "--shard",
        metavar="AXIS",
        help="with the leading axes split over all devices of TARGET",
    )
    check = _add(commands, "check", "run the transform matrix on one Function", _check)
    check.add_argument(
        "--cells",
        nargs="+",
        metavar="NAME",
        help="run these transforms only, such as 'grad' 'jit(grad)'",
    )
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    purpose: str,
    command: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=_SPECS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", metavar="FILE.py:Class", help="or package.module:Class"
    )
    parser.add_argument(
        "specs", metavar="SPEC", nargs="*", help="such as 'f32[128,64]'"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random values")
    parser.set_defaults(command=command)
    return parser


def _tour(options: argparse.Namespace) -> int:
    from jaxgrad import tour

    _ask_for_devices()
    return tour.run()


def _show(options: argparse.Namespace) -> int:
    from jaxgrad.display import show_text

    target, shard = options.compile_for, options.shard
    _check_target(target, shard)
    with _precision(options.specs), _packed(options.packer):
        cls = load_class(options.target)
        args, kwargs = parse_specs(options.specs, options.seed)
        print(show_text(cls, args, kwargs, target=target, shard=shard))
    return 0


def _check_target(target: str | None, shard: str | None) -> None:
    """Refuses a target before anything is run for it."""
    from jaxgrad.lower._targets import devices_of, parse_target

    if target is None:
        if shard is not None:
            raise CommandError("--shard: needs --target, whose devices it splits over")
        return
    try:
        devices_of(parse_target(target))
    except BackendError as error:
        raise CommandError(f"--target: {error}") from error


def _check(options: argparse.Namespace) -> int:
    from jaxgrad.verify import cell_names, check_function

    known = cell_names()
    cells = known if options.cells is None else options.cells
    for name in cells:
        if name not in known:
            names = ", ".join(map(repr, known))
            raise CommandError(f"--cells: no transform {name!r}; there are {names}")
    _ask_for_devices()
    with _precision(options.specs):
        cls = load_class(options.target)
        args, kwargs = parse_specs(options.specs, options.seed)
        with Progress("checking", total=len(cells)) as progress:
            report = check_function(
                cls, *args, cells=cells, progress=progress.step, **kwargs
            )
    print(report)
    return 0 if report.ok else 1


def _packed(name: str | None) -> contextlib.AbstractContextManager[object]:
    from jaxgrad.function import packers, saved_tensors_hooks

    if name is None:
        return contextlib.nullcontext()
    known = [n for n in packers.__all__ if n != "Packer"]
    if name not in known:
        raise CommandError(f"--packer: no packer {name!r}; there are {known}")
    return saved_tensors_hooks(getattr(packers, name))


def _ask_for_devices() -> None:
    """Has the CPU pass for two devices: cells across devices need some to cross."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "device_count" in flags or "JAX_NUM_CPU_DEVICES" in os.environ:
        return
    with contextlib.suppress(RuntimeError):  # JAX is in use already: as it is, then
        jax.config.update("jax_num_cpu_devices", 2)


def _precision(specs: list[str]) -> contextlib.AbstractContextManager[object]:
    if not needs_x64(specs):
        return contextlib.nullcontext()
    print("jaxgrad: 64-bit values are asked for: x64 is on", file=sys.stderr)
    return jax.enable_x64(True)


if __name__ == "__main__":
    sys.exit(main())
