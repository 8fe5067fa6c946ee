"""What LLMs answered: kept answers, and the comparison of two LLMs."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

#: Answers of LLMs as they came, by the digest of the question: what was paid for once is never paid for again.
LLM_ANSWERS = pa.schema(
    [
        required("question", pa.string()),  # digest of model, limits and the prompt to the letter
        pa.field("content", pa.string()),  # to the letter; null where the model said nothing
        required("llm_model", pa.string()),
        required("prompt_version", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
    ]
)

_COMPARED_ANSWER = [
    pa.field("label", pa.string()),
    pa.field("summary", pa.string()),
    required("outcome", pa.string()),
    required("n_requests", pa.int32()),  # 2 where the first answer was refused or named a firm
    required("seconds", pa.float64()),  # of all its requests, without waiting for a free slot
    required("prompt_tokens", pa.int32()),
    required("completion_tokens", pa.int32()),
    pa.field("names_firm", pa.bool_()),
    pa.field("to_sentences", pa.float64()),  # cosine of the summary to the mean of the topic's sentences
]

#: The same topics as two LLMs name them, a and b: one row per topic. Null texts are refused or missing answers.
LLM_COMPARISON = pa.schema(
    [
        required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        required("topic_id", pa.int32()),
        required("keywords", pa.list_(pa.string())),
        required("sentences", pa.list_(pa.string())),
        *(field.with_name(f"{side}_{field.name}") for side in "ab" for field in _COMPARED_ANSWER),
        pa.field("summaries_cosine", pa.float64()),
        pa.field("nearer", pa.string()),  # 'a' or 'b': whose summary is nearer to the topic's sentences
    ]
)
