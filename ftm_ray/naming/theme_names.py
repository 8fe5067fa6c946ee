"""The themes of a quarter get names of the LLM, each shown its neighbours, so that no two share a label."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.distinct_labels import nearest_of_same_meaning, numbered, with_taken_label
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.prompts import Prompt, theme_prompt
from ftm_ray.text.keyword_names import Name
from ftm_ray.vectors.unit_vectors import Vectors


@dataclass(frozen=True, slots=True)
class ThemeToName:
    """What the LLM is shown of one theme.

    Attributes:
        keywords: Most telling first.
        summaries: Of its exemplar topics, most central first.
        neighbours: Positions of the nearest themes in the list of all, nearest first.
        own_names: What its firms and their people are called.
        fallback: Its name if the LLM gives none.
    """

    keywords: tuple[str, ...]
    summaries: tuple[str, ...]
    neighbours: tuple[int, ...]
    own_names: OwnNames
    fallback: Name


@dataclass(frozen=True, slots=True)
class NamedThemes:
    """Names in the order of the themes, what they cost, and one prompt to look at."""

    names: list[Name]
    n_numbered: int  # labels that two themes shared even after asking again, told apart by a number
    account: LlmAccount
    prompt: str | None


async def name_themes(
    namer: Namer, themes: Sequence[ThemeToName], encode: Callable[[Sequence[str]], Vectors] | None = None
) -> NamedThemes:
    """Name all themes so that no two share a label.

    All are asked at once, each with its neighbours' keywords. Where two answers have the same label, or labels that
    mean the same, the larger theme (the first) keeps it and the others are asked again, now with the labels that are
    taken and what the other theme is about; what is still the same after that gets a number.

    Args:
        namer: Asks.
        themes: Largest first.
        encode: Gives labels as unit vectors, to tell which mean the same; null = only same letters count.
    """
    account = LlmAccount()
    nearby = [[", ".join(themes[near].keywords[:3]) for near in theme.neighbours] for theme in themes]
    prompts = [_theme_prompt(namer, theme, names) for theme, names in zip(themes, nearby, strict=True)]
    names = list(await _ask_all(namer, prompts, themes, account))
    labels = [name.label if name else "" for name in names]
    twins = nearest_of_same_meaning(labels, encode(labels)) if encode and themes else {}
    again = sorted({*with_taken_label(names), *twins})
    if again:
        taken = [
            [labels[row], *_about(themes, labels, twins.get(row)), *(labels[near] for near in themes[row].neighbours)]
            for row in again
        ]
        prompts_again = [_theme_prompt(namer, themes[row], known) for row, known in zip(again, taken, strict=True)]
        second = LlmAccount()
        answers = await _ask_all(namer, prompts_again, [themes[row] for row in again], second)
        account.add(second.as_second_ask())
        for row, answer in zip(again, answers, strict=True):
            names[row] = answer or names[row]
    await namer.write_answers()
    filled = [name or theme.fallback for name, theme in zip(names, themes, strict=True)]
    distinct, n_numbered = numbered(filled)
    return NamedThemes(distinct, n_numbered, account, prompts[0].material if prompts else None)


def _about(themes: Sequence[ThemeToName], labels: Sequence[str], twin: int | None) -> list[str]:
    """What the theme whose label means the same is called, and two of its exemplars, to tell it apart from."""
    return [] if twin is None else [labels[twin], *themes[twin].summaries[:2]]


def _theme_prompt(namer: Namer, theme: ThemeToName, neighbours: Sequence[str]) -> Prompt:
    distinct = [name for name in dict.fromkeys(neighbours) if name]
    return theme_prompt(theme.keywords, theme.summaries, distinct, namer.counter, namer.settings.max_prompt_tokens)


async def _ask_all(
    namer: Namer, prompts: Sequence[Prompt], themes: Sequence[ThemeToName], account: LlmAccount
) -> list[Name | None]:
    questions = zip(prompts, themes, strict=True)
    return list(await asyncio.gather(*(namer.name(prompt, theme.own_names, account) for prompt, theme in questions)))
