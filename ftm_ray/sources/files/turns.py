"""What one cell of text holds: a text, paragraphs, or the turns of a whole call one inside the other.

A list of objects with a known field of text becomes turns, a list of texts becomes paragraphs. Everything else that is
no text is refused by name and type: the print of an object is never taken for speech.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ftm_ray.errors import SourceError
from ftm_ray.sources.files.names import TURN_NAMES, first_known, normal_name
from ftm_ray.sources.files.printed import is_printed, read_printed
from ftm_ray.sources.values import kind_name, name_value, text_value

#: Fields of a speaker that is an object itself.
_PERSON_NAMES = {"speaker_name": ("name", "full_name", "speaker", "person"), "speaker_type": ("role", "title", "type")}


_FIRST_NAMES, _LAST_NAMES = ("first_name", "given_name", "forename"), ("last_name", "surname", "family_name")


@dataclass(frozen=True, slots=True)
class Said:
    """One piece of a call's text; speaker and section are null where the cell does not say."""

    text: str
    speaker_name: str | None = None
    speaker_type: str | None = None
    section: str | None = None


def said_in(value: Any, where: str, column: str) -> list[Said]:
    """The turns of a cell, in order; one where it is a text.

    Args:
        value: What stands in the column of text.
        where: File and row, for messages.
        column: Name of the column in the file, likewise.

    Raises:
        SourceError: It is no text, and neither paragraphs nor turns.
    """
    if isinstance(value, str) and is_printed(value):
        value = read_printed(value, where, column)
    if isinstance(value, list | dict):
        return list(_nested(value, where, column))
    text = text_value(value, where, column)
    return [Said(text)] if text else []


def _nested(value: list[Any] | dict[str, Any], where: str, column: str) -> Iterator[Said]:
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, dict):
        for item in _rows_of(value):
            yield from _of_object(item, where, column)
        return
    items = [item for item in value if item is not None and item == item and item != ""]
    if all(isinstance(item, str | bytes) for item in items):
        paragraphs = [text for item in items if (text := text_value(item, where, column))]
        if paragraphs:
            yield Said("\n".join(paragraphs))
        return
    for item in items:
        if isinstance(item, list) and any(isinstance(inner, dict) for inner in item):
            yield from _nested(item, where, column)
        elif isinstance(item, dict):
            yield from _of_object(item, where, column)
        else:
            raise SourceError(f"{where}: {column} holds a list with {kind_name(item)} in it, expected texts or turns")


def _rows_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Turns that stand as columns, {"speaker": [...], "text": [...]}, one by one; any other object as it is."""
    columns = {name: values for name, values in item.items() if isinstance(values, list)}
    text, speaker = _text_field(item), first_known(item, TURN_NAMES["speaker_name"])
    if text not in columns or speaker not in columns or len({len(values) for values in columns.values()}) != 1:
        return [item]
    others = {name: value for name, value in item.items() if name not in columns}
    return [others | dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _of_object(item: Mapping[str, Any], where: str, column: str) -> Iterator[Said]:
    """A turn; or turns inside, where the only list of objects is the call's (its sections, its segments)."""
    field = _text_field(item)
    if field is None:
        inside = {name: value for name, value in item.items() if isinstance(value, list | dict) and value}
        inside = {name: value for name, value in inside.items() if normal_name(name) not in _NOT_SPOKEN}
        if not inside or any(
            isinstance(value, list) and not isinstance(value[0], dict | str) for value in inside.values()
        ):
            raise SourceError(
                f"{where}: {column} holds objects of {', '.join(item) or 'nothing'}, none of which is known to be text "
                f"({', '.join(TURN_NAMES['text'][:6])} ...); rename the field, or write one row per turn"
            )
        for name, value in inside.items():
            yield from (_in_section(said, name) for said in _nested(value, where, f"{column}.{name}"))
        return
    speaker = {ours: _speaker(item, ours, where, column) for ours in ("speaker_name", "speaker_type")}
    section = name_value(_field(item, "section"), where, f"{column}.section")
    for said in said_in(item[field], where, f"{column}.{field}"):
        yield Said(
            said.text,
            said.speaker_name or speaker["speaker_name"],
            said.speaker_type or speaker["speaker_type"],
            said.section or section,
        )


#: Lists beside the turns that nobody said in the call.
_NOT_SPOKEN = frozenset(
    {"participants", "speakers", "executives", "analysts", "attendees", "metadata", "meta", "words"}
)


def _text_field(item: Mapping[str, Any]) -> str | None:
    """The field of the text that is not empty; null where none is known."""
    known = [name for name in TURN_NAMES["text"] if first_known(item, [name])]
    fields = [str(first_known(item, [name])) for name in known]
    return next((name for name in fields if item[name]), fields[0] if fields else None)


def _field(item: Mapping[str, Any], ours: str) -> Any:
    name = first_known(item, TURN_NAMES[ours])
    return None if name is None else item[name]


def _speaker(item: Mapping[str, Any], ours: str, where: str, column: str) -> str | None:
    """A speaker's name or role; where the speaker is an object, from its fields."""
    value = _field(item, ours)
    person = _field(item, "speaker_name")
    if isinstance(person, dict) and (ours == "speaker_name" or value is None):
        value = _of_person(person, ours)
    if isinstance(value, list | dict):
        return None
    return name_value(value, where, f"{column}.{ours}")


def _of_person(person: Mapping[str, Any], ours: str) -> Any:
    name = first_known(person, _PERSON_NAMES[ours])
    if name is None and ours == "speaker_name":
        parts = [first_known(person, names) for names in (_FIRST_NAMES, _LAST_NAMES)]
        return " ".join(str(person[part]) for part in parts if part and person[part]) or None
    return None if name is None else person[name]


def _in_section(said: Said, name: str) -> Said:
    """A turn of a list that is called prepared_remarks or questions_and_answers."""
    normal = normal_name(name)
    is_section = normal.startswith(("prepared", "presentation", "qa", "q&a", "questions", "questionand"))
    return Said(said.text, said.speaker_name, said.speaker_type, said.section or name) if is_section else said
