"""Every error that jaxgrad raises on purpose.

    JaxgradError
    ├── FunctionDefinitionError     the class is not a legal Function (TypeError)
    │   ├── MissingForwardError     no `forward` (NotImplementedError)
    │   └── InstanceCallError       a Function instance was called (RuntimeError)
    ├── ArgumentError               arguments that `forward` can't take (TypeError)
    ├── OutputError                 outputs that can't be returned (TypeError)
    ├── ContextError                a misuse of `ctx` (RuntimeError, TypeError)
    │   ├── ContextAttributeError   an attribute that ctx has not (AttributeError)
    │   └── DirtyError              what `mark_dirty` can't mark
    ├── RefError                    a misused `jax.Ref` (TypeError, ValueError)
    ├── HookError                   a misuse of hooks (RuntimeError, TypeError)
    ├── ClosureError                a differentiated value is closed over (TypeError)
    ├── StaticMutationError         a static argument was changed (RuntimeError)
    ├── BackwardError               what `backward` returned, or can't do (RuntimeError)
    │   ├── MissingBackwardError    no `backward` or `vjp` (NotImplementedError)
    │   ├── GradientCountError      wrong number of gradients (ValueError, TypeError)
    │   ├── GradientShapeError      wrong shape (ValueError)
    │   ├── GradientTypeError       wrong dtype, or not an array (TypeError)
    │   ├── GradientStructureError  wrong container (TypeError, ValueError)
    │   ├── NonLinearBackwardError  not linear where linearity is needed (ValueError)
    │   ├── CollectiveError         it sums over devices by hand
    │   ├── IntermediateDerivativeError  a saved intermediate has no derivative
    │   └── OnceDifferentiableError a second derivative of a once-differentiable rule
    ├── ForwardModeError            forward mode without a rule (TypeError)
    ├── TangentError                what `jvp` returned (ValueError, TypeError)
    ├── VmapError                   what `vmap` returned, or can't do (RuntimeError)
    ├── AnomalyError                a gradient became NaN or Inf (FloatingPointError)
    ├── CheckError                  a check did not pass (AssertionError)
    ├── GradcheckError              gradcheck found a wrong derivative (RuntimeError)
    ├── GradcheckOptionError        gradcheck can't check that (ValueError)
    ├── GraphError                  a graph that is not legal, or misused (RuntimeError)
    │   ├── ParseError              text that is no graph (SyntaxError)
    │   ├── AttributeKindError      an attribute of another kind (TypeError)
    │   └── LoweringError           a node that can't be run (TypeError, ValueError)
    ├── TraceError                  what can't be traced, or differs (RuntimeError)
    ├── ScriptError                 source that can't be compiled (SyntaxError)
    │   └── LoopGradientError       a `while` has no reverse-mode gradient (ValueError)
    ├── ModuleError                 an object that can't do that (RuntimeError)
    │   └── AttributeWriteError     a constant, or of another type (TypeError)
    ├── MaxStepsError               a loop went on after `max_steps` (RuntimeError)
    ├── ContainerTypeError          an element of another type than others (TypeError)
    │   └── KeyTypeError            a key of another type (KeyError)
    ├── TapeError                   a misuse of a recorded tape (RuntimeError)
    ├── SavedFileError              a file that can't be saved or loaded (ValueError)
    ├── BackendError                a backend that can't do that (RuntimeError)
    ├── CommandError                a command line that can't be run (ValueError)
    └── MissingExtraError           an optional package is not installed (ImportError)

    JaxgradWarning                  a UserWarning

Each also derives from the builtin that users of torch or of JAX would catch. Exceptions
that a user's own `forward` or `backward` raises pass through unchanged.
"""


class JaxgradError(Exception):
    """Base of every error that jaxgrad raises on purpose."""


class FunctionDefinitionError(JaxgradError, TypeError):
    """The class is not a legal Function; the message says which part, and a way out."""


class MissingForwardError(FunctionDefinitionError, NotImplementedError):
    """`apply` was called on a class without a `forward`."""


class InstanceCallError(FunctionDefinitionError, RuntimeError):
    """An instance of a Function was called; Functions are applied through the class."""


class ArgumentError(JaxgradError, TypeError):
    """The arguments of `apply` don't fit the signature of `forward`."""


class OutputError(JaxgradError, TypeError):
    """`forward` returned something that can't be an output."""


class ContextError(JaxgradError, RuntimeError, TypeError):
    """`ctx` was used in the wrong place, or given something that it can't hold."""


class ContextAttributeError(ContextError, AttributeError):
    """An attribute of torch's context, or of nobody's, that `ctx` has not."""


class HookError(JaxgradError, RuntimeError, TypeError):
    """Saved-tensor hooks where none may be, or hooks that gave something unusable."""


class DirtyError(ContextError):
    """`mark_dirty` was given what is no argument, or has no new value."""


class RefError(JaxgradError, TypeError, ValueError):
    """A `jax.Ref` was returned, saved, closed over or differentiated."""


class ClosureError(JaxgradError, TypeError):
    """A value that `forward` or `backward` closes over is being differentiated."""


class StaticMutationError(JaxgradError, RuntimeError):
    """A static argument was changed between forward and backward."""


class BackwardError(JaxgradError, RuntimeError):
    """Base of the errors about what `backward` returned, or can't do."""


class MissingBackwardError(BackwardError, NotImplementedError):
    """Reverse mode reached a class without `backward`, `vjp` or `jvp`."""


class GradientCountError(BackwardError, ValueError, TypeError):
    """`backward` returned the wrong number of gradients."""


class GradientShapeError(BackwardError, ValueError):
    """A gradient can't be summed to the shape of its argument."""


class GradientTypeError(BackwardError, TypeError):
    """A gradient has a dtype that can't be cast, or is not an array at all."""


class GradientStructureError(BackwardError, TypeError, ValueError):
    """The gradient of a container argument has another structure than the argument."""


class NonLinearBackwardError(BackwardError, ValueError):
    """`backward` is not linear in the cotangents where a JVP is derived from it."""


class CollectiveError(BackwardError, ValueError):
    """`backward` sums a gradient over devices that the library sums too."""


class IntermediateDerivativeError(BackwardError, NotImplementedError):
    """A second derivative needs that of a saved intermediate, which JAX can't give."""


class OnceDifferentiableError(BackwardError):
    """A second derivative of a rule that is marked `once_differentiable`."""


class ForwardModeError(JaxgradError, TypeError):
    """Forward mode reached a class that has no forward-mode rule."""


class TangentError(JaxgradError, ValueError, TypeError):
    """`jvp` returned tangents of the wrong count, structure, shape or dtype."""


class VmapError(JaxgradError, RuntimeError, ValueError, IndexError):
    """What `vmap` returned doesn't fit forward, or the rule can't be used."""


class AnomalyError(JaxgradError, FloatingPointError):
    """A gradient became NaN or Inf under `detect_anomaly`."""


class CheckError(JaxgradError, AssertionError):
    """A check of a Function did not pass."""


class GradcheckError(JaxgradError, RuntimeError):
    """A derivative is not what `gradcheck` expects; the message says which element."""


class GradcheckOptionError(JaxgradError, ValueError, AssertionError):
    """Options of `gradcheck` that contradict each other, or inputs it can't check."""


class GraphError(JaxgradError, RuntimeError):
    """A graph that breaks a rule of its form, or something destroyed that is used."""


class ParseError(SyntaxError, GraphError):
    """Text that is not a graph; the message holds the line and a caret."""


class AttributeKindError(GraphError, TypeError):
    """A value that an attribute of that kind can't hold."""


class LoweringError(GraphError, TypeError, ValueError):
    """A node that can't be run on the values it is given."""


class TraceError(JaxgradError, RuntimeError):
    """A callable that can't be traced, or that traces otherwise on other inputs."""


class ScriptError(JaxgradError, SyntaxError):
    """Source that can't be compiled; Python draws the line with a caret under it."""


class LoopGradientError(ScriptError, ValueError):
    """Reverse mode reached a `while` whose number of steps has no bound."""


class MaxStepsError(JaxgradError, RuntimeError):
    """A loop was not done after its `max_steps`."""


class ModuleError(JaxgradError, RuntimeError):
    """A module or script object is misused, or given a state that doesn't fit."""


class AttributeWriteError(ModuleError, TypeError):
    """An attribute of a script object is a constant, or of another type."""


class ContainerTypeError(JaxgradError, TypeError):
    """An element of another type than those of the `ScriptList` or `ScriptDict`."""


class KeyTypeError(ContainerTypeError, KeyError):
    """A key of another type than those of the `ScriptDict`."""

    __str__ = Exception.__str__  # KeyError's is the repr, in which lines don't break


class TapeError(JaxgradError, RuntimeError):
    """A misuse of a recorded tape: saved values freed, an edge that is not on it."""


class SavedFileError(JaxgradError, ValueError):
    """A saved file that is truncated, changed, foreign, too new, or can't run here."""


class BackendError(JaxgradError, RuntimeError):
    """An unknown backend, one that is not available here, or a misuse of one."""


class CommandError(JaxgradError, ValueError):
    """A command line that can't be run; the message says which argument and why."""


class MissingExtraError(JaxgradError, ImportError):
    """An optional package is missing; the message holds the pip command."""


class JaxgradWarning(UserWarning):
    """Something works, but more slowly or otherwise than the user would expect."""
