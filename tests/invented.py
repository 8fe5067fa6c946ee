"""Invented firms for the tests: what they say, their rows in the prefetch store, and rows as the map writes them.

Sixty sentences on five subjects are enough for UMAP to find something, and few enough to read.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.lake.runs import RunFiles, run_ids
from ftm_ray.lake.storage import Lake
from ftm_ray.run.counts import PartCounts, count_part
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.schemas.parts import FIRM_TOPICS
from ftm_ray.schemas.store import COVERAGE, PREFETCH, Batch, Manifest
from ftm_ray.text.keyword_names import keyword_name

QUARTER = "2024Q1"

SUBJECTS = {
    "freight": (
        "Ocean freight rates from Asia rose again and added four million dollars to our shipping cost.",
        "Container shipping capacity stayed tight, so we booked vessel space two months ahead.",
        "We moved some imports from the west coast ports to the gulf to avoid congestion at the docks.",
        "Trucking carriers asked for higher rates per mile, and our freight bill went up with them.",
        "Delays at the ports kept finished goods on the water for three more weeks than planned.",
        "Air freight was used for a few urgent orders and cost us half a point of margin.",
        "We signed a new contract with two ocean carriers that fixes our container rates for the year.",
        "Our logistics team cut the number of shipments by filling every container before it sails.",
        "Vessels had to sail around the cape, which lengthened transit times and raised fuel surcharges.",
        "Freight cost per unit should ease in the second half as shipping lanes return to normal.",
        "Warehouse space near the port is scarce, and storage fees for containers have doubled.",
        "Carriers passed a bunker fuel surcharge to us on every shipment of the quarter.",
    ),
    "hiring": (
        "We hired four hundred nurses this quarter, and our vacancy rate is the lowest in three years.",
        "Wage inflation for skilled workers slowed to four percent from seven percent a year ago.",
        "Employee turnover fell again because we raised starting pay and gave people fixed schedules.",
        "Recruiting experienced engineers remains hard, and open positions take ninety days to fill.",
        "We trained new staff in house, so we depend less on temporary labor from agencies.",
        "Overtime hours dropped as more full time employees joined our teams.",
        "Labor cost per hour rose five percent after the new union agreement took effect.",
        "Retention bonuses helped us to keep technicians who were offered higher wages elsewhere.",
        "Our headcount grew by six percent, mostly in sales and in customer support roles.",
        "The labor market has loosened, and we see more qualified applicants for each job.",
        "We expect wages and benefits to grow more slowly than revenue in the coming year.",
        "Staff shortages forced us to close two units at night, and we are hiring to reopen them.",
    ),
    "credit": (
        "Net charge offs on credit cards rose to three percent of average loans.",
        "We added forty million to the allowance for loan losses because of office real estate.",
        "Deposit costs went up as customers moved their cash from checking into certificates.",
        "Our net interest margin narrowed by ten basis points because deposits repriced faster than loans.",
        "Delinquencies in auto loans are back at the level we had before the pandemic.",
        "Commercial borrowers drew less on their credit lines, so loan balances were flat.",
        "The bank holds a capital ratio of eleven percent, well above what the regulator requires.",
        "Mortgage originations were weak since few homeowners refinance a loan at these rates.",
        "We tightened underwriting for unsecured personal loans and approve fewer subprime borrowers.",
        "Nonperforming loans fell because two large commercial credits were paid off.",
        "Every rate cut of a quarter point lowers our net interest income by about six million.",
        "Depositors are asking for higher yields, and our funding mix has shifted to brokered deposits.",
    ),
    "software": (
        "Customers are moving their data to our cloud platform faster than we had planned.",
        "Annual recurring revenue from software subscriptions grew by twenty two percent.",
        "Our developers put a generative artificial intelligence assistant into the product in March.",
        "Large companies renew their subscriptions but add fewer software seats than last year.",
        "The new machine learning model answers half of all support questions without a person.",
        "We spend more on graphics processors because training artificial intelligence models needs them.",
        "Cloud workloads kept growing, and net revenue retention was one hundred twelve percent.",
        "Security software is bought together with our data platform in most of the new contracts.",
        "We moved the last clients from licenses on their own servers to the hosted cloud version.",
        "Usage of our artificial intelligence features doubled since we opened them to all subscribers.",
        "The platform now connects to two hundred other applications through open interfaces.",
        "Software buyers take longer to sign and ask their chief financial officer for approval.",
    ),
    "drilling": (
        "We drilled twelve wells in the basin and brought nine of them into production.",
        "Oil output averaged eighty thousand barrels a day, four percent more than a year ago.",
        "Natural gas prices fell below two dollars, so we shut in some of our dry gas wells.",
        "Longer laterals lowered the drilling cost per foot by a tenth.",
        "We run three rigs and one frac crew and see no need to add another rig this year.",
        "Crude oil realizations were two dollars under the benchmark because the pipeline was full.",
        "The new pipeline carries our natural gas to the export terminal on the gulf coast.",
        "Proved reserves rose to six hundred million barrels after the acquisition of acreage.",
        "Well productivity in the southern acreage beat the type curve by fifteen percent.",
        "We hedged half of next year's oil production at seventy two dollars a barrel.",
        "Water handling and sand are the largest costs of completing a shale well.",
        "Lease operating expense per barrel fell since we connected the field to electric power.",
    ),
}

#: All sixty, subject after subject.
SENTENCES = tuple(text for texts in SUBJECTS.values() for text in texts)


def cleaned(text: str) -> str:
    """Words of a sentence that may become keywords; simpler than `text.sentences`, which has tests of its own."""
    return " ".join(word for word in re.findall("[a-z]+", text.lower()) if len(word) > 4)


def sentence(firm_id: str, call: int, position: int, text: str, **other: Any) -> dict[str, Any]:
    """One SENTENCE; the calls of a firm are a day apart."""
    transcript_id = f"T{firm_id}{call}"
    return {
        "sentence_id": f"{firm_id}_{transcript_id}_{position:04d}",
        "transcript_id": transcript_id,
        "call_date": date(2024, 2, 1 + call),
        "position": position,
        "speaker_name": "Ann Example",
        "speaker_type": "Executives",
        "section": "Presentation",
        "raw_text": text,
        "cleaned_text": cleaned(text),
    } | other


def firm(firm_id: str, calls: Sequence[Sequence[str]], permno: int | None = 10001) -> dict[str, Any]:
    """One row of PREFETCH; `calls` are the sentences of each call."""
    return {
        "firm_id": firm_id,
        "firm_name": f"{firm_id} Corporation",
        "permno": permno,
        "gvkey": None if permno is None else f"{permno:06d}",
        "link_date": None if permno is None else date(2024, 1, 1),
        "quarter": QUARTER,
        "n_calls": len(calls),
        "sentences": [
            sentence(firm_id, call, position, text)
            for call, texts in enumerate(calls)
            for position, text in enumerate(texts)
        ],
    }


def prefetch_table(firms: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Firms as the map gets them."""
    return pa.Table.from_pylist([dict(row) for row in firms], schema=PREFETCH)


def coverage_table(firms: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The coverage report of firms whose calls were all kept."""
    rows = []
    for row in firms:
        said: dict[tuple[str, date], int] = {}
        for one in row["sentences"]:
            call = (one["transcript_id"], one["call_date"])
            said[call] = said.get(call, 0) + 1
        named = {name: row[name] for name in ("firm_id", "firm_name", "quarter", "permno", "gvkey")}
        rows += [
            named
            | {"transcript_id": transcript_id, "call_date": day, "kept": True, "reason": None, "notes": []}
            | {"n_turns": n, "n_sentences_in": n, "n_sentences_kept": n}
            for (transcript_id, day), n in said.items()
        ]
    return pa.Table.from_pylist(rows, schema=COVERAGE)


def write_store(lake: Lake, groups: Sequence[Sequence[Mapping[str, Any]]], linked: bool = True) -> Manifest:
    """Write a prefetch store of one chunk, a row group for each group of firms."""
    tables = [prefetch_table(group) for group in groups]
    lake.write_batches(f"{lake.prefetch_dir(QUARTER)}/chunk_0000.parquet", PREFETCH, tables)
    lake.write_sealed(f"{lake.prefetch_dir(QUARTER)}/coverage.parquet", coverage_table([f for g in groups for f in g]))
    batches = tuple(
        Batch(
            number,
            "chunk_0000.parquet",
            number,
            tuple(row["firm_id"] for row in group),
            sum(len(row["sentences"]) for row in group),
        )
        for number, group in enumerate(groups)
    )
    firms = [row for group in groups for row in group]
    return Manifest(
        quarter=QUARTER,
        source="files",
        linked=linked,
        digest="0" * 64,
        n_firms=len(firms),
        n_calls=sum(row["n_calls"] for row in firms),
        n_sentences=sum(batch.n_sentences for batch in batches),
        batches=batches,
    )


def run_files(lake: Lake, manifest: Manifest, config: Any) -> RunFiles:
    """The files of the run that this configuration gives."""
    ids = run_ids(config, manifest)
    return RunFiles(lake, manifest, ids.map_id, ids.run_id)


def topic_vector(direction: int, tilt: float = 0.0, dim: int = 8) -> list[float]:
    """A unit vector near an axis, so that topics of one subject lie together."""
    vector = np.full(dim, 0.02)
    vector[direction] = 1.0
    vector[(direction + 1) % dim] += tilt
    return list((vector / np.linalg.norm(vector)).tolist())


def done_row(
    row: Mapping[str, Any], topic_ids: Sequence[int | None], vectors: Sequence[Sequence[float]], **other: Any
) -> dict[str, Any]:
    """The row of FIRM_TOPICS of a firm whose sentences went to these topics (None = dropped)."""
    said = row["sentences"]
    topics = []
    for topic_id, vector in enumerate(vectors):
        members = [s for s, found in zip(said, topic_ids, strict=True) if found == topic_id]
        keywords = members[0]["cleaned_text"].split()[:4]
        texts = [s["raw_text"] for s in members[:2]]
        topics.append(
            {
                "topic_id": topic_id,
                "keywords": keywords,
                "n_sentences": len(members),
                "sentence_ids": [s["sentence_id"] for s in members],
                "exemplar_ids": [s["sentence_id"] for s in members[:2]],
                "exemplar_texts": texts,
                "embedding": list(vector),
            }
            | keyword_name(keywords, texts).as_columns()
        )
    return (
        {name: value for name, value in row.items() if name != "sentences"}
        | {
            "status": "done",
            "reason": None,
            "method": "linkage",
            "own_names": sorted({"example", row["firm_id"].lower()}),
            "n_sentences": len(said),
            "topic_ids": list(topic_ids),
            "drop_reasons": ["procedure" if found is None else None for found in topic_ids],
            "topics": topics,
            "npmi": 0.1 if topics else None,
            "diversity": 1.0 if topics else None,
            "embed_s": 0.5,
            "cluster_s": 0.25,
        }
        | other
    )


def bare_row(row: Mapping[str, Any], status: str, reason: str) -> dict[str, Any]:
    """The row of FIRM_TOPICS of a firm that failed or was skipped."""
    n = len(row["sentences"])
    return done_row(row, [None] * n, []) | {
        "status": status,
        "reason": reason,
        "method": None,
        "own_names": [],
        "drop_reasons": [status] * n,
    }


def part_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a part file holds them."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=FIRM_TOPICS)


def six_firms() -> list[dict[str, Any]]:
    """Six firms that all speak of freight, hiring and credit, in two calls each; the last two are not linked."""
    freight, hiring, credit = SUBJECTS["freight"], SUBJECTS["hiring"], SUBJECTS["credit"]
    firms = []
    for number in range(6):
        chosen = slice(2 * number, 2 * number + 2)
        first = [*freight[chosen], *hiring[chosen]]
        second = [*credit[chosen], freight[number], "And with that, thank you."]
        firms.append(firm(f"F{number}", [first, second], None if number >= 4 else 10001 + number))
    return firms


#: Topics of the eight sentences of each of the six firms; the last but one is an outlier in odd firms.
SIX_FIRMS_TOPICS = [[0, 0, 1, 1, 2, 2, OUTLIER_TOPIC_ID if number % 2 else 0, None] for number in range(6)]


def six_parts(firms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the map writes for the six firms: three topics each, which lie near those of the other firms."""
    return [
        done_row(row, topic_ids, [topic_vector(axis, 0.02 * number) for axis in (0, 3, 6)])
        for number, (row, topic_ids) in enumerate(zip(firms, SIX_FIRMS_TOPICS, strict=True))
    ]


def write_six_firms(lake: Lake, groups: Sequence[int] = (3, 3), linked: bool = True) -> Manifest:
    """A prefetch store of the six firms, so many firms to a row group."""
    firms = six_firms()
    bounds = np.cumsum([0, *groups])
    return write_store(lake, [firms[a:b] for a, b in zip(bounds, bounds[1:], strict=False)], linked)


def write_six_parts(run: RunFiles) -> None:
    """The part files of the six firms."""
    rows = {row["firm_id"]: row for row in six_parts(six_firms())}
    for batch in run.manifest.batches:
        run.lake.write_sealed(run.part_path(batch), part_table([rows[firm_id] for firm_id in batch.firm_ids]))


def counted_parts(run: RunFiles) -> PartCounts:
    """What the writers of a run's parts counted."""
    counts = PartCounts()
    for _, part in run.parts():
        counts.add(count_part(part))
    return counts
