"use strict";
// Words looked for in labels, summaries, keywords and names of firms: a topic is found where it has all of them.

const SHOWN_HITS = 50;
let haystack = null; // of each topic: all of its words, in lower case

function buildHaystack() {
  const firms = page.firms.map((firm) => `${firm.name || ""} ${firm.id}`);
  haystack = new Array(topics.n);
  for (let topic = 0; topic < topics.n; topic++) {
    haystack[topic] = `${text.labels[topic]}\n${text.summaries[topic]}\n${text.keywords[topic]}\n${firms[topics.firm[topic]]}`.toLowerCase();
  }
  for (const theme of page.themes) theme.haystack = `${theme.label}\n${theme.text}\n${theme.keywords.join(" ")}\n${theme.theme_id} ${theme.uid}`.toLowerCase();
  page.firms.forEach((firm, number) => { firm.haystack = firms[number].toLowerCase(); });
}

/** What has all words of a question, of one quarter: themes, firms, and topics with the words in their label first. */
function search(question, quarter) {
  const asked = question.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (content) => asked.every((word) => content.includes(word));
  const first = page.firstTopic[quarter];
  const [inLabel, elsewhere] = [[], []];
  for (let topic = first; topic < first + page.n_topics[quarter]; topic++) {
    if (has(haystack[topic])) (beginsInLabel(topic, asked) ? inLabel : elsewhere).push(topic);
  }
  return {
    themes: page.themes.filter((theme) => theme.quarter === quarter && has(theme.haystack)),
    firms: [...page.firms.keys()].filter((number) => has(page.firms[number].haystack)),
    topics: [...inLabel, ...elsewhere],
  };
}

/** Whether a topic has all words in its label, with which its haystack begins. */
function beginsInLabel(topic, asked) {
  return asked.every((word) => haystack[topic].indexOf(word) < text.labels[topic].length);
}

function searchCard(question, found, quarter) {
  const parts = [heading(`"${cut(question, 100)}" in ${page.quarters[quarter]}`)];
  const summary = `${count(found.themes.length, "theme")}, ${count(found.firms.length, "firm")}, ${count(found.topics.length, "topic")}`;
  parts.push(make("p", { role: "status" }, summary));
  if (found.themes.length) parts.push(make("h3", {}, "Themes"), longList(found.themes, themeItem, 10, { class: "themes" }));
  if (found.firms.length) parts.push(make("h3", {}, "Firms"), longList(found.firms, (number) => make("li", {}, firmLink(number)), 10, { class: "plain" }));
  if (found.topics.length) parts.push(make("h3", {}, "Topics"), longList(found.topics, (topic) => topicItem(topic, true, true), SHOWN_HITS, { class: "topics" }));
  return parts;
}
