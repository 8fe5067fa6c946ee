"use strict";
// From the address to what is shown: filters, search, and the start of the page.

const byId = (id) => document.getElementById(id);
const state = { quarter: 0, kind: "", minFirms: 0, order: "kind", chosen: null, marked: null, topic: -1 };
let map = null;

function isShown(theme) {
  return (!state.kind || theme.kind === state.kind) && theme.n_firms >= state.minFirms;
}

/** The themes of the quarter that pass the filters, in the order that was asked for. */
function listedThemes() {
  const themes = page.themes.filter((theme) => theme.quarter === state.quarter && isShown(theme));
  const last = (value) => (value === null ? -Infinity : value);
  const keys = {
    kind: (a, b) =>
      (KIND_ORDER[a.kind] ?? 0) - (KIND_ORDER[b.kind] ?? 0) || (a.stability === "unstable") - (b.stability === "unstable"),
    size: () => 0,
    surprise: (a, b) => last(b.surprise) - last(a.surprise) || 0,
    stability: (a, b) => last(b.stability_seeds) - last(a.stability_seeds) || 0,
  };
  return themes.sort((a, b) => keys[state.order](a, b) || b.n_topics - a.n_topics || a.number - b.number);
}

/** What the address asks for: { theme, topic, firm, quarter, q, home ... }. */
function address() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function quarterNamed(name) {
  return page.quarters.indexOf(name);
}

/** The theme that an address names: by its id of a quarter, or over quarters. */
function themeNamed(name, quarter) {
  const known = page.byUid.get(name);
  if (known) return known.find((theme) => theme.quarter === quarter) || known[known.length - 1];
  return page.themes.find((theme) => theme.theme_id === name);
}

/** Show what the address asks for. */
function route(isFirst) {
  const asked = address();
  if (quarterNamed(asked.quarter) >= 0) state.quarter = quarterNamed(asked.quarter);
  Object.assign(state, { chosen: null, marked: null, topic: -1 });
  let parts = null;
  if (asked.theme !== undefined) parts = routeTheme(asked.theme);
  else if (asked.topic !== undefined) parts = routeTopic(asked.topic);
  else if (asked.firm !== undefined) parts = routeFirm(asked.firm);
  else if (asked.q) parts = routeSearch(asked.q);
  else if (asked.river !== undefined) parts = riverCard(isShown, state.quarter);
  else if (asked.firms !== undefined) parts = firmsCard(state.quarter);
  else if (asked.quality !== undefined) parts = qualityCard();
  document.body.classList.toggle("wide", asked.river !== undefined && page.quarters.length > 1);
  byId("panel").replaceChildren(...(parts || themeListCard(listedThemes(), state.quarter)).filter(Boolean));
  byId("panel").scrollTop = 0;
  byId("filter-quarter").value = page.quarters[state.quarter];
  if (asked.q === undefined) byId("search").value = "";
  else if (document.activeElement !== byId("search")) byId("search").value = asked.q;
  showMap();
  const title = byId("panel").querySelector("h2");
  if (!isFirst && title && document.activeElement !== byId("search") && !byId("filters").contains(document.activeElement)) title.focus();
}

function notFound(what) {
  return [heading("Not on this page"), words(`There is no ${what}.`, "p"), make("p", {}, link({ home: "" }, "All themes"))];
}

function routeTheme(name) {
  const theme = themeNamed(name, state.quarter);
  if (!theme) return notFound(`theme ${cut(name, 100)}`);
  state.quarter = theme.quarter;
  state.chosen = theme;
  return themeCard(theme);
}

function routeTopic(key) {
  const topic = findTopic(key, state.quarter);
  if (topic < 0) return notFound(`topic ${cut(key, 100)} in ${page.quarters[state.quarter]}`);
  Object.assign(state, { chosen: themeOf(topic), topic });
  return topicCard(topic);
}

function routeSearch(question) {
  const found = search(question, state.quarter);
  state.marked = new Set(found.topics);
  return searchCard(question, found, state.quarter);
}

function routeFirm(id) {
  const number = page.firms.findIndex((firm) => firm.id === id);
  if (number < 0) return notFound(`firm ${cut(id, 100)}`);
  state.marked = new Set(topicsOfFirm(number, state.quarter));
  return firmCard(number, state.quarter);
}

function showMap() {
  const themes = page.themes.filter((theme) => theme.quarter === state.quarter);
  const shown = themes.filter(isShown).length;
  byId("filtered").textContent = shown === themes.length ? "" : `${shown} of ${count(themes.length, "theme")}`;
  map.show({ ...state, isShown });
  map.lookAt(state);
}

/** How far the page can be trusted, and what it holds. */
function qualityCard() {
  const holds = [
    `${count(topics.n, "topic")} and ${count(page.themes.length, "theme")} of ${page.quarters.join(", ")}, with labels, keywords, and the summaries that an LLM wrote.`,
    page.n_exemplars
      ? `Of each topic at most ${count(page.n_exemplars, "sentence")}, as spoken, with the speaker's name and the day of the call. Whoever gets this page gets these words: mind the licence of the transcripts.`
      : "No spoken word: no sentence of a call and no speaker's name. What is named by keywords has keywords alone.",
  ];
  const lacks = "Not on it: all other sentences, vectors and sentiment, which lie in the published tables (ftm trace, ftm sql), and sectors of firms, which no source gives.";
  const tables = page.quality.map((lines, quarter) => make("section", {}, make("h3", {}, page.quarters[quarter]), facts(lines.map(([name, value]) => [name, words(value, "span")]))));
  return [
    heading("Quality and contents"),
    make("h3", {}, "What this page holds"),
    make("ul", {}, ...holds.map((line) => make("li", {}, line)), make("li", {}, lacks)),
    make("p", { class: "dim" }, "Places on the map: topics that say alike lie near each other; left, right, up and down mean nothing. Distances between far groups mean little."),
    ...tables,
    make("p", { class: "dim" }, `Made by ftm-ray ${page.version}.`),
  ];
}

function fillFilters() {
  const option = (value, name) => make("option", { value }, name);
  byId("filter-quarter").append(...page.quarters.map((quarter) => option(quarter, quarter)));
  const kinds = Object.keys(KIND_ORDER).filter((kind) => page.themes.some((theme) => theme.kind === kind));
  byId("filter-kind").append(option("", "all"), ...kinds.map((kind) => option(kind, kind)));
  byId("filter-kind").parentElement.hidden = !kinds.length;
}

function listen() {
  const again = () => {
    state.kind = byId("filter-kind").value;
    state.minFirms = Number(byId("filter-firms").value) || 0;
    state.order = byId("order").value;
    route(false);
  };
  for (const id of ["filter-kind", "filter-firms", "order"]) byId(id).addEventListener("input", again);
  byId("filter-quarter").addEventListener("input", () => {
    const asked = { ...address(), quarter: byId("filter-quarter").value };
    if (asked.topic !== undefined || Object.keys(asked).length === 1) { delete asked.topic; asked.home = ""; }
    location.hash = addressOf(asked);
  });
  byId("search").addEventListener("input", () => {
    const question = byId("search").value.trim();
    history.replaceState(null, "", question ? addressOf({ q: question }) : "#home");
    route(false);
  });
  byId("search-form").addEventListener("submit", (event) => event.preventDefault());
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("panel").focus(); });
  window.addEventListener("hashchange", () => route(false));
  window.addEventListener("beforeprint", () => {
    for (const box of document.querySelectorAll("#panel div")) if (box.showAll) box.showAll();
  });
}

function startMap() {
  map = new TopicMap(byId("map"));
  listenToMap(map, (topic) => {
    location.hash = addressOf({ topic: topicKey(topic), quarter: page.quarters[state.quarter] });
  });
}

/** When the frame after the next one begins: the next one is then handed over to be shown. */
function nextFrameShown() {
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

/** Note a moment of the start, in milliseconds since the page was asked for. */
function noteMoment(name) {
  document.body.dataset[name] = Math.round(performance.now());
}

async function start() {
  await readThemes();
  await readMap();
  const asked = quarterNamed(address().quarter);
  state.quarter = asked >= 0 ? asked : page.quarters.length - 1;
  startMap();
  showMap();
  nextFrameShown().then(() => noteMoment("drawn"));
  await readText();
  lowerWords();
  fillFilters();
  listen();
  byId("search").disabled = false;
  route(true);
  noteMoment("ready");
  await warmSearch(state.quarter);
}

start();
