"use strict";
// The map: topics as points, with labels of themes above them. Places are 0 to 1 in both directions; `scale` is pixels
// for that whole width.

const NO_THEME = [150, 150, 150];
const ALPHA = { dim: 28, loose: 90, usual: 205, chosen: 255 };
const GRID = 128; // cells of the grid in which the point under the pointer is looked for, each way
const LONGEST_LABEL = 34; // characters

// The picture is drawn so much larger than its box, on each side, as a share of the box: dragging then only shifts it
// (page.css has the same share), and points are drawn again when an edge of the picture comes near.
const BEYOND = 0.25;
const WIDEST_POINT = 12; // pixels; points that the picture's edge would cut are not drawn

const MOST_PIXELS = 8e6; // of the picture: all of a large screen, with fewer pixels a dot where those are very small

class TopicMap {
  constructor(box) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.pen = this.canvas.getContext("2d", { alpha: false });
    this.labelSets = new Map(); // zoom level -> themes whose labels have room there
    this.shown = { quarter: 0, isShown: () => true, chosen: null, marked: null, topic: -1 };
    this.paint = new Uint8Array(4 * topics.n); // red, green, blue, alpha of each topic
    this.colours = page.themes.map((theme) => colourOf(theme.uid));
    this.centres = page.themes.map((theme) => this.middleOf(page.membersOf.get(theme.number) || []));
    new ResizeObserver(() => { this.resize(); }).observe(box);
    this.resize();
    this.showAll();
  }

  /** The median place of some topics. */
  middleOf(members) {
    const median = (column) => Uint16Array.from(members, (topic) => column[topic]).sort()[members.length >> 1] / 65535;
    return members.length ? { x: median(topics.x), y: median(topics.y) } : null;
  }

  /**
   * Show a quarter. `isShown` filters its themes; `chosen` (a theme, or null) stands out, or the topics in the set
   * `marked`, where there is one; `topic` gets a ring, where it is not -1.
   */
  show(shown) {
    this.shown = shown;
    this.labelSets.clear();
    this.drawn = null;
    const { quarter, isShown, chosen, marked } = shown;
    const first = page.firstTopic[quarter];
    const end = first + page.n_topics[quarter];
    const shownThemes = page.themes.map((theme) => theme.quarter === quarter && isShown(theme));
    for (let topic = first; topic < end; topic++) {
      const number = topics.theme[topic] - 1;
      const [red, green, blue] = number < 0 ? NO_THEME : this.colours[number];
      let alpha = number < 0 ? ALPHA.loose : shownThemes[number] ? ALPHA.usual : ALPHA.dim;
      if (marked) alpha = marked.has(topic) ? ALPHA.chosen : ALPHA.dim;
      else if (chosen) alpha = number === chosen.number ? ALPHA.chosen : ALPHA.dim;
      this.paint.set([red, green, blue, alpha], 4 * topic);
    }
    if (this.indexed !== quarter) this.index(quarter, first, end);
    this.redraw();
  }

  /** Topics of a quarter sorted by the cell of a grid in which they lie. */
  index(quarter, first, end) {
    const cellOf = (topic) => (topics.y[topic] >> 9) * GRID + (topics.x[topic] >> 9);
    this.cellStarts = new Uint32Array(GRID * GRID + 1);
    for (let topic = first; topic < end; topic++) this.cellStarts[cellOf(topic) + 1]++;
    for (let cell = 0; cell < GRID * GRID; cell++) this.cellStarts[cell + 1] += this.cellStarts[cell];
    const next = this.cellStarts.slice();
    this.inCells = new Uint32Array(end - first);
    for (let topic = first; topic < end; topic++) this.inCells[next[cellOf(topic)]++] = topic;
    this.indexed = quarter;
  }

  // --- what is seen ---------------------------------------------------------------------------------------------------

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    const [wide, high] = [(1 + 2 * BEYOND) * width, (1 + 2 * BEYOND) * height];
    const ratio = Math.min(window.devicePixelRatio || 1, 2, Math.sqrt(MOST_PIXELS / Math.max(wide * high, 1)));
    // An observer begins by telling the size that is known.
    if (ratio === this.ratio && width === this.width && height === this.height) return;
    Object.assign(this, { ratio, width, height });
    this.canvas.width = Math.max(1, Math.round(wide * ratio));
    this.canvas.height = Math.max(1, Math.round(high * ratio));
    this.picture = new Picture(this.canvas.width, this.canvas.height);
    this.whole = Math.min(this.width, this.height) || 1;
    this.labelSets.clear();
    if (this.centre) this.draw(); // now: a canvas of another size is black until it is drawn
  }

  showAll() {
    this.see(0.5, 0.5, this.whole);
  }

  see(x, y, scale) {
    this.scale = Math.max(this.whole * 0.6, Math.min(this.whole * 200, scale));
    this.centre = { x: Math.max(0, Math.min(1, x)), y: Math.max(0, Math.min(1, y)) };
    this.redraw();
  }

  /** Zoom by a factor and keep what lies under a point of the screen where it is. */
  zoomBy(factor, screenX = this.width / 2, screenY = this.height / 2) {
    const before = this.toWorld(screenX, screenY);
    this.see(this.centre.x, this.centre.y, this.scale * factor);
    const after = this.toWorld(screenX, screenY);
    this.see(this.centre.x + before.x - after.x, this.centre.y + before.y - after.y, this.scale);
  }

  /** Bring a topic or the middle of a theme into sight, where it is not already. */
  lookAt({ topic, chosen }) {
    const middle = topic >= 0 ? { x: topics.x[topic] / 65535, y: topics.y[topic] / 65535 } : chosen && this.centres[chosen.number];
    if (!middle) return;
    const at = this.toScreen(middle);
    const isSeen = at.x > 40 && at.y > 40 && at.x < this.width - 40 && at.y < this.height - 40;
    if (!isSeen || this.scale < 1.5 * this.whole) this.see(middle.x, middle.y, Math.max(this.scale, 2.5 * this.whole));
  }

  toWorld(x, y) {
    return { x: this.centre.x + (x - this.width / 2) / this.scale, y: this.centre.y - (y - this.height / 2) / this.scale };
  }

  toScreen(place) {
    return { x: this.width / 2 + (place.x - this.centre.x) * this.scale, y: this.height / 2 - (place.y - this.centre.y) * this.scale };
  }

  redraw() {
    if (this.isWaiting || !this.centre) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      if (!this.shift()) this.draw();
    });
  }

  /** Shift the picture to where it is now wanted; false where another one must be drawn. */
  shift() {
    if (!this.drawn || this.drawn.scale !== this.scale) return false;
    const x = (this.drawn.centre.x - this.centre.x) * this.scale;
    const y = (this.centre.y - this.drawn.centre.y) * this.scale;
    const [wide, high] = [BEYOND * this.width - WIDEST_POINT, BEYOND * this.height - WIDEST_POINT];
    if (Math.abs(x) > wide || Math.abs(y) > high) return false;
    this.canvas.style.transform = `translate(${x}px, ${y}px)`;
    return true;
  }

  draw() {
    this.drawn = { centre: this.centre, scale: this.scale };
    this.canvas.style.transform = "";
    const { width, height } = this.canvas;
    const { quarter } = this.shown;
    const [first, n] = [page.firstTopic[quarter], page.n_topics[quarter]];
    const scale = this.scale * this.ratio;
    const usual = 0.32 * Math.sqrt(this.whole * this.whole / Math.max(n, 1)) * Math.sqrt(this.scale / this.whole);
    this.picture.empty();
    this.picture.drawPoints(first, first + n, this.paint, {
      left: width / 2 - this.centre.x * scale, bottom: height / 2 + this.centre.y * scale, scale,
      diameter: Math.max(3.2, Math.min(11, usual)) * this.ratio,
    });
    this.pen.putImageData(this.picture.image, 0, 0);
    this.drawLabels();
  }

  drawLabels() {
    const { pen } = this;
    const beyond = { x: BEYOND * this.width, y: BEYOND * this.height };
    pen.setTransform(this.ratio, 0, 0, this.ratio, this.ratio * beyond.x, this.ratio * beyond.y);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const { theme, label } of this.labelsAt(Math.floor(2 * Math.log2(this.scale / this.whole)))) {
      const at = this.toScreen(this.centres[theme.number]);
      if (Math.abs(at.x - this.width / 2) > this.width / 2 + beyond.x + 150) continue;
      if (Math.abs(at.y - this.height / 2) > this.height / 2 + beyond.y + 20) continue;
      pen.font = this.fontOf(theme);
      pen.lineWidth = 4;
      pen.strokeStyle = "rgb(255 255 255 / 0.9)";
      pen.strokeText(label, at.x, at.y);
      pen.fillStyle = this.shown.chosen && this.shown.chosen !== theme ? "#777" : "#111";
      pen.fillText(label, at.x, at.y);
    }
    this.drawRing(pen);
  }

  drawRing(pen) {
    const { topic } = this.shown;
    if (topic < 0) return;
    const at = this.toScreen({ x: topics.x[topic] / 65535, y: topics.y[topic] / 65535 });
    pen.beginPath();
    pen.arc(at.x, at.y, 9, 0, 2 * Math.PI);
    pen.lineWidth = 2.5;
    pen.strokeStyle = "#111";
    pen.stroke();
  }

  fontOf(theme) {
    return this.shown.chosen === theme ? "700 14px system-ui, sans-serif" : "600 12px system-ui, sans-serif";
  }

  /** The labels that have room at a zoom level: those of themes with most firms first, none above another. */
  labelsAt(level) {
    if (this.labelSets.has(level)) return this.labelSets.get(level);
    const scale = this.whole * 2 ** (level / 2);
    const taken = [];
    const found = [];
    for (const theme of this.inOrderOfLabels()) {
      const middle = this.centres[theme.number];
      if (!middle) continue;
      const label = cut(theme.label, LONGEST_LABEL);
      this.pen.font = this.fontOf(theme);
      const half = this.pen.measureText(label).width / 2 + 6;
      const box = { left: middle.x * scale - half, right: middle.x * scale + half, low: middle.y * scale - 11, high: middle.y * scale + 11 };
      if (taken.some((other) => box.left < other.right && other.left < box.right && box.low < other.high && other.low < box.high)) continue;
      taken.push(box);
      found.push({ theme, label });
      if (found.length === 500) break;
    }
    this.labelSets.set(level, found);
    return found;
  }

  inOrderOfLabels() {
    const { quarter, isShown, chosen } = this.shown;
    const themes = page.themes.filter((theme) => theme.quarter === quarter && theme !== chosen && isShown(theme));
    themes.sort((a, b) => (a.kind === "vague") - (b.kind === "vague") || b.n_firms - a.n_firms || a.number - b.number);
    return chosen ? [chosen, ...themes] : themes;
  }
}
