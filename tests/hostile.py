"""Texts that would do harm in a page that takes text for markup, put into every text column that is published."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pyarrow as pa

from ftm_ray.lake.storage import Lake

#: Each would set `window.harmed`, ask for something, or break the page, if it ran or were read as markup.
HOSTILE = (
    "</script><script>window.harmed=1</script>",
    "<img src=x onerror=window.harmed=1>",
    "<svg onload=window.harmed=1>",
    "<iframe src='javascript:parent.harmed=1'></iframe>",
    "javascript:window.harmed=1",
    "${window.harmed=1}",
    "{{constructor.constructor('window.harmed=1')()}}",
    '"><a href=javascript:window.harmed=1 autofocus onfocus=window.harmed=1>',
    "' onmouseover='window.harmed=1",
    "<!-- --!><script>window.harmed=1</script>",
    "]]><![CDATA[<script>window.harmed=1</script>",
    "</title></style></textarea><script>window.harmed=1</script>",
    "<link rel=stylesheet href=//example.org/x.css><base href=//example.org>",
    "<meta http-equiv=refresh content='0;url=//example.org'>",
    "&lt;script&gt;window.harmed=1&lt;/script&gt; &amp;#x3c;",
    "\u202eright to left \u2066 and \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "zero\u200bwidth\u200d\ufeff \U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0323",
    "\\u003cscript\\u003e \x00\x07\x1b[31m \u2028 \u2029 \ud7ff",
    "__proto__ constructor toString hasOwnProperty #theme=x&q=%00%ZZ%",
    "x" * 100_000,
)

#: Each would run, write, or lead out of ROOT if a shell, SQL, a path or a terminal took it for its own.
HOSTILE_NAMES = (
    "'; DROP TABLE topics;--",
    "../../etc/passwd",
    "/etc/passwd",
    "$(touch touched)",
    "`touch touched`",
    "; touch touched #",
    "%(touched)s {touched} %s",
    "a \"double\" and 'single' \\ !! quotes",
    "two\nlines\r\nand error: forged",
    "\x1b[2J\x1b]0;title\x07cleared",
    "\x9b2Jc1 and \x08\x08back",
    "</script><img src=x onerror=touch>",
    "\u202ereversed \u2066isolated",
    "zero\u200bwidth\u200d\ufeff",
    "nul\x00and \x7f",
    "[bold red]markup[/nothing] :boom:",
    "=HYPERLINK(A1)",
    "long" * 2_500,
)

#: Columns that are keys, dates or words of our own; all other texts come from calls, files or LLMs.
_OURS = {
    "theme_id",
    "run_id",
    "transcript_id",
    "sentence_id",
    "drop_reason",
    "summary_source",
    "status",
    "kind",
    "stability",
}
_FIRM_KEYS = {"firm_id", "top_firms", "exemplar_topic_ids"}
_KEYS_OF_SENTENCES = {"sentence_ids", "exemplar_ids"}


def make_hostile(lake: Lake, quarter: str) -> None:
    """Put a hostile text into every text of a published quarter; keys of firms keep apart and keep leading on."""
    texts = (HOSTILE[number % len(HOSTILE)] for number in count())
    for table in ("firms", "topics", "themes", "theme_topics", "sentences"):
        folder = lake.table_dir(table, quarter)
        for name in lake.list_files(folder):
            found = lake.read_table(f"{folder}/{name}")
            columns = [_column(found.field(column), found[column].to_pylist(), texts) for column in found.column_names]
            lake.write_table(f"{folder}/{name}", pa.table(columns, schema=found.schema))


def _column(field: pa.Field, values: list[Any], texts: Iterator[str]) -> pa.Array:
    is_text = pa.types.is_string(field.type)
    is_list = pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type)
    if field.name in _FIRM_KEYS:
        values = [_key(value) if is_text else [_key(one) for one in value] for value in values]
    elif field.name not in _OURS | _KEYS_OF_SENTENCES and (is_text or is_list):
        values = [next(texts) if is_text else [next(texts) for _ in range(3)] for _ in values]
    return pa.array(values, field.type)


def _key(key: str) -> str:
    """A firm's key that is hostile, too: the text depends on the key alone, so that it stays one."""
    firm_id, slash, topic_id = key.rpartition("/") if "/" in key else (key, "", "")
    return f"{HOSTILE[sum(map(ord, firm_id)) % 15]}{firm_id}{slash}{topic_id}"
