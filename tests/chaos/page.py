"""Writes docs/reliability.md from the rows that the cases of this folder left: `make chaos`.

    python tests/chaos/page.py ROWS PAGE

A row is one case of one run of the suite; nothing stands in the table that no case told.
"""

import json
import sys
from pathlib import Path

HEAD = """# Nothing is lost, whatever dies

The promise: stop or kill anything at any moment, give the same command again, and the published files have the bytes of
a run that nothing disturbed; no firm is lost or there twice, and no answer of the LLM is paid for twice. The same
holds for damaged files, a full disk, and an LLM or an S3 that is away.

The cases below do that to real runs of the sample quarter: a head of Ray (or a Ray of the command's own), an LLM
endpoint that counts what it is asked (or, where the served model is killed, real vLLM, which does not), moto's S3
server behind a proxy that puts faults in. Each begins with a state that a calm run left, waits for a moment, strikes,
gives the same command again until it is through, and holds files, firms and questions against the calm run; `ftm
verify` must find nothing. `make chaos` runs all and writes this page; those marked `fast` take some minutes. A blow
that came too late, when the command was through, is not counted. A case that stands twice was run again with its blows
at other moments (`FTM_CHAOS_SEED`).

**Under way** are questions that had been asked, and whose answer had not come, when those who were hit were gone; and
those whose answer had come less than two seconds before the blow: nobody had kept it, so it is asked again. No client
can help the former (the actors of a killed driver go on asking until Ray has noticed). The latter is the price of
answers that are written together, those of a second in a file; the other second is for a busy machine. Where S3 is
away, no more is asked once answers could not be written for two seconds; what was asked in the first four counts so.

**Slow poison** is a firm whose text makes the process that works on it raise, crash, run out of memory or hang. Ray
starts the process again and gives it the same batch. Each firm is written down before it is begun; one that was begun
twice and did not end is published as failed with its reason, and the others go on. A firm may take
`cluster.firm_limit_s` (half an hour). What is written down ends with the command: one that goes on tries every firm of
a batch that is not done again.

**Seconds** are from the start of the last command to its end (none where the command at hand went on to its end), on
the machine that ran the suite and beside whatever else it did; a part of it is Ray's start, the rest the work that
was left.
"""

COLUMNS = (
    "| what | how | blows | firms lost | firms twice | paid twice | under way, asked again | same bytes | seconds |",
    "|---|---|---|---|---|---|---|---|---|",
)


def main(rows_file: Path, page: Path) -> None:
    rows = [json.loads(line) for line in rows_file.read_text(encoding="utf-8").splitlines()]
    good = [row for row in rows if row["passed"]]
    stamps = sorted({f"{row['date']} at {row['commit']}" for row in rows})
    lines = [
        HEAD,
        f"## {len(rows)} cases, {sum(row['blows'] for row in rows)} blows, {len(good)} cases passed",
        f"Run on {', '.join(stamps)}. A case of `tests/chaos/` that is not in the table was not run then.",
        "",
        *COLUMNS,
        *(table_row(row) for row in rows),
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def table_row(row: dict) -> str:
    counts = ("blows", "firms_lost", "firms_twice", "paid_twice", "under_way")
    cells = [row["kind"], row["harm"], *(shown(row[name]) for name in counts)]
    same = "-" if row["same_bytes"] is None else ("yes" if row["same_bytes"] else "**no**")
    failed = "" if row["passed"] else " **failed**"
    return "| " + " | ".join([*cells, same + failed, shown(row["recover_s"])]) + " |"


def shown(value: float | None) -> str:
    return "-" if value is None else str(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
