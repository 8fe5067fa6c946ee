"""The page of `ftm report`, opened from disk in a real Chromium: what a person clicks, and what must never happen."""

from pathlib import Path

import pytest
from chromium import driver, launch, open_file
from command import ftm
from hostile import HOSTILE, make_hostile
from invented import QUARTER
from published import NEXT, copy_run, publish

from ftm_ray.lake.storage import Lake
from ftm_ray.results.report.writer import SCRIPTS
from ftm_ray.run.lineage import extend_lineage

VIEWS = (
    "",
    "#theme=U2024Q1-0001",
    "#topic=F1%2F0&quarter=2024Q2",
    "#firm=F1",
    "#river=",
    "#quality=",
    "#firms=",
    "#q=freight",
)


@pytest.fixture(scope="module")
def playwright():
    with driver() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright):
    running = launch(playwright)
    yield running
    running.close()


@pytest.fixture
def lake(tmp_path):
    """An empty lake: this page needs no run on Ray."""
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def root(six_firms_run, config):
    """Two linked quarters of the six invented firms."""
    run = publish(six_firms_run, config)
    copy_run(run.lake, run.lake, run.run_id, NEXT)
    extend_lineage(run.lake.root, [QUARTER, NEXT])
    return run.lake


def report(lake, *options, name="page.html"):
    """Make the page of both quarters as a person would."""
    path = Path(lake.root).parent / name
    result = ftm("report", NEXT, "--from", QUARTER, "--root", lake.root, "--out", path, *options)
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def opened(chromium, root):
    """The page, open; at the end it must have said nothing and asked for nothing but itself."""
    opened = open_file(chromium, report(root))
    yield opened
    assert opened.said == []
    assert set(opened.asked) == {opened.address}
    opened.page.context.close()


def title(opened):
    return opened.page.inner_text("#panel h2")


def test_from_theme_to_topic_to_sentence_to_firm(opened):
    page = opened.page
    assert title(opened) == f"2 themes of {NEXT}"
    page.click("#panel .themes a >> nth=0")
    page.wait_for_selector("text=ftm trace 2024Q2-0001 --root ROOT")  # a view changes a moment after the click
    assert page.evaluate("document.activeElement.tagName") == "H2"
    theme = title(opened)
    page.click("#panel .topics li a >> nth=0")
    page.wait_for_selector("#panel blockquote")
    assert theme in page.inner_text("#panel dl")
    assert page.locator("#panel blockquote").count() == 2
    page.click("#panel .sentences a >> nth=0")
    page.wait_for_selector(f"#panel h3:has-text('{NEXT}: 3 topics')")
    page.go_back()
    page.wait_for_selector("#panel blockquote")


def test_a_deep_link_opens_the_theme(chromium, root):
    opened = open_file(chromium, report(root), "#theme=U2024Q1-0002&quarter=2024Q1")
    assert "2024Q1-0002, over quarters U2024Q1-0002" in opened.page.inner_text("#panel")
    assert opened.page.input_value("#filter-quarter") == QUARTER
    opened.page.context.close()


def test_what_a_link_names_and_the_page_lacks_is_said(opened):
    opened.page.evaluate("location.hash = '#theme=U1999Q1-0001'")
    opened.page.wait_for_selector("text=There is no theme U1999Q1-0001.")


def test_search_and_filters(opened):
    page = opened.page
    page.fill("#search", "freight")
    page.wait_for_selector("#panel .topics li")
    page.fill("#search", "no such word")
    page.wait_for_selector("#panel >> text=0 themes, 0 firms, 0 topics")
    page.fill("#search", "")
    page.fill("#filter-firms", "1000")
    page.wait_for_selector(f"text=0 of 2 themes of {NEXT}")
    page.fill("#filter-firms", "0")
    page.select_option("#filter-quarter", QUARTER)
    page.wait_for_selector(f"text=2 themes of {QUARTER}")


def test_a_theme_that_is_called_so_comes_before_one_that_only_says_so(opened):
    order = opened.page.evaluate("""() => {
      const [first, second] = page.themes.filter((theme) => theme.quarter === 1);
      const word = second.label.toLowerCase().split(/[ ,]+/).find((word) => !first.label.toLowerCase().includes(word));
      first.haystack += ` ${word}`;
      return search(word, 1).themes.map((theme) => theme === second);
    }""")
    assert order == [True, False]


def test_an_unstable_theme_is_listed_after_the_others_of_its_kind(opened):
    before, after = opened.page.evaluate("""() => {
      const list = () => listedThemes().map((theme) => theme.theme_id);
      const before = list(), first = listedThemes()[0], { stability } = first, kinds = page.themes.map((t) => t.kind);
      for (const theme of page.themes) theme.kind = "subject";
      first.stability = "unstable";
      const after = list();
      first.stability = stability;
      page.themes.forEach((theme, at) => { theme.kind = kinds[at]; });
      return [before, after];
    }""")
    assert len(before) == 2 and after == before[::-1]


def test_the_questions_that_the_page_asks_itself_change_nothing(opened):
    page = opened.page
    shown = page.inner_html("#panel")
    asked = page.evaluate("""async () => {
      const questions = [], real = search;
      search = (question, quarter) => { if (!quarter) questions.push(question); return real(question, quarter); };
      await warmSearch(0); // the page itself has done so for the quarter that it shows, which is another
      return questions;
    }""")
    assert 0 < len(asked) <= 4
    assert all(asked)
    assert (page.inner_html("#panel"), page.evaluate("location.hash")) == (shown, "")


def test_the_map_shows_a_point_under_the_pointer_and_opens_its_topic(opened):
    page = opened.page
    x, y = page.evaluate("(() => { const at = map.toScreen({ x: topics.x[page.firstTopic[1]] / 65535,"
                         " y: topics.y[page.firstTopic[1]] / 65535 }); return [at.x, at.y]; })()")  # fmt: skip
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.wait_for_selector("#hover", state="visible")
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.wait_for_selector("#panel blockquote")
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    before = page.evaluate("map.centre.x")
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.up()
    assert page.evaluate("map.centre.x") < before


#: How far the colour of the picture is from that of its theme where each topic of the second quarter lies, and what is
#: shown. Six topics lie at each place, so hardly anything of the background shines through.
SEEN = """() => {
  const { canvas, pen, picture, ratio } = map, differs = [];
  for (let topic = page.firstTopic[1]; topic < topics.n; topic++) {
    const at = map.toScreen({ x: topics.x[topic] / 65535, y: topics.y[topic] / 65535 });
    const x = Math.floor((at.x + BEYOND * map.width) * ratio), y = Math.floor((at.y + BEYOND * map.height) * ratio);
    const pixel = picture.image.data.slice(4 * (y * canvas.width + x), 4 * (y * canvas.width + x) + 3);
    const colour = topics.theme[topic] ? map.colours[topics.theme[topic] - 1] : NO_THEME;
    differs.push(Math.max(...colour.map((value, i) => Math.abs(value - pixel[i]))));
  }
  const shown = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const of_labels = picture.image.data.filter((value, i) => value !== shown[i]).length / shown.length;
  return { differs, corner: [...shown.slice(0, 4)], of_labels, size: [canvas.width, canvas.height] };
}"""
BACKGROUND = [251, 251, 252, 255]


@pytest.mark.parametrize("dots", [1, 2])
def test_the_map_draws_each_topic_at_its_place_in_the_colour_of_its_theme(chromium, root, dots):
    opened = open_file(chromium, report(root), dots=dots)
    seen = opened.page.evaluate(SEEN)
    assert len(seen["differs"]) == 18
    assert max(seen["differs"]) < 10, seen
    assert seen["corner"] == BACKGROUND
    assert 0 < seen["of_labels"] < 0.01, seen
    width, height = (1.5 * dots * opened.page.evaluate(f"map.{side}") for side in ("width", "height"))
    assert seen["size"] == pytest.approx([width, height], abs=1)
    opened.page.context.close()


def test_what_is_chosen_stands_out_and_the_rest_is_pale(opened):
    opened.page.evaluate("location.hash = addressOf({ theme: page.themes.find((theme) => theme.quarter === 1).uid })")
    opened.page.wait_for_function("state.chosen !== null")
    opened.page.evaluate("map.showAll()")
    opened.page.wait_for_timeout(200)
    differs = opened.page.evaluate(SEEN)["differs"]
    chosen = opened.page.evaluate(
        "[...topics.theme.slice(page.firstTopic[1])].map((n) => n - 1 === state.chosen.number)"
    )
    assert sum(chosen) == 6
    assert all((far < 1) == is_chosen for far, is_chosen in zip(differs, chosen, strict=True)), differs


def test_another_size_is_drawn_before_it_is_seen(opened):
    """A canvas of another size is black until something is drawn."""
    seen = opened.page.evaluate("""() => new Promise((done) => {
      let isFirst = true;
      const observer = new ResizeObserver(() => {
        if (!isFirst) {
          observer.disconnect();
          return done([...map.pen.getImageData(0, 0, 1, 1).data]);
        }
        isFirst = false; // it begins with the size that is known
        setTimeout(() => { map.box.style.flex = "none"; map.box.style.height = "300px"; });
      });
      observer.observe(map.box); // told after the map's own observer
    })""")
    assert seen == BACKGROUND
    assert opened.page.evaluate("map.height") == 300
    opened.page.evaluate("location.hash = '#river='")  # which hides the map
    opened.page.wait_for_function("map.width === 0")
    opened.page.evaluate("location.hash = '#home='")
    opened.page.wait_for_function("map.width > 0")
    opened.page.evaluate("map.showAll(); map.draw()")
    coloured = "map.picture.image.data.filter((value, i) => i % 4 === 0 && value !== BACKGROUND[0]).length"
    assert opened.page.evaluate(coloured) > 100
    assert opened.page.evaluate("map.picture.image.width === map.canvas.width && map.canvas.height === 450")


def test_a_disc_that_the_edge_would_cut_is_left_out_and_harms_no_other_row(opened):
    differing = opened.page.evaluate("""() => {
      const picture = new Picture(20, 10), paint = new Uint8Array(4 * topics.n).fill(255);
      const [x, y] = [topics.x[0] / 65535, topics.y[0] / 65535];
      const drawn = (column, row) => {
        picture.empty();
        const left = column - 100 * x, bottom = row + 100 * y;
        picture.drawPoints(0, 1, paint, { left, bottom, scale: 100, diameter: 3.2 });
        return picture.image.data.filter((value, place) => place % 4 === 0 && value !== BACKGROUND[0]).length;
      };
      return [drawn(10, 5), drawn(1, 1), drawn(0, 5), drawn(19, 5), drawn(10, 0), drawn(10, 9), drawn(18, 8)];
    }""")
    assert differing == [9, 9, 0, 0, 0, 0, 9]


def test_by_keyboard_alone(opened):
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.startsWith('#theme=')")
    page.focus("#map")
    scale = page.evaluate("map.scale")
    page.keyboard.press("+")
    assert page.evaluate("map.scale") > scale
    before = page.evaluate("map.centre.x")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("map.centre.x") > before


def test_axe_finds_nothing_in_any_view(chromium, root):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    opened = open_file(chromium, report(root), bypass_csp=True)  # for axe's own script alone
    for view in VIEWS:
        opened.page.evaluate(f"location.hash = {view or '#home'!r}")
        opened.page.wait_for_timeout(200)
        found = axe.Axe().run(opened.page).response["violations"]
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == [], view
    opened.page.context.close()


def test_print_shows_the_panel_alone(opened):
    opened.page.emulate_media(media="print")
    assert not opened.page.is_visible("#map-side")
    assert opened.page.is_visible("#panel .themes")
    assert len(opened.page.pdf()) > 10_000


def test_without_spoken_words_the_page_says_so(chromium, root):
    opened = open_file(chromium, report(root, "--exemplars", 0))
    assert "This page holds no spoken word" in opened.page.inner_text("#panel")
    opened.page.click("#panel .themes a >> nth=0")
    opened.page.wait_for_selector("#panel >> text=made without spoken words")
    opened.page.context.close()


def test_hostile_texts_in_every_column_do_nothing(chromium, root):
    for quarter in (QUARTER, NEXT):
        make_hostile(root, quarter)
    opened = open_file(chromium, report(root))
    page = opened.page
    for view in ("#theme=2024Q2-0001", "#theme=2024Q1-0002", "#river=", "#quality=", "#firms=", "#home="):
        page.evaluate(f"location.hash = {view!r}")
        page.wait_for_timeout(200)
        assert page.locator("#panel h2").count() == 1, view
    for text in HOSTILE:
        page.evaluate("text => { location.hash = addressOf({ q: text.slice(0, 200) }); }", text)
        page.evaluate("text => { location.hash = addressOf({ firm: text }); }", text[:200])
    page.evaluate("location.hash = topicLink(page.firstTopic[1], 'x').getAttribute('href')")
    page.wait_for_selector("#panel blockquote")
    page.click("#panel a >> nth=0")
    page.wait_for_timeout(300)
    assert page.evaluate("window.harmed") is None
    assert page.locator("img, iframe, link, base").count() == 0
    assert page.locator("body script:not([type])").count() == len(SCRIPTS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert opened.said == []
    assert set(opened.asked) == {opened.address}
    page.context.close()
