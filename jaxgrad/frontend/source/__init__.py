"""Where source comes from: finding it, parsing it, and typed views of it.

- `source_of`: the parsed source of a function, a lambda, a method or a class;
- `parse_text`: source that comes as a string; `range_of`: where a node stands;
- `check`: refuses what script's language leaves out;
- `script_error`: an error that Python draws with the line and carets;
- `trees`: typed views of parsed source.
"""

from jaxgrad.frontend.source._errors import script_error as script_error
from jaxgrad.frontend.source._files import file_of as file_of
from jaxgrad.frontend.source._find import Source as Source
from jaxgrad.frontend.source._find import range_of as range_of
from jaxgrad.frontend.source._find import source_of as source_of
from jaxgrad.frontend.source._given import parse_text as parse_text
from jaxgrad.frontend.source._supported import check as check
from jaxgrad.frontend.source._supported import unsupported as unsupported

__all__ = [
    "Source",
    "check",
    "file_of",
    "parse_text",
    "range_of",
    "script_error",
    "source_of",
    "unsupported",
]
