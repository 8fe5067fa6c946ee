"""The LLM's texts, encoded by actors of Ray Data, have the bytes that one process gives them."""

import numpy as np
from invented import SENTENCES

from ftm_ray.config import EmbedSettings, RunConfig
from ftm_ray.run import text_vectors
from ftm_ray.run.datasets import embedded_on_ray
from ftm_ray.run.map_size import MapSize
from ftm_ray.run.text_vectors import embedded
from ftm_ray.vectors.encoder import SentenceEncoder


def test_actors_give_the_vectors_of_one_process_in_the_order_of_the_texts(ray_cluster, monkeypatch):
    monkeypatch.setattr(text_vectors, "TEXTS_IN_BLOCK", 50)
    texts = [f"{SENTENCES[number % len(SENTENCES)]} Said {number} times." for number in range(105)]
    config = RunConfig(embed=EmbedSettings(precision="fp32"), workers=2)
    size = MapSize(n_places=2, gpus_per_actor=0.0, device="cpu", cores=2)
    here = embedded(texts, lambda: SentenceEncoder(config.embed), None)
    assert np.array_equal(embedded_on_ray(config, size, texts), here)
