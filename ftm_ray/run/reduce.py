"""The last step of a run: topics of all firms in, published tables out.

One actor does all of it (`ThemePublisher`), because only here everything must be seen at once. It reads the part files,
each once, so that the driver carries nothing, and a crash in it costs this step and no map work.
Files are published firms first and run.json last: a table folder that does not belong to a whole run can be seen
from the outside (`ftm verify`), and the same command publishes it again.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import pyarrow as pa

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import RunFiles
from ftm_ray.naming.distinct_labels import numbered
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.theme_names import NamedThemes, ThemeToName, name_themes
from ftm_ray.run.gates import check_naming, check_theme_names
from ftm_ray.run.model_support import JudgeClaims, judged_themes, judged_topics
from ftm_ray.run.naming_quality import measure_names, names_table, worst_themes, worst_topics
from ftm_ray.run.progress import timed
from ftm_ray.run.publish import NamedTheme, QuarterParts, read_parts, theme_topics_table, themes_table
from ftm_ray.run.reduce_report import ReduceReport, count_topics
from ftm_ray.run.reduce_write import write_tables
from ftm_ray.run.text_vectors import EmbedTexts, embedded
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.text.boilerplate_classifier import BoilerplateClassifier
from ftm_ray.text.keyword_names import Name, keyword_name
from ftm_ray.themes.finder import FoundThemes, find_themes, nearest_themes
from ftm_ray.themes.fits import Fit, FitData, OnFit, fits_here
from ftm_ray.themes.groups import group_keywords, group_themes
from ftm_ray.themes.kind import KindClassifier, SpokenTheme, kind_features
from ftm_ray.themes.scaling import MIN_TOPICS, scaled_settings
from ftm_ray.themes.topic_set import TopicSet
from ftm_ray.vectors.clustering import Labels, choose_gpu, cluster
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.query_encoder import load_query_encoder
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector, random_vectors, vectors_of

#: The LLM reads the names of so many near themes, to keep its theme apart from them.
_NEIGHBOURS = 3

#: What a publisher is at before it was told what to publish.
STARTING = "starting the last step"


class MakeToldFits(Protocol):
    """Makes all fits of the themes, and tells after each how far it is."""

    def __call__(self, data: FitData, fits: Sequence[Fit], on_fit: OnFit) -> list[Labels]: ...


@dataclass(frozen=True, slots=True)
class Workers:
    """What others can do for the publisher, such as a cluster; where it is done changes no byte.

    Attributes:
        make_fits: Makes the fits of the themes.
        judge: Asks the support model; None where none was named.
        embed: Encodes many texts; None = all are encoded here.
    """

    make_fits: MakeToldFits = fits_here
    judge: JudgeClaims = None
    embed: EmbedTexts | None = None


class ThemePublisher:
    """Finds themes and publishes all tables of a run.

    Args:
        config: The run's configuration.
        api_key: For the LLM endpoint; unused without one.
        device: Where torch computes.
        workers: What is done elsewhere.
    """

    def __init__(
        self,
        config: RunConfig,
        api_key: str,
        device: str = "cpu",
        workers: Workers = Workers(),
    ) -> None:
        self.config = config
        self._api_key = api_key
        self._device = device
        self._loaded_encoder: SentenceEncoder | None = None
        self._workers = workers
        self._step = STARTING
        # A wish for cuML that cannot be met was already refused by the map; here it means 'auto'.
        self._use_gpu = choose_gpu("auto" if config.topics.backend == "cuml" else config.topics.backend)
        self._warm_up()

    def _warm_up(self) -> None:
        """Cluster something at once: numba compiles for 5 s, which can go on while the map works."""
        cluster(random_vectors(MIN_TOPICS, 8), scaled_settings(self.config.themes, MIN_TOPICS), self._use_gpu)

    def step(self) -> str:
        """What `publish` is at, for the person who waits; may be asked from another thread meanwhile."""
        return self._step

    @contextmanager
    def _at(self, report: ReduceReport, name: str, step: str) -> Iterator[None]:
        self._step = step
        with timed(report.seconds, name):
            yield

    def _fitted(self, n_made: int, n_fits: int) -> None:
        self._step = f"clustering the topics of all firms: {n_made} of {n_fits} fits"

    def publish(self, run: RunFiles) -> ReduceReport:
        """Publish everything but run.json."""
        report = ReduceReport()
        with self._at(report, "read", "reading the topics of all firms"):
            parts = read_parts(run)
        with self._at(report, "embed", f"encoding the texts of {parts.topics.num_rows:,} topics"):
            topic_set = self._topic_set(parts.topics)
        with self._at(report, "support", "holding names against their sentences"):
            parts = self._with_support(run, parts, topic_set, report)
        with self._at(report, "themes", "clustering the topics of all firms"):
            make_fits = partial(self._workers.make_fits, on_fit=self._fitted)
            found = find_themes(topic_set, self.config.themes, self._use_gpu, make_fits)
        with self._at(report, "describe_themes", f"naming {len(found.themes):,} themes"):
            names = self._names(run, found, parts, report)
        check_theme_names(run.quarter, self.config, names, report.theme_account)
        with self._at(report, "theme_support", "holding the themes' names against their topics"):
            theme_support = self._theme_support(found, names, topic_set, report)
        summaries = _summaries(found, parts.topics)
        check_naming(
            run.quarter,
            self.config,
            report.theme_names,
            "themes",
            lambda: worst_themes(names, report.theme_names, summaries),
        )
        with self._at(report, "support_model", f"telling support, kinds and groups of {len(found.themes):,} themes"):
            topics = judged_topics(parts.topics, run, self._workers.judge)
            judged = judged_themes(names, summaries, self._workers.judge)
        groups = self._groups(found, topic_set)
        kinds = self._kinds(found, parts.topics)
        named = [NamedTheme(*one) for one in zip(names, theme_support, kinds, groups, judged, strict=True)]
        tables = {
            "firms": parts.firms,  # first: they tell whose tables these are
            "topics": topics,
            "themes": themes_table(run, found, named, topics),
            "theme_topics": theme_topics_table(run, found, parts.topics),
        }
        count_topics(report, found, tables)
        with self._at(report, "write", "writing the tables"):
            write_tables(run, report, parts, tables, self.config.keep_vectors)
        return report

    def _topic_set(self, topics: pa.Table) -> TopicSet:
        """Topics as the clustering wants them.

        Without an LLM a topic's vector is the mean of its sentences, which gives better themes than embedding its
        keywords (coverage 0.73 against 0.62). With one, all representations are embedded, those of fallbacks too,
        so that all vectors are of one kind.
        """
        centers = vectors_of(topics["embedding"])
        if self.config.llm.endpoint == "none" or topics.num_rows == 0:
            embeddings = centers
        else:
            embeddings = embedded(topics["representation"].to_pylist(), self._encoder, self._workers.embed)
        return TopicSet(
            firm_ids=tuple(topics["firm_id"].to_pylist()),
            topic_ids=tuple(topics["topic_id"].to_pylist()),
            keywords=tuple(tuple(words) for words in topics["keywords"].to_pylist()),
            n_sentences=topics["n_sentences"].to_numpy().astype(np.int64),
            embeddings=embeddings,
            boilerplate=self._boilerplate(centers),
        )

    def _encoder(self) -> SentenceEncoder:
        """The sentence encoder, loaded when it is first needed: a run without an LLM never needs it here."""
        if self._loaded_encoder is None:
            self._loaded_encoder = SentenceEncoder(self.config.embed, self._device)
        return self._loaded_encoder

    def _with_support(
        self, run: RunFiles, parts: QuarterParts, topic_set: TopicSet, report: ReduceReport
    ) -> QuarterParts:
        """The parts with the topics' support; the run ends here if the names, taken together, say nothing."""
        if self.config.llm.endpoint == "none" or parts.topics.num_rows == 0:
            return parts
        topics = parts.topics
        centers = vectors_of(topics["embedding"])
        report.topic_names, values = measure_names(topics, topic_set.embeddings, centers, topic_set.firm_ids)
        check_naming(
            run.quarter,
            self.config,
            report.topic_names,
            "topics",
            lambda: worst_topics(topics, report.topic_names, (part for _, part in run.parts())),
        )
        place = topics.schema.get_field_index("support")
        return replace(
            parts, topics=topics.set_column(place, topics.schema.field(place), pa.array(values, pa.float64()))
        )

    def _theme_support(
        self, found: FoundThemes, names: list[Name], topic_set: TopicSet, report: ReduceReport
    ) -> list[float | None]:
        """How far each description is borne out by the summaries that it was written from."""
        if self.config.llm.endpoint == "none" or not names:
            return [None] * len(names)
        texts = self._encoder().encode([name.representation for name in names])
        own = np.stack([mean_vector(topic_set.embeddings[list(theme.exemplar_rows)]) for theme in found.themes])
        report.theme_names, values = measure_names(
            names_table(names), texts, own, [str(row) for row in range(len(names))]
        )
        return values

    def _boilerplate(self, centers: Vectors) -> Vectors:
        """How likely each topic is filler; 0 where only the rules are used."""
        if self.config.topics.boilerplate == "rules" or not len(centers):
            return np.zeros(len(centers), dtype=np.float32)
        return BoilerplateClassifier.load(self.config.embed.model).probabilities(centers)

    def _names(self, run: RunFiles, found: FoundThemes, parts: QuarterParts, report: ReduceReport) -> list[Name]:
        """A name for each theme: the LLM's, or its keywords and the words of its most central topic."""
        texts = _summaries(found, parts.topics)
        fallbacks = [
            keyword_name(theme.keywords, _most_telling_first(theme.keywords, [_sentence_in(text) for text in of_theme]))
            for theme, of_theme in zip(found.themes, texts, strict=True)
        ]
        if self.config.llm.endpoint == "none" or not found.themes:
            names, report.n_numbered_labels = numbered(fallbacks)
            return names
        answers = AnswerStore(run.lake, run.quarter, self.config.model_variant())
        own_names, written_small = _own_names(parts), _words_written_small(parts.topics)
        firm_ids = parts.topics["firm_id"].to_pylist()
        nearest = nearest_themes(found.themes, _NEIGHBOURS)
        themes = [
            ThemeToName(
                keywords=theme.keywords,
                summaries=tuple(texts[row]),
                neighbours=nearest[row],
                own_names=_names_of({firm_ids[topic] for topic in theme.rows}, own_names, written_small),
                fallback=fallbacks[row],
            )
            for row, theme in enumerate(found.themes)
        ]
        named = asyncio.run(_ask(Namer(self.config.llm, self._api_key, answers), themes, self._encoder()))
        report.theme_account, report.theme_prompt = named.account, named.prompt
        report.n_numbered_labels = named.n_numbered
        return named.names

    def _kinds(self, found: FoundThemes, topics: pa.Table) -> Sequence[str | None]:
        """The kind of each theme, judged by what was spoken, also where an LLM named the topics."""
        by_rules = self.config.topics.boilerplate == "rules"
        classifier = None if by_rules else KindClassifier.load(self.config.embed.model)
        if classifier is None or not found.themes:
            return [None] * len(found.themes)
        vectors, keywords = vectors_of(topics["embedding"]), topics["keywords"].to_pylist()
        spoken = [
            SpokenTheme(vectors[list(theme.own_rows)], [keywords[row] for row in theme.own_rows])
            for theme in found.themes
        ]
        return classifier.kinds(kind_features(spoken, load_query_encoder(classifier.encoder)))

    def _groups(self, found: FoundThemes, topics: TopicSet) -> list[tuple[int, str] | None]:
        """Number and label of each theme's group; None where there are few themes."""
        groups = group_themes([theme.embedding for theme in found.themes])
        if groups is None:
            return [None] * len(found.themes)
        rows = [theme.own_rows for theme in found.themes]
        keywords = group_keywords(topics, rows, groups, self.config.themes.n_keywords)
        labels, _ = numbered([keyword_name(words, []) for words in keywords])
        return [(group, labels[group].label) for group in groups.tolist()]


def _summaries(found: FoundThemes, topics: pa.Table) -> list[list[str]]:
    """Of each theme, the texts of its exemplar topics: what its name is written from."""
    representations = topics["representation"].to_pylist()
    return [[representations[row] for row in theme.exemplar_rows] for theme in found.themes]


async def _ask(namer: Namer, themes: list[ThemeToName], encoder: SentenceEncoder) -> NamedThemes:
    """Ask for all names. Not a method: one coroutine in an actor's class makes all its methods run in an event loop."""
    return await name_themes(namer, themes, encoder.encode)


def _own_names(parts: QuarterParts) -> dict[str, frozenset[str]]:
    """Words that name a firm or its speakers, by firm."""
    return {row["firm_id"]: frozenset(row["own_names"]) for row in parts.own_names.to_pylist()}


def _words_written_small(topics: pa.Table) -> frozenset[str]:
    """Words that the LLM writes in small letters where it speaks of the quarter's topics: they are not only names."""
    rows = zip(topics["summary_source"].to_pylist(), topics["representation"].to_pylist(), strict=True)
    written = (text for source, text in rows if source == SummarySource.LLM.value)
    return frozenset(word for text in written for word in re.findall(r"\w+", text) if word.islower())


def _names_of(firm_ids: set[str], own_names: dict[str, frozenset[str]], written_small: frozenset[str]) -> OwnNames:
    """What the firms of a theme and their people are called.

    Thousands of names stand together here, and among them is nearly always a Mr Price or a firm called Target.
    """
    names = frozenset[str]().union(*(own_names[firm_id] for firm_id in firm_ids))
    return OwnNames(names, names & written_small)


def _most_telling_first(keywords: Sequence[str], sentences: Sequence[str]) -> list[str]:
    """Sentences that use more of the theme's keywords first; else as they came, most central topic first."""
    return sorted(sentences, key=lambda text: -sum(keyword.lower() in text.lower() for keyword in keywords))


def _sentence_in(representation: str) -> str:
    """The sentence inside a keyword name ("a, b, c: sentence")."""
    return representation.partition(": ")[2] or representation
