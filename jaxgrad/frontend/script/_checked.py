"""`CheckedError`, which `errors="return"` gives."""

from jaxgrad.lower.script._checked import CheckedError as CheckedError
