"""The part of `ftm verify` that looks at themes: cross-firm, made of topics that exist, with the numbers they give."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ftm_ray.results.verify.check import count_differences
from ftm_ray.results.verify.tables import Tables


def theme_topic_problems(tables: Tables) -> list[str]:
    """Every topic of a theme exists with its count, and is in one theme only."""
    n_sentences = {
        (row["firm_id"], row["topic_id"]): row["n_sentences"]
        for row in tables.topics.select(["firm_id", "topic_id", "n_sentences"]).to_pylist()
    }
    theme_ids = set(tables.themes["theme_id"].to_pylist())
    problems, seen = [], set()
    for row in tables.theme_topics.to_pylist():
        key = (row["firm_id"], row["topic_id"])
        name = f"{row['theme_id']}, topic {row['topic_id']} of firm {row['firm_id']}"
        if row["theme_id"] not in theme_ids:
            problems.append(f"{name}: there is no such theme")
        if key not in n_sentences:
            problems.append(f"{name}: there is no such topic")
        elif n_sentences[key] != row["n_sentences"]:
            problems.append(f"{name}: {row['n_sentences']} sentences, table topics says {n_sentences[key]}")
        if key in seen:
            problems.append(f"{name}: the topic is in a theme already")
        if not -1.001 <= row["similarity"] <= 1.001:
            problems.append(f"{name}: similarity {row['similarity']} is not between -1 and 1")
        seen.add(key)
    return problems


def theme_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Themes have enough firms, none that dominates, and the numbers that their topics give."""
    settings = record["config"]["themes"]
    members: dict[str, list[dict[str, Any]]] = {}
    for row in tables.theme_topics.select(["theme_id", "firm_id", "topic_id", "n_sentences"]).to_pylist():
        members.setdefault(row["theme_id"], []).append(row)
    n_themes = {"n_themes": tables.themes.num_rows}
    problems = count_differences(n_themes, record["quality"], "table themes")
    twice = Counter(tables.themes["theme_id"].to_pylist())
    problems += [f"{theme_id} stands {n} times in table themes" for theme_id, n in twice.items() if n > 1]
    for theme in tables.themes.to_pylist():
        rows = members.get(theme["theme_id"], [])
        firms = Counter(row["firm_id"] for row in rows)
        largest = max(firms.values(), default=0) / max(1, len(rows))
        counted = {
            "n_firms": len(firms),
            "n_topics": len(rows),
            "n_sentences": sum(row["n_sentences"] for row in rows),
            "max_firm_ratio": largest,
        }
        wrong = [name for name, value in counted.items() if not math.isclose(theme[name], value, abs_tol=1e-9)]
        problems += [f"{theme['theme_id']}: {name} is {theme[name]}, its topics give {counted[name]}" for name in wrong]
        if len(firms) < settings["min_firms"]:
            problems.append(f"{theme['theme_id']} has {len(firms)} firms, fewer than {settings['min_firms']}")
        if largest > settings["max_firm_ratio"]:
            problems.append(f"{theme['theme_id']}: one firm has {largest:.0%} of its topics")
        inside = {f"{row['firm_id']}/{row['topic_id']}" for row in rows}
        if not set(theme["exemplar_topic_ids"]) <= inside or not set(theme["top_firms"]) <= set(firms):
            problems.append(f"{theme['theme_id']}: an exemplar topic or top firm is not in the theme")
    return problems
