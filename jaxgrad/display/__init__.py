"""Pictures of Functions and programs, as plain text.

- `show_text(cls, args, kwargs)`: one Function's residuals, jaxprs and lowered text.
"""

from jaxgrad.display._show import show_text as show_text
