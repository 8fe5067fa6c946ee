"""What is printed: text of calls, files and models may hold codes that a terminal obeys, and none of them gets there.

A code that moves the cursor, clears the window or turns the direction of text round is shown as a sign instead. All
that `ftm` prints goes through this file: screens through `SafeConsole` (shapes.py), lines through `echo`.
"""

import click

#: Signs that leave each other in order, so that a text stays as long as it was: Unicode's pictures of control codes
#: for the first 32 and DEL, and the sign for what cannot be shown for all others.
_SHOWN = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}
_SHOWN |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")  # of these, 0x9b begins a code as Escape and [ do
_SHOWN |= dict.fromkeys((0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")  # direction
_SHOWN |= dict.fromkeys((0x2028, 0x2029), " ")  # other ends of lines


def visible(text: str) -> str:
    """The text with a sign in place of each code that a terminal would obey; ends of lines and tabs stay."""
    return text.translate(_SHOWN)


def visible_json(text: str) -> str:
    r"""JSON with such codes written as \uXXXX, which readers of JSON turn back: nothing of the value is changed."""
    return text.translate({code: f"\\u{code:04x}" for code in _SHOWN})


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a line that may hold text of others.

    Args:
        text: Without its end of line.
        err: To standard error.
        nl: Whether an end of line follows.
    """
    click.echo(visible(text), err=err, nl=nl)
