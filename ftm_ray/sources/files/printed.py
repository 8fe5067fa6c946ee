"""The print of a list or an object in a cell of text, as programs write it into CSV: read back, or refused.

JSON and Python's own print are read back; numpy's too, which puts no comma between its items. What is recognised and
cannot be read back (`array(...)`, `OrderedDict(...)`, `[object Object]`, a print that was cut) is refused: brackets,
field names and quotes would become sentences and keywords.
"""

import ast
import io
import json
import re
import tokenize
from typing import Any

from ftm_ray.errors import SourceError

#: A bracket, or several, and then a quote: [{"speaker": ..., ['...', [('Jane', ....
_LIST_OR_OBJECT = re.compile(
    r"\s*(?:[\[{]\s*(?:[\[({]\s*|\w+\(\s*[\[({]*)*(?:['\"]\S|\w+=['\"\[])|\[\s*\{\s*\}|\{\s*\})"
)
#: The name of a type before it: array(['...'], dtype=object), Row(speaker='...').
_TYPED = re.compile(
    r"\s*[\[(]*(?:array|OrderedDict|deque|Row|list|tuple|dict)\(\s*(?:[\[({]|\w+=).*[\])}]\s*", re.DOTALL
)
#: What JavaScript and Python print of an object that they cannot print.
_NOT_PRINTED = re.compile(r"\s*\[?\s*(?:\[object Object\]|<[\w.]+ object at 0x)")
_VALUE_ENDS, _VALUE_BEGINS = ("}", "]", ")"), ("{", "[", "(")


def is_printed(text: str) -> bool:
    """Whether a text begins like the print of a list or an object; "[Operator Instructions]" does not."""
    if text.lstrip()[:1] not in ("[", "{", "(", "a", "O", "d", "R", "l", "t", "<"):
        return False
    return any(form.match(text) for form in (_LIST_OR_OBJECT, _TYPED, _NOT_PRINTED))


def read_printed(text: str, where: str, column: str) -> Any:
    """What a list was before a program printed it.

    Args:
        text: A text for which `is_printed` holds.
        where: File and row, for messages.
        column: Name of the column, likewise.

    Raises:
        SourceError: It cannot be read back.
    """
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(_with_commas(text.strip().replace("\x00", "")))
        except (ValueError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError) as error:
            raise SourceError(
                f"{where}: {column} holds the print of a list or object ({text.strip()[:40]!r}...), which cannot be "
                "read back; write the column as text, or as JSON"
            ) from error


def _with_commas(text: str) -> str:
    """Put commas between items that stand side by side, which Python would join: ['We grew.' 'Margins fell.']."""
    pieces: list[str] = []
    ended = False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT):
            continue
        begins = token.type == tokenize.STRING or token.string in _VALUE_BEGINS
        pieces += [",", token.string] if ended and begins else [token.string]
        ended = token.type == tokenize.STRING or token.string in _VALUE_ENDS
    return " ".join(pieces)
