"use strict";
// What stands in the panel: the list of themes, and a card for a theme, a topic, a firm, for time, for quality.

const KIND_ORDER = { subject: 0, results: 1, vague: 2 };
const STABILITY_WORDS = { highly_stable: "highly stable" };
const SECTION_WORDS = new Map([["qa", "questions and answers"], ["prepared", "prepared remarks"]]);

function themeLink(theme, attributes) {
  return link({ theme: theme.uid, quarter: page.quarters[theme.quarter] }, theme.label, attributes);
}

/** A theme by its id over quarters: a link where the page has it, else the id. */
function uidLink(uid) {
  const known = page.byUid.get(uid);
  return known ? themeLink(known[known.length - 1]) : words(uid);
}

function topicLink(topic, label) {
  return link({ topic: topicKey(topic), quarter: page.quarters[quarterOf(topic)] }, label);
}

function firmLink(number) {
  return link({ firm: page.firms[number].id }, firmName(number));
}

function topicLabel(topic) {
  return text ? cut(labelOf(topic), 300) : topicKey(topic);
}

/** A line of the list of themes. */
function themeItem(theme) {
  const facts = [count(theme.n_firms, "firm"), theme.kind, theme.stability && stabilityWord(theme)];
  if (theme.change !== null) facts.push(`${theme.change >= 0 ? "+" : "−"}${percent(Math.abs(theme.change))} since the quarter before`);
  const item = make("li", { class: "theme" });
  if (page.quarters.length > 1) item.append(attentionLine(theme.uid, 80, 18));
  item.append(swatch(theme.uid), link({ theme: theme.uid, quarter: page.quarters[theme.quarter] }, cut(theme.label, 200)));
  item.append(make("div", { class: "dim" }, facts.filter(Boolean).join(" · ")));
  if (theme.text) item.append(words(cut(theme.text, 220), "div", { class: "brief" }));
  return item;
}

function swatch(uid) {
  const mark = make("span", { class: "swatch", "aria-hidden": "true" });
  mark.style.background = cssColour(uid);
  return mark;
}

function stabilityWord(theme) {
  return STABILITY_WORDS[theme.stability] || theme.stability;
}

function heading(content) {
  return words(content, "h2", { tabindex: "-1" });
}

function themeListCard(themes, quarter) {
  const all = page.themes.filter((theme) => theme.quarter === quarter).length;
  const title = heading(`${themes.length === all ? count(all, "theme") : `${themes.length} of ${count(all, "theme")}`} of ${page.quarters[quarter]}`);
  const hint = page.n_exemplars ? [] : [make("p", { class: "notice" }, "This page holds no spoken word: no sentences of calls, no speakers.")];
  return [title, ...hint, longList(themes, themeItem, 60, { class: "themes" })];
}

/** Name and value of facts; those without a value are left out. */
function facts(rows) {
  const list = make("dl");
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === "") continue;
    list.append(make("dt", {}, name), make("dd", {}, value));
  }
  return list;
}

function joined(parts) {
  return make("span", {}, ...parts.flatMap((part, place) => (place ? [", ", part] : [part])));
}

function themeCard(theme) {
  const members = membersOf(theme);
  const quarter = page.quarters[theme.quarter];
  return [
    make("p", { class: "dim" }, swatch(theme.uid), `Theme ${theme.theme_id}${theme.uid === theme.theme_id ? "" : `, over quarters ${theme.uid}`}`),
    heading(theme.label),
    theme.text ? words(theme.text, "p") : null,
    make("p", { class: "dim" }, theme.named_by_llm ? "Label and description are written by an LLM." : "Named by its keywords, by no LLM."),
    facts(themeFacts(theme)),
    page.quarters.length > 1 ? attentionTable(theme) : null,
    make("h3", {}, "Sentences that stand for it"),
    theme.exemplars.length && page.n_exemplars ? sentenceList(theme.exemplars.slice(0, 6).map((topic) => [topic, 1])) : noSentences(),
    make("p", {}, "All of its sentences: ", make("code", {}, `ftm trace ${theme.theme_id} --root ROOT`)),
    make("h3", {}, "Firms that say most"),
    make("p", {}, joined(theme.firms.map(firmLink))),
    make("h3", {}, `Its ${count(members.length, "topic")} in ${quarter}, nearest to its centre first`),
    longList(members, (topic) => topicItem(topic, true, false), 20, { class: "topics" }),
  ];
}

function themeFacts(theme) {
  const between = (value) => (value === null ? null : value.toFixed(2));
  return [
    ["Kind", theme.kind],
    ["Size", `${count(theme.n_firms, "firm")} (${percent(theme.share)} of them all), ${count(theme.n_topics, "topic")}, ${count(theme.n_sentences, "sentence")}`],
    ["Over quarters", theme.name_over_quarters && theme.name_over_quarters !== theme.label ? words(theme.name_over_quarters, "span") : null],
    ["Keywords", words(theme.keywords.join(", "), "span")],
    ["Stability", theme.stability && `${stabilityWord(theme)} (${between(theme.stability_seeds)} over seeds, ${between(theme.stability_firms) ?? "?"} without a fifth of the firms; 1 = always the same)`],
    ["Support", theme.support === null ? null : `${between(theme.support)} of 1: how far its topics bear out its name`],
    ["Nobody said", theme.unsupported && theme.unsupported.length ? words(theme.unsupported.join(", "), "span") : null],
    ["Cohesion", between(theme.cohesion)],
    ["Group", theme.group_label && words(theme.group_label, "span")],
    ["Surprise", theme.surprise === null ? null : `${theme.surprise.toFixed(1)} standard deviations of the usual change`],
    ["Came", cameFrom(theme)],
    ["Then", wentInto(theme)],
  ];
}

function cameFrom(theme) {
  if (!theme.edge) return null;
  const parts = [EDGE_WORDS[theme.edge]];
  if (theme.parent_uid) parts.push(theme.edge === "revived" ? " out of " : " ", uidLink(theme.parent_uid));
  return make("span", {}, ...parts);
}

/** What split off from a theme, went into it, and how it ended, in any quarter of the page. */
function wentInto(theme) {
  const lines = [];
  const at = (quarter) => ` (${page.quarters[quarter]})`;
  for (const other of page.themes) {
    if (other.parent_uid === theme.uid && other.edge === "split") lines.push(make("div", {}, themeLink(other), ` split off from it${at(other.quarter)}`));
  }
  for (const end of page.ends) {
    if (end.parent_uid === theme.uid && end.edge === "absorb") lines.push(make("div", {}, uidLink(end.theme_uid), ` went into it${at(end.quarter)}`));
    if (end.theme_uid === theme.uid) {
      lines.push(make("div", {}, EDGE_WORDS[end.edge], end.parent_uid ? " " : "", end.parent_uid ? uidLink(end.parent_uid) : "", at(end.quarter)));
    }
  }
  return lines.length ? make("div", {}, ...lines) : null;
}

function attentionTable(theme) {
  const known = page.byUid.get(theme.uid);
  const rows = page.quarters.map((quarter, number) => {
    const there = known.find((one) => one.quarter === number);
    const label = there ? (there === theme ? words(there.label, "strong") : themeLink(there)) : "nobody speaks of it";
    return make("tr", {}, make("th", { scope: "row" }, quarter), make("td", {}, there ? percent(there.share) : ""), make("td", {}, label));
  });
  const head = make("tr", {}, ...["Quarter", "Firms", "Called"].map((name) => make("th", { scope: "col" }, name)));
  return make("div", {}, make("h3", {}, "Attention"), attentionLine(theme.uid, 320, 60), make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function topicItem(topic, withFirm, withTheme) {
  const theme = themeOf(topic);
  const about = make("div", { class: "dim" });
  if (withFirm) about.append(firmLink(topics.firm[topic]), " · ");
  if (withTheme) about.append(...(theme ? [swatch(theme.uid), link({ theme: theme.uid, quarter: page.quarters[theme.quarter] }, cut(theme.label, 80))] : ["in no theme"]), " · ");
  about.append(count(topics.size[topic], "sentence"));
  return make("li", {}, topicLink(topic, topicLabel(topic)), about);
}

function topicCard(topic) {
  const theme = themeOf(topic);
  const quarter = page.quarters[quarterOf(topic)];
  const summary = text ? summaryOf(topic) : "";
  const shown = Math.min(page.n_exemplars, topics.size[topic]);
  return [
    make("p", { class: "dim" }, "Topic of ", firmLink(topics.firm[topic]), ` in ${quarter}`),
    heading(text ? labelOf(topic) : topicKey(topic)),
    summary ? words(summary, "p") : null,
    make("p", { class: "dim" }, summary ? "Label and summary are written by an LLM." : "Named by its keywords, by no LLM."),
    facts([
      ["Theme", theme ? make("span", {}, swatch(theme.uid), themeLink(theme)) : "in no theme"],
      ["Near its centre", theme && topics.similarity[topic] !== UNKNOWN ? `${(topics.similarity[topic] / 100).toFixed(2)} (cosine)` : null],
      ["Keywords", text ? words(keywordsOf(topic), "span") : null],
      ["Sentences", topics.size[topic].toLocaleString("en")],
      ["Support", topics.support[topic] === UNKNOWN ? null : `${(topics.support[topic] / 100).toFixed(2)} of 1: how far its sentences bear out its name`],
    ]),
    make("h3", {}, page.n_exemplars ? `${shown === topics.size[topic] ? "All" : `The ${shown} most telling`} of its sentences` : "Sentences"),
    page.n_exemplars ? sentenceList([[topic, page.n_exemplars]]) : noSentences(),
    theme ? make("p", {}, "All sentences of its theme: ", make("code", {}, `ftm trace ${theme.theme_id} --root ROOT`)) : null,
  ];
}

function noSentences() {
  return make("p", { class: "notice" }, "This page was made without spoken words (--exemplars 0).");
}

/** Sentences of some topics, [topic, how many] each, with who said them and when; they come when they are unpacked. */
function sentenceList(wanted) {
  const list = make("ul", { class: "sentences" }, make("li", { class: "dim" }, "Unpacking."));
  Promise.all(wanted.map(async ([topic, n]) => (await sentencesOf(topic)).slice(0, n).map((sentence) => sentenceItem(topic, sentence))))
    .then((found) => list.replaceChildren(...found.flat()));
  return list;
}

function sentenceItem(topic, [said, speaker, kind, day, section, id]) {
  const who = [speaker, kind].filter(Boolean).join(", ") || "speaker not known";
  const when = [day, SECTION_WORDS.get(section)].filter(Boolean).join(", ");
  return make("li", {},
    words(said, "blockquote"),
    make("div", { class: "dim" }, words(who, "span"), " · ", firmLink(topics.firm[topic]), ` · ${when} · `, make("span", { class: "id" }, id)));
}

function firmCard(number, quarter) {
  const firm = page.firms[number];
  const blocks = [];
  const quarters = [quarter, ...page.quarters.keys()].filter((one, place, all) => all.indexOf(one) === place);
  for (const one of quarters) {
    const own = topicsOfFirm(number, one);
    blocks.push(make("h3", {}, `${page.quarters[one]}: ${count(own.length, "topic")}`), longList(own, (topic) => topicItem(topic, false, true), 30, { class: "topics" }));
  }
  return [make("p", { class: "dim" }, "Firm"), heading(firmName(number)), facts([["Id", words(firm.id)], ["PERMNO", firm.permno === null ? "not linked" : String(firm.permno)]]), ...blocks];
}

/** The topics of a firm in a quarter, largest first. */
function topicsOfFirm(number, quarter) {
  const found = [];
  const first = page.firstTopic[quarter];
  for (let topic = first; topic < first + page.n_topics[quarter]; topic++) if (topics.firm[topic] === number) found.push(topic);
  return found.sort((a, b) => topics.size[b] - topics.size[a] || a - b);
}

function firmsCard(quarter) {
  const sizes = new Array(page.firms.length).fill(0);
  const first = page.firstTopic[quarter];
  for (let topic = first; topic < first + page.n_topics[quarter]; topic++) sizes[topics.firm[topic]]++;
  const numbers = [...sizes.keys()].filter((number) => sizes[number]);
  numbers.sort((a, b) => firmName(a).localeCompare(firmName(b), "en"));
  const item = (number) => make("li", {}, firmLink(number), make("span", { class: "dim" }, ` · ${count(sizes[number], "topic")}`));
  return [heading(`${count(numbers.length, "firm")} with topics in ${page.quarters[quarter]}`), longList(numbers, item, 200, { class: "plain" })];
}

function riverCard(isShown, quarter) {
  if (page.quarters.length < 2) {
    return [heading("Over time"), make("p", {}, "This page holds one quarter. Link quarters with ", make("code", {}, "ftm lineage"), " and make the page with ", make("code", {}, "ftm report --from"), ".")];
  }
  const became = turns(quarter).map(({ uid, edge, parent }) => make("li", {}, uidLink(uid), ` ${EDGE_WORDS[edge]} `, parent ? uidLink(parent) : ""));
  return [
    heading("Attention over quarters"),
    make("p", { class: "dim" }, "A band is a theme, as thick as the share of firms that speak of it; the broadest of those that pass the filters. Paler bands that bend into another are splits and absorptions."),
    make("div", { class: "river", tabindex: "0", role: "region", "aria-label": "River of attention" }, river(isShown)),
    make("h3", {}, `What became of themes in ${page.quarters[quarter]}`),
    became.length ? longList(became, (item) => item, 60, { class: "plain" }) : make("p", {}, "Nothing is known: the quarter is the first, or is not linked."),
  ];
}
