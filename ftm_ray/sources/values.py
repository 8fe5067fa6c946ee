"""Values of rows as sources give them: text, ids, whole numbers and gvkeys, or null where nothing is there.

Text is never guessed at: a ticker "NA" or "TRUE" stays a ticker. What is no text (a list, a truth value, bytes that
are not UTF-8) is never printed into one: it is refused by its name and type. Days and times: `days.py`.
"""

import ast
import math
import re
from decimal import Decimal
from typing import Any

from ftm_ray.errors import SourceError
from ftm_ray.text.sentences import INVISIBLE

#: How programs write "nothing is there" into text, in exactly these letters: NAN and NA are tickers.
_NOTHING = frozenset({"nan", "NaN", "None", "NULL", "null", "<NA>", "NaT", "#N/A", r"\N"})
#: Besides, where no ticker stands, in any letters: R writes NA, a spreadsheet its errors.
_NOTHING_SAID = frozenset(
    {word.casefold() for word in _NOTHING} | {"na", "n/a", "n.a.", "none", "#value!", "#ref!", "#name?", "#null!"}
)
_PRINTED_BYTES = re.compile(r"b'.*'|b\".*\"", re.DOTALL)  # b'AAA', as Python prints bytes into a CSV

#: 2.4937E+04: a spreadsheet's way to show a long number, whose last digits may be gone.
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[Ee]\+\d+")
_POINT_ZERO = re.compile(r"([0-9]+)\.0+")
_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")  # one half of an emoji, which UTF-8 cannot hold


def text_value(value: Any, where: str = "", column: str = "text") -> str | None:
    """What was said, or a name, as it stands; null where it is blank or a program's word for nothing.

    Half an emoji becomes U+FFFD, which the repair of texts takes out and counts.

    Raises:
        SourceError: It is a list, a number or the like.
    """
    text = _as_text(value, where, column)
    if text is None or not text.strip() or text.strip().casefold() in _NOTHING_SAID:
        return None
    return text


def name_value(value: Any, where: str = "", column: str = "name") -> str | None:
    """A name, a role or a section: text, or a whole number as some sources count their speakers; "--" is none.

    Raises:
        SourceError: It is a list or the like.
    """
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    text = text_value(id_value(value, where, column) if is_number else value, where, column)
    if text is not None and not (text.isascii() and text.isprintable()):
        text = text_value(INVISIBLE.sub("", text).replace("\ufffd", " "), where, column)
    return " ".join(text.split()) if text and any(map(str.isalnum, text)) else None


def id_value(value: Any, where: str = "", column: str = "id") -> str | None:
    """An identifier as text; 24937.0, as pandas writes a number beside gaps, is 24937, as text, too.

    Raises:
        SourceError: It is a list, a truth value or the like.
    """
    if isinstance(value, float | Decimal):
        return None if not math.isfinite(value) else str(int(value)) if value % 1 == 0 else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = INVISIBLE.sub("", _as_text(value, where, column) or "").strip().removeprefix("'")  # '001690 of spreadsheets
    if not text or text in _NOTHING:
        return None
    if _SCIENTIFIC.fullmatch(text):
        raise SourceError(
            f"{where}: {column} is {text!r}, a number whose last digits a spreadsheet may have left out; write the "
            "column as text"
        )
    whole = _POINT_ZERO.fullmatch(text)
    return whole[1] if whole else text


def integer_value(value: Any, where: str, column: str) -> int | None:
    """A whole number.

    Raises:
        SourceError: There is a value and it is none.
    """
    text = id_value(value, where, column)
    if text is None or text == "NA":
        return None
    if not text.isdecimal():
        raise SourceError(f"{where}: {column} is {text!r}, expected a whole number; repair or empty the cell")
    return int(text)


def gvkey_value(value: Any, where: str = "", column: str = "gvkey") -> str | None:
    """A gvkey with its leading zeros, which spreadsheets lose: 1690 is 001690."""
    text = id_value(value, where, column)
    return text.zfill(6) if text and text.isdecimal() else text


def kind_name(value: Any) -> str:
    """What a value is, for a person: 'a list', 'a number'."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, bytes):
        return "bytes"
    names: dict[type, str] = {list: "a list", dict: "an object (struct)", tuple: "a pair", str: "a text"}
    return names.get(type(value), type(value).__name__)


def _as_text(value: Any, where: str, column: str) -> str | None:
    if value is None or value != value:  # NaN is unequal to itself
        return None
    if isinstance(value, str) and value[:2] in ("b'", 'b"') and _PRINTED_BYTES.fullmatch(value.strip()):
        value = _unprinted_bytes(value.strip(), where, column)
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{where}: {column} holds bytes that are not UTF-8 ({error}); write the column as text"
            ) from error
    if not isinstance(value, str):
        raise SourceError(f"{where}: {column} holds {kind_name(value)}, expected text; write the column as text")
    return value if value.isascii() else _HALF_CHARACTERS.sub("\ufffd", value)


def _unprinted_bytes(text: str, where: str, column: str) -> bytes:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise SourceError(
            f"{where}: {column} holds the print of bytes ({text[:40]!r}...), which cannot be read back; write the "
            "column as text"
        ) from error
    return value if isinstance(value, bytes) else text.encode()
