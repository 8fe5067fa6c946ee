"""Passages that are not English: the encoder, the rules and the word lists know English only."""

import simplemma

from ftm_ray.text.word_lists import FUNCTION_WORDS

MIN_LETTERS_FOREIGN = 8  # below this a name or a brand in another script decides too much
MIN_WORDS_LANGUAGE_ID = 8  # in a shorter passage two names decide too much
MAX_FUNCTION_WORDS = 0.25  # English speech is half "the", "of", "we"; others share few of them ("a", "in", "i")
# Words that stand in the English dictionary: of 20,808 real sentences that came this far the English ones have at least
# 0.50 (two with a web address), sentences in ten other languages at most 0.45.
MIN_ENGLISH_RATIO = 0.5


def is_foreign(sentence: str) -> bool:
    """Say whether a sentence is not English: half its letters in another script, or few English words."""
    if not sentence.isascii():
        n_letters = sum(character.isalpha() for character in sentence)
        n_other = sum(character.isalpha() and ord(character) > 0x24F for character in sentence)
        if n_letters >= MIN_LETTERS_FOREIGN // 2 and n_other > 0.5 * n_letters:
            return True
    words = [word.strip(".,;:?!\"()'") for word in sentence.split()]
    n_english = sum(word.lower() in FUNCTION_WORDS for word in words)
    # A list of foreign names is not a foreign sentence: half of its words must be written small.
    n_small = sum(word[:1].islower() for word in words)
    if len(words) < MIN_WORDS_LANGUAGE_ID or n_english > MAX_FUNCTION_WORDS * len(words) or 2 * n_small < len(words):
        return False
    return simplemma.in_target_language(sentence, lang="en") < MIN_ENGLISH_RATIO
