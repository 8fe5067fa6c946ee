"use strict";
// Words looked for in labels, summaries, keywords and names of firms: a topic is found where it has all of them.

const SHOWN_HITS = 30;
const MOST_WORDS = 31; // of a question: one bit each of a number that stays a small integer
const WARMING_QUESTIONS = 4;
let lowered = null; // the words of all topics, in lower case

function lowerWords() {
  lowered = text.words.map((word) => word.toLowerCase());
  for (const theme of page.themes) theme.haystack = `${theme.label}\n${theme.text}\n${theme.keywords.join(" ")}\n${theme.theme_id} ${theme.uid}`.toLowerCase();
  for (const firm of page.firms) firm.haystack = `${firm.name || ""} ${firm.id}`.toLowerCase();
}

/** The different words of a question. */
function wordsOf(question) {
  return [...new Set(question.toLowerCase().split(/\s+/).filter(Boolean))];
}

/** What has all words of a question, of one quarter: firms, and themes and topics, those with the words in their label first. */
function search(question, quarter) {
  const asked = wordsOf(question).slice(0, MOST_WORDS);
  const has = (content) => asked.every((word) => content.includes(word));
  const themes = page.themes.filter((theme) => theme.quarter === quarter && has(theme.haystack));
  const calledSo = new Set(themes.filter((theme) => has(theme.label.toLowerCase())));
  return {
    themes: themes.sort((a, b) => calledSo.has(b) - calledSo.has(a)),
    firms: [...page.firms.keys()].filter((number) => has(page.firms[number].haystack)),
    topics: topicsWith(asked, quarter),
  };
}

/** Which of the words each content has: a bit each. */
function bitsOf(contents, asked) {
  const bits = new Int32Array(contents.length);
  for (let number = 0; number < contents.length; number++) {
    for (let place = 0; place < asked.length; place++) if (contents[number].includes(asked[place])) bits[number] |= 1 << place;
  }
  return bits;
}

/** The topics that have all words in their texts or in their firm's name; those with all of them in the label first. */
function topicsWith(asked, quarter) {
  const all = 2 ** asked.length - 1;
  const ofWord = bitsOf(lowered, asked);
  const ofFirm = bitsOf(page.firms.map((firm) => firm.haystack), asked);
  const { numbers, starts } = text;
  const [inLabel, elsewhere] = [[], []];
  const first = page.firstTopic[quarter];
  for (let topic = first; topic < first + page.n_topics[quarter]; topic++) {
    const [labelEnd, end] = [starts[FIELDS * topic + 1], starts[FIELDS * (topic + 1)]];
    let [bits, place] = [0, starts[FIELDS * topic]];
    while (place < labelEnd) bits |= ofWord[numbers[place++]];
    if (bits === all) {
      inLabel.push(topic);
      continue;
    }
    bits |= ofFirm[topics.firm[topic]];
    while (bits !== all && place < end) bits |= ofWord[numbers[place++]];
    if (bits === all) elsewhere.push(topic);
  }
  return [...inLabel, ...elsewhere];
}

function searchCard(question, found, quarter) {
  const parts = [heading(`"${cut(question, 100)}" in ${page.quarters[quarter]}`)];
  const summary = `${count(found.themes.length, "theme")}, ${count(found.firms.length, "firm")}, ${count(found.topics.length, "topic")}`;
  parts.push(make("p", { role: "status" }, summary));
  if (wordsOf(question).length > MOST_WORDS) parts.push(make("p", { class: "notice" }, `Only the first ${MOST_WORDS} words were looked for.`));
  if (!found.themes.length && !found.firms.length && !found.topics.length) parts.push(...elsewhere(question, quarter));
  if (found.themes.length) parts.push(make("h3", {}, "Themes"), longList(found.themes, themeItem, 10, { class: "themes" }));
  if (found.firms.length) parts.push(make("h3", {}, "Firms"), longList(found.firms, (number) => make("li", {}, firmLink(number)), 10, { class: "plain" }));
  if (found.topics.length) parts.push(make("h3", {}, "Topics"), longList(found.topics, (topic) => topicItem(topic, true, true), SHOWN_HITS, { class: "topics" }));
  return parts;
}

/** Where a question has an answer that has none in this quarter. */
function elsewhere(question, quarter) {
  const asked = wordsOf(question).slice(0, MOST_WORDS);
  const others = [...page.quarters.keys()].filter((other) => other !== quarter).map((other) => [page.quarters[other], topicsWith(asked, other).length]);
  const known = others.filter(([, n]) => n);
  const item = ([name, n]) => make("li", {}, link({ q: question, quarter: name }, name), make("span", { class: "dim" }, ` · ${count(n, "topic")}`));
  return [
    make("p", {}, "Nothing of this quarter has all of these words."),
    ...(known.length ? [make("h3", {}, "Other quarters"), longList(known, item, 40, { class: "plain" })] : []),
  ];
}

/**
 * Ask some questions that nobody sees, since a browser runs what it has not compiled three times slower: it is done before a
 * person types. Words that stand in some labels, in other texts, and nowhere, so that every branch is run: what is compiled
 * without a branch is thrown away at its first use.
 */
async function warmSearch(quarter) {
  const first = page.firstTopic[quarter];
  for (let topic = first; topic < first + Math.min(WARMING_QUESTIONS, page.n_topics[quarter]); topic++) {
    await new Promise((done) => setTimeout(done)); // what a person does meanwhile comes in between
    const question = labelOf(topic).split(" ")[0];
    searchCard(question, search(question, quarter), quarter);
  }
}
