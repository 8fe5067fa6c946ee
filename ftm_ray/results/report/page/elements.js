"use strict";
// Elements made of text, and never of markup: what was said in a call, or written by an LLM, cannot run.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child that is no element becomes text. */
function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function makeSvg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Characters that turn the direction of what follows. One that is never closed reaches beyond its own element, even
// an isolated one, and would write the day of a call backwards; none of them is spoken.
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** Words of others: their direction is their own, and they change the direction of nothing else. */
function words(content, name = "bdi", attributes = {}) {
  return make(name, { dir: "auto", ...attributes }, String(content).replace(TURNING, ""));
}

/** A link inside the page; `parts` such as { theme: "U2023Q1-0001" } make its address. */
function link(parts, content, attributes = {}) {
  return make("a", { href: addressOf(parts), ...attributes }, typeof content === "string" ? words(content) : content);
}

function addressOf(parts) {
  return "#" + Object.entries(parts).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
}

/** The beginning of a text, cut between characters and not inside one. */
function cut(whole, length) {
  const content = whole.slice(0, 4 * length).replace(TURNING, "");
  if (content.length <= length) return content;
  return Array.from(content.slice(0, 2 * length)).slice(0, length - 1).join("") + "…";
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function count(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;
}

/** The first items as a list, and a button for the next ones. */
function longList(items, makeItem, step = 50, attributes = {}) {
  const list = make("ul", attributes);
  const box = make("div", {}, list);
  const more = make("button", { type: "button", class: "more" });
  let shown = 0;
  const show = (n) => {
    const next = items.slice(shown, shown + n);
    list.append(...next.map(makeItem));
    shown += next.length;
    more.textContent = `${(items.length - shown).toLocaleString("en")} more`;
    more.hidden = shown >= items.length;
  };
  more.addEventListener("click", () => {
    const first = shown;
    show(step);
    const target = list.children[first] && list.children[first].querySelector("a, button");
    if (target) target.focus();
  });
  box.showAll = () => show(items.length);
  show(step);
  box.append(more);
  return box;
}

/** The hue of a theme: that of its id over quarters, so that it keeps its colour. */
function hueOf(uid) {
  let hash = 2166136261;
  for (let i = 0; i < uid.length; i++) hash = Math.imul(hash ^ uid.charCodeAt(i), 16777619);
  return ((hash >>> 0) % 360);
}

/** Red, green, blue of a theme, 0 to 255; three lightnesses tell neighbours of one hue apart. */
function colourOf(uid) {
  const hue = hueOf(uid);
  const lightness = [0.42, 0.52, 0.35][hue % 3];
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - 0.62 * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

function cssColour(uid) {
  return `rgb(${colourOf(uid).join(" ")})`;
}
