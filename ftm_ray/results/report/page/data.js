"use strict";
// The blocks of the page, unpacked: `page` holds themes, firms and quarters, `topics` one number per topic and column,
// `text` what topics are called and about. Text from calls and LLMs is only ever put into the page as text (elements.js).

const page = { themes: [], firms: [], quarters: [], firstTopic: [], byUid: new Map(), membersOf: new Map() };
const topics = { n: 0 };
let text = null;
const spoken = new Map(); // number of the block -> promise of its sentences

const UNKNOWN = 255;
const FIELDS = 3; // texts of a topic: label, summary, keywords

// The map is drawn, and texts can be searched, while the browser still reads the blocks that stand behind the scripts.
const allRead = new Promise((done) => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done); else done();
});

/** The bytes of a block: base64, then gzip. */
async function unpack(id) {
  const element = document.getElementById(`block-${id}`);
  const letters = element.textContent;
  // Browsers of before 2025 know no fromBase64; there it takes a few tenths of a second more.
  const bytes = Uint8Array.fromBase64?.(letters) ?? Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const { writable, readable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(bytes), writer.close()]);
  const unpacked = await new Response(readable).arrayBuffer();
  await written;
  return unpacked;
}

async function unpackJson(id) {
  return JSON.parse(new TextDecoder().decode(await unpack(id)));
}

async function readThemes() {
  Object.assign(page, await unpackJson("themes"));
  page.themes.forEach((theme, number) => {
    theme.number = number;
    if (!page.byUid.has(theme.uid)) page.byUid.set(theme.uid, []);
    page.byUid.get(theme.uid).push(theme);
  });
  let first = 0;
  page.firstTopic = page.n_topics.map((n) => { const start = first; first += n; return start; });
  topics.n = first;
}

/** The columns of the map, in the order in which blocks.py writes them. */
async function readMap() {
  const bytes = await unpack("map");
  let offset = 0;
  const column = (Kind) => {
    const found = new Kind(bytes, offset, topics.n);
    offset += found.byteLength;
    return found;
  };
  for (const name of ["x", "y", "theme", "firm", "id", "size"]) topics[name] = column(Uint16Array);
  for (const name of ["similarity", "support"]) topics[name] = column(Uint8Array);
  for (let topic = 0; topic < topics.n; topic++) {
    const number = topics.theme[topic];
    if (!number) continue;
    const members = page.membersOf.get(number - 1);
    if (members) members.push(topic); else page.membersOf.set(number - 1, [topic]);
  }
}

/** Labels, summaries and keywords of topics, as numbers of words, in the order in which coded_texts.py writes them. */
async function readText() {
  const [known, packed] = await Promise.all([unpackJson("words"), unpack("text")]);
  const lengths = new Uint32Array(packed, 0, FIELDS * topics.n);
  const starts = new Uint32Array(lengths.length + 1); // of each text among all words; that of the next one is its end
  for (let i = 0; i < lengths.length; i++) starts[i + 1] = starts[i] + lengths[i];
  const Numbers = known.length > 1 << 16 ? Uint32Array : Uint16Array;
  text = { words: known, starts, numbers: new Numbers(packed, lengths.byteLength) };
}

function textOf(topic, field) {
  const start = FIELDS * topic + field;
  return Array.from(text.numbers.subarray(text.starts[start], text.starts[start + 1]), (number) => text.words[number]).join(" ");
}

function labelOf(topic) {
  return textOf(topic, 0);
}

function summaryOf(topic) {
  return textOf(topic, 1);
}

function keywordsOf(topic) {
  return textOf(topic, 2);
}

/** The sentences of a topic: text, speaker, kind of speaker, day, section, id. Empty on a page without spoken words. */
async function sentencesOf(topic) {
  await allRead;
  const number = Math.floor(topic / page.topics_per_block);
  if (!document.getElementById(`block-spoken-${number}`)) return [];
  if (!spoken.has(number)) spoken.set(number, unpackJson(`spoken-${number}`));
  return (await spoken.get(number))[topic % page.topics_per_block];
}

function quarterOf(topic) {
  let quarter = page.quarters.length - 1;
  while (page.firstTopic[quarter] > topic) quarter--;
  return quarter;
}

function themeOf(topic) {
  return topics.theme[topic] ? page.themes[topics.theme[topic] - 1] : null;
}

/** The topics of a theme, those nearest to its centre first. */
function membersOf(theme) {
  const members = page.membersOf.get(theme.number) || [];
  return [...members].sort((a, b) => topics.similarity[b] - topics.similarity[a] || a - b);
}

function firmName(number) {
  const firm = page.firms[number];
  return firm.name || firm.id;
}

function topicKey(topic) {
  return `${page.firms[topics.firm[topic]].id}/${topics.id[topic]}`;
}

/** The topic of a quarter with a key such as 18749/3, or -1. */
function findTopic(key, quarter) {
  const cut = key.lastIndexOf("/");
  const firm = page.firms.findIndex((known) => known.id === key.slice(0, cut));
  const id = Number(key.slice(cut + 1));
  const start = page.firstTopic[quarter];
  for (let topic = start; topic < start + page.n_topics[quarter]; topic++) {
    if (topics.firm[topic] === firm && topics.id[topic] === id) return topic;
  }
  return -1;
}
