"""The model behind `ftm plan`: seconds of each stage of a run, from rates. A person can do it again by hand.

With S sentences, F firms, T topics, A topic actors at work at once, and rates in small letters:

    start    = ray_start_s                                  on this machine
             = node_start_s                                 on a cluster that begins with no node
    model    = model_start_s                                where the cluster serves the model, else 0
    find     = S x (encode + cluster_s + other_s) / A       encode = encode_core_s on a core; on a card encode_card_s
                                                            times the actors that share it
    name     = T / questions a second                       a served model: named_per_s_CARD x copies;
                                                            a URL: llm.max_concurrency / answer_s; none: 0
    map      = actor_start_s + the larger of find and name  naming goes on while topics are found
    reduce   = final_start_s                                0 where it starts on an idle core while the map works
             + S x read_s                                   part files in, tables out
             + n_fits x fit_s(T) / lanes                    lanes = 1 below 3,000 topics, else one a core
             + once_1000_s x (T / 1000)^fit_power           neighbours before, consensus and stability after
             + with an LLM: T x encode / A                  below 4,096 topics T x encode_core_s
                            + themes / questions a second
    fit_s(T) = fit_least_s + fit_1000_s x (T / 1000)^fit_power      UMAP and HDBSCAN of all topics
               x short_fit above 20,000 topics                      whose fits have fewer epochs
    themes   = themes_per_root x the square root of T
    idle     = idle_s                                       a cluster's nodes go so long after the last work

T = topics_per_sentence x S unless it is given. The numbers of actors and of fits are those that a run would choose
(`map_size.py`, `themes/scaling.py`). What is left out: batches of unlike size at the map's end, Spot nodes that go and
come, waiting for capacity.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ftm_ray.run.map_size import TOPICS_WORTH_A_TASK
from ftm_ray.run.planning.rates import Rates, naming_rate
from ftm_ray.run.planning.work import Fleet, Work
from ftm_ray.run.text_vectors import TEXTS_WORTH_WORKERS
from ftm_ray.themes.scaling import TOPICS_OF_MANY_FITS

#: Rates of the clustering of all topics; an earlier run tells only their sum.
FIT_RATES = ("fit_least_s", "fit_1000_s", "once_1000_s")


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of what a run does, by what is waited for; `find` and `name` go on at once."""

    start: float
    model: float
    actors: float
    find: float
    name: float
    read_and_write: float
    fits: float
    describe: float
    idle: float

    def stages(self) -> dict[str, float]:
        """Seconds of the stages, one after the other; their sum is the wall time, but for idle nodes at the end."""
        return {
            "start": self.start,
            "model": self.model,
            "map": self.actors + max(self.find, self.name),
            "reduce": self.read_and_write + self.fits + self.describe,
            "idle": self.idle,
        }

    def bottleneck(self) -> str:
        """What takes longest of all that the run waits for."""
        waits = {
            "start": self.start + self.model + self.actors,
            "find": self.find if self.find >= self.name else 0.0,
            "name": self.name if self.name > self.find else 0.0,
            "fits": self.fits + self.read_and_write + self.describe,
        }
        return max(waits, key=lambda name: waits[name])


@dataclass(frozen=True, slots=True)
class Namer:
    """Who names: how many questions a second are answered, in a rate's name and what multiplies it.

    Attributes:
        rate: Its name; None = nobody is asked.
        times: Copies of the model, or questions under way at once.
        is_latency: The rate is the seconds of one answer, not answers in a second.
    """

    rate: str | None = None
    times: float = 1.0
    is_latency: bool = False

    def per_s(self, picked: Mapping[str, float]) -> float | None:
        """Answers in a second; None where nobody is asked."""
        if self.rate is None:
            return None
        return self.times / picked[self.rate] if self.is_latency else self.times * picked[self.rate]


def namer_of(fleet: Fleet, rates: Rates, endpoint: str, max_concurrency: int) -> Namer:
    """Who names in this plan.

    Raises:
        ConfigError: The model is served on a card whose rate nobody knows.
    """
    if endpoint == "none":
        return Namer()
    if endpoint == "serve":
        if "named_per_s" in rates.rates:  # of one copy in an earlier run
            return Namer("named_per_s", float(fleet.n_copies))
        known = rates.pick("value")
        slowest = min(
            (naming_rate(rates, card) for card in fleet.cards or ("processor",)), key=lambda name: known[name]
        )
        return Namer(slowest, float(fleet.n_copies))
    return Namer("answer_s", float(max_concurrency), is_latency=True)


def used_rates(fleet: Fleet, namer: Namer) -> list[str]:
    """The rates that a plan of this fleet hangs on."""
    encode = ["encode_card_s", "encode_core_s"] if fleet.on_cards else ["encode_core_s"]
    names = ["node_start_s", "idle_s"] if fleet.is_cluster else ["ray_start_s"]
    names += ["model_start_s"] * (fleet.n_copies > 0)
    names += ["actor_start_s", *(encode if namer.rate or not fleet.on_cards else encode[:1]), "cluster_s", "other_s"]
    names += [] if namer.rate is None else [namer.rate]
    return [*names, "final_start_s", "read_s", *FIT_RATES, "fit_power", "short_fit", "topics_per_sentence"]


def parts_of(work: Work, fleet: Fleet, namer: Namer, rate: Mapping[str, float]) -> Parts:
    """The seconds of each part, as the module says.

    Args:
        work: How much there is to do.
        fleet: On which nodes.
        namer: Who names.
        rate: Numbers by the names of rates.
    """
    sentences, topics = work.n_sentences, work.n_topics
    encode = rate["encode_card_s"] * fleet.actors_per_card if fleet.on_cards else rate["encode_core_s"]
    per_s = namer.per_s(rate)
    lanes = fleet.n_fit_lanes if topics >= TOPICS_WORTH_A_TASK else 1
    grown = (topics / 1000) ** rate["fit_power"]
    fit_s = rate["fit_least_s"] + rate["fit_1000_s"] * grown
    fit_s *= rate["short_fit"] if topics > TOPICS_OF_MANY_FITS else 1.0
    by_workers = topics >= TEXTS_WORTH_WORKERS
    embed_s = topics * (encode / fleet.n_actors if by_workers else rate["encode_core_s"])
    n_themes = rate["themes_per_root"] * topics**0.5
    return Parts(
        start=rate["node_start_s"] if fleet.is_cluster else rate["ray_start_s"],
        model=rate["model_start_s"] if fleet.n_copies else 0.0,
        actors=rate["actor_start_s"],
        find=sentences * (encode + rate["cluster_s"] + rate["other_s"]) / fleet.n_actors,
        name=topics / per_s if per_s else 0.0,
        read_and_write=(0.0 if fleet.starts_final_early else rate["final_start_s"]) + sentences * rate["read_s"],
        fits=fleet.n_fits * fit_s / min(lanes, fleet.n_fits) + rate["once_1000_s"] * grown,
        describe=embed_s + n_themes / per_s if per_s else 0.0,
        idle=rate["idle_s"] if fleet.is_cluster else 0.0,
    )
