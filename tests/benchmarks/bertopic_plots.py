"""BERTopic's own plots of a published quarter, to look at beside the page of `ftm report` (docs/report.md).

    python tests/benchmarks/bertopic_plots.py ROOT QUARTER FOLDER

BERTopic is told the topics (our themes), their vectors and their places, so that both show the same; each plot becomes
an HTML file in FOLDER.
"""

import sys
from pathlib import Path

import numpy as np

from ftm_ray.lake.storage import Lake
from ftm_ray.results.report.blocks import _memberships
from ftm_ray.results.report.content import read_quarters
from ftm_ray.results.report.layout import place_topics


def main() -> None:
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction

    root, quarter, folder = sys.argv[1:]
    [found] = read_quarters(Lake(root), [quarter])
    texts = found.topics["representation"].to_pylist()
    themes = _memberships(found, 1)[0].astype(np.int64) - 1
    model = BERTopic(
        embedding_model=BaseEmbedder(),
        umap_model=BaseDimensionalityReduction(),
        hdbscan_model=BaseCluster(),
    )
    model.fit(texts, embeddings=found.vectors, y=themes)
    [places] = place_topics([found.vectors])
    Path(folder).mkdir(parents=True, exist_ok=True)
    plots = {
        "documents": model.visualize_documents(texts, reduced_embeddings=places.astype(float), sample=1.0),
        "topics": model.visualize_topics(),
        "barchart": model.visualize_barchart(top_n_topics=20),
        "hierarchy": model.visualize_hierarchy(),
    }
    for name, plot in plots.items():
        path = Path(folder, f"{name}.html")
        plot.write_html(path, include_plotlyjs=True)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
