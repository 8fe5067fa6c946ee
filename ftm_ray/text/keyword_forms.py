"""Keywords as people write them: counted as lemmas, shown in the form in which their topic says them most often.

A lemma is good for counting and bad for reading: "fixe wireless", "unite state", "ai-power", and "feed" for the Fed.
So topics are found and measured on lemmas, and each keyword is then looked up in the sentences that it comes from.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ftm_ray.text.lemmas import clean_for_keywords, words_with_places

#: Between the two words of a phrase: nothing, or one word that is left out of keywords ("cost of capital").
_GAP = re.compile(r"\s+(?:[^\W\d_]+\s+)?")

Place = tuple[str, int, int]  # lemma, start and end in the sentence


class SpokenWords:
    """The words of a firm's sentences, by their lemmas.

    Args:
        raw_texts: Sentences as spoken.
        cleaned_texts: The same as lemmas (`clean_for_keywords`).
    """

    def __init__(self, raw_texts: Sequence[str], cleaned_texts: Sequence[str]) -> None:
        self._texts = raw_texts
        pairs = zip(raw_texts, cleaned_texts, strict=True)
        self._places = [_places(raw, cleaned) for raw, cleaned in pairs]
        self._inside: dict[str, Counter[str]] = {}  # how a word is written where no sentence begins
        for text, places in zip(raw_texts, self._places, strict=True):
            for place in places:
                if not _begins_sentence(text, place[1]):
                    written = _written(text, place)
                    self._inside.setdefault(written.lower(), Counter())[written] += 1

    def written(self, terms: Sequence[str], rows: Iterable[int]) -> tuple[str, ...]:
        """Each term (a lemma, or two with a blank between) as these sentences write it most often."""
        wanted = {*terms, *(word for term in terms for word in term.split())}
        forms: dict[str, Counter[str]] = {term: Counter() for term in wanted}
        for row in rows:
            text, places = self._texts[row], self._places[row]
            for place in places:
                if place[0] in forms:
                    forms[place[0]][self._word(text, place)] += 1
            for first, second in zip(places, places[1:], strict=False):
                phrase = f"{first[0]} {second[0]}"
                gap = text[first[2] : second[1]]
                if phrase in forms and _GAP.fullmatch(gap):
                    words = self._word(text, first), *gap.split(), _written(text, second)
                    forms[phrase][" ".join(words)] += 1
        return tuple(
            most_written(forms[term]) or " ".join(most_written(forms[word]) or word for word in term.split())
            for term in terms
        )

    def _word(self, text: str, place: Place) -> str:
        """A word as it is written inside sentences; the capital that begins a sentence says nothing."""
        written = _written(text, place)
        if not (written[0].isupper() and written[1:].islower() and _begins_sentence(text, place[1])):
            return written
        return most_written(self._inside.get(written.lower(), Counter())) or written.lower()


def most_written(forms: Counter[str]) -> str | None:
    """The commonest form, whatever its capitals, in its commonest capitals; small ones where both are as common."""
    if not forms:
        return None
    by_letters: Counter[str] = Counter()
    for form, n in forms.items():
        by_letters[form.lower()] += n
    letters = min(by_letters, key=lambda form: (-by_letters[form], len(form), form))
    alike = [form for form in forms if form.lower() == letters]
    return min(alike, key=lambda form: (-forms[form], not form.islower(), form))


def keyword_term(keyword: str) -> str:
    """The lemmas of a keyword, however it is written: what it is counted as."""
    return clean_for_keywords(keyword, frozenset()) or keyword.lower()


def _places(raw: str, cleaned: str) -> list[Place]:
    """Where the words of a cleaned sentence stand in the sentence; names are left out of it, and so of these."""
    found = []
    words = iter(words_with_places(raw))
    for lemma in cleaned.split():
        place = next((word for word in words if word[0] == lemma), None)
        if place is None:
            break
        found.append(place)
    return found


def _written(text: str, place: Place) -> str:
    lemma, start, end = place
    word = re.sub(r"['’]s$", "", text[start:end])
    return f"{word}." if lemma.endswith(".") and not word.endswith(".") else word


def _begins_sentence(text: str, start: int) -> bool:
    """Whether nothing, or the end of another sentence, stands before."""
    before = text[:start].rstrip(" \"'([“-")
    return not before or before[-1] in ".?!:;"
