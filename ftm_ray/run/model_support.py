"""The names of the LLM as claims for the support model: a topic's text against its sentences, a theme's against its
summaries.

Claims go to the model in tables of one part each, so that neither the sentences of a quarter lie in one process nor
all work on one node (`datasets.judged_on_ray`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from ftm_ray.lake.runs import RunFiles
from ftm_ray.naming.entailment import EntailmentJudge
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.text.keyword_names import Name

#: What the model is asked: `row` says whose claim it is.
CLAIMS = pa.schema(
    [pa.field("row", pa.int64()), pa.field("sentences", pa.list_(pa.string())), pa.field("claim", pa.string())]
)

#: Tables of claims in, probability by row out; None where no model was named.
JudgeClaims = Callable[[Iterable[pa.Table]], dict[int, float]] | None


class ClaimJudge:
    """The actor that holds the model: claims in, probabilities out."""

    def __init__(self, model: str, device: str) -> None:
        self._judge = EntailmentJudge(model, device)

    def __call__(self, claims: pa.Table) -> pa.Table:
        found = self._judge.probabilities(claims["sentences"].to_pylist(), claims["claim"].to_pylist())
        return pa.table({"row": claims["row"], "p": pa.array(found, pa.float64())})


def judged_topics(topics: pa.Table, run: RunFiles, judge: JudgeClaims) -> pa.Table:
    """The published topics with what the model says of the LLM's texts, in the column support_model_p."""
    if judge is None:
        return topics
    found = judge(_topic_claims(topics, run))
    place = topics.schema.get_field_index("support_model_p")
    values = pa.array([found.get(row) for row in range(topics.num_rows)], pa.float64())
    return topics.set_column(place, topics.schema.field(place), values)


def judged_themes(names: Sequence[Name], summaries: Sequence[Sequence[str]], judge: JudgeClaims) -> list[float | None]:
    """What the model says of each description, given the summaries that it was written from; null for keywords."""
    if judge is None:
        return [None] * len(names)
    rows = [
        {"row": row, "sentences": list(of_theme), "claim": name.representation}
        for row, (name, of_theme) in enumerate(zip(names, summaries, strict=True))
        if name.summary_source == SummarySource.LLM.value
    ]
    found = judge([pa.Table.from_pylist(rows, schema=CLAIMS)])
    return [found.get(row) for row in range(len(names))]


def _topic_claims(topics: pa.Table, run: RunFiles) -> Iterator[pa.Table]:
    """The LLM's texts beside their sentences, part after part; only parts hold the sentences."""
    keys = zip(topics["firm_id"].to_pylist(), topics["topic_id"].to_pylist(), strict=True)
    places = {key: row for row, key in enumerate(keys)}
    for _, part in run.parts():
        rows = [
            {
                "row": places[firm["firm_id"], topic["topic_id"]],
                "sentences": topic["exemplar_texts"],
                "claim": topic["representation"],
            }
            for firm in part.select(["firm_id", "topics"]).to_pylist()
            for topic in firm["topics"]
            if topic["summary_source"] == SummarySource.LLM.value
        ]
        yield pa.Table.from_pylist(rows, schema=CLAIMS)
