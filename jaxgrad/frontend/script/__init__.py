"""`script`, and the objects that it makes."""

from jaxgrad.frontend.script._function import ScriptFunction as ScriptFunction
from jaxgrad.frontend.script._script import script as script
from jaxgrad.frontend.script._marks import loop as loop
