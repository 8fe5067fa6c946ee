"""Would plotly's `scattergl` do for the map of `ftm report`? Size, policy, seconds, frames while dragging.

    python tests/benchmarks/plotly_map.py [--points 75000]

One page with the plotly.js that lies in the installed wheel and as many points in 1,400 colours, opened in Chromium
without a GPU under two policies: that of our page (scripts by their digest alone), and one that lets it do anything.
The frames are those of a drag of the pointer in the mode "pan", as in tests/benchmarks/report_page.py.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

#: WebGL 2 drawn by the processor.
_SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")

_DRAW = """
const n = %d, x = [], y = [], color = [];
let seed = 1; const next = () => (seed = (seed * 16807) %% 2147483647) / 2147483647;
for (let i = 0; i < n; i++) { x.push(next()); y.push(next()); color.push(`hsl(${i %% 360} 60%% 45%%)`); }
const start = performance.now();
Plotly.newPlot("map", [{ type: "scattergl", mode: "markers", x, y, marker: { color, size: 4 }, hoverinfo: "none" }],
  { dragmode: "pan", margin: { l: 0, r: 0, t: 0, b: 0 }, width: 840, height: 800 }, { displayModeBar: false })
  .then(() => {
    document.body.dataset.drawn = performance.now();
    document.body.dataset.call = performance.now() - start;
  });
"""
_COUNT = """() => {
  window.frames_at = [];
  const tick = () => { frames_at.push(performance.now()); requestAnimationFrame(tick); };
  tick();
}"""


def measure(path: Path, points: int, policy: str) -> dict[str, object]:
    """Open the page under a policy and drag it for three seconds."""
    import plotly
    from chromium import browser

    library = (Path(plotly.__file__).parent / "package_data/plotly.min.js").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    body = f'<div id="map"></div><script>{library}</script><script>{_DRAW % points}</script>'
    path.write_text(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>", encoding="utf-8")
    said: list[str] = []
    with browser(*_SOFTWARE_GL) as running:
        page = running.new_page(viewport={"width": 1400, "height": 900})
        page.on("console", lambda message: said.append(message.text[:160]))
        page.on("pageerror", lambda error: said.append(str(error)[:160]))
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("body[data-drawn]", state="attached", timeout=120_000)
        page.wait_for_timeout(1000)
        found = {name: page.evaluate(f"Number(document.body.dataset.{name}) / 1000") for name in ("drawn", "call")}
        page.evaluate(_COUNT)
        page.mouse.move(400, 400)
        page.mouse.down()
        for step in range(90):
            page.mouse.move(400 + 3 * (step % 30), 400)
        page.mouse.up()
        frames = page.evaluate("frames_at")
    gaps = [after - before for before, after in zip(frames, frames[1:], strict=False)]
    speed = {"fps": round(1000 * len(gaps) / sum(gaps), 1), "worst_ms": round(max(gaps))}
    return {"library_mb": round(len(library) / 1e6, 2), **found, **speed, "n_complaints": len(said), "first": said[:3]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=75_000)
    points = parser.parse_args().points
    policies = {"anything": "default-src * 'unsafe-inline' 'unsafe-eval' data: blob:"}
    policies["inline, no eval"] = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
    policies["scripts alone"] = "default-src 'none'; script-src 'unsafe-inline'"
    with tempfile.TemporaryDirectory() as folder:
        for name, policy in policies.items():
            print(name, json.dumps(measure(Path(folder, "plotly.html"), points, policy), ensure_ascii=False))


if __name__ == "__main__":
    main()
