"use strict";
// Attention over quarters: a small line for one theme, and the river of many, with what split off and what was taken up.

const RIVER_THEMES = 18; // the broadest; those they split from or went into come on top
const EDGE_WORDS = {
  first_quarter: "known from the first linked quarter on", survive: "goes on from the quarter before",
  split: "split off from", emerge: "new in this quarter", revived: "came back",
  absorb: "went into", dormant: "fell silent", die: "has been silent for over a year",
};

/** The share of firms over all quarters of the page as a small line; a gap where nobody spoke of it. */
function attentionLine(uid, width = 120, height = 22) {
  const shares = sharesOf(uid);
  const largest = Math.max(...shares.map((share) => share ?? 0), 0.01);
  const step = (width - 8) / Math.max(shares.length - 1, 1);
  const place = (share, quarter) => [4 + quarter * step, height - 4 - (height - 8) * share / largest];
  const said = shares.map((share, quarter) => `${page.quarters[quarter]} ${share === null ? "none" : percent(share)}`);
  const svg = makeSvg("svg", {
    class: "line", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Share of firms: ${said.join(", ")}`,
  });
  let path = "";
  shares.forEach((share, quarter) => {
    if (share === null) return;
    const [x, y] = place(share, quarter).map((value) => value.toFixed(1));
    path += `${quarter && shares[quarter - 1] !== null ? "L" : "M"}${x} ${y}`;
    svg.append(makeSvg("circle", { cx: x, cy: y, r: 2.2, fill: cssColour(uid) }));
  });
  svg.prepend(makeSvg("path", { d: path, fill: "none", stroke: cssColour(uid), "stroke-width": 1.6 }));
  return svg;
}

/** The share of firms that speak of a theme in each quarter of the page; null = none does. */
function sharesOf(uid) {
  const shares = page.quarters.map(() => null);
  for (const theme of page.byUid.get(uid) || []) shares[theme.quarter] = theme.share;
  return shares;
}

/** The river: a column per quarter, a band per theme, as thick as the share of firms that speak of it. */
function river(isShown) {
  const uids = riverThemes(isShown);
  const height = 560;
  const columns = page.quarters.map((_, quarter) => uids.map((uid) => sharesOf(uid)[quarter] ?? 0));
  const gap = 5;
  const room = height - 40 - gap * uids.length;
  const unit = room / Math.max(...columns.map((shares) => shares.reduce((sum, share) => sum + share, 0)), 0.01);
  const step = Math.max(150, Math.min(620, 900 / (page.quarters.length - 1)));
  const boxes = columns.map((shares, quarter) => {
    let y = 30;
    return new Map(uids.flatMap((uid, place) => {
      if (!shares[place]) return [];
      const box = { x: 10 + quarter * step, y, height: Math.max(2, shares[place] * unit) };
      y += box.height + gap;
      return [[uid, box]];
    }));
  });
  const width = 10 + (page.quarters.length - 1) * step + 290;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Attention over quarters" });
  page.quarters.forEach((name, quarter) => svg.append(makeSvg("text", { x: 10 + quarter * step, y: 16, class: "quarter" }, name)));
  svg.append(...ribbons(uids, boxes), ...nodes(uids, boxes));
  return svg;
}

/** The broadest themes of the page, largest first, with those that they came from or went into. */
function riverThemes(isShown) {
  const largest = (uid) => Math.max(...page.byUid.get(uid).filter(isShown).map((theme) => theme.share), 0);
  const all = [...page.byUid.keys()].filter((uid) => largest(uid) > 0).sort((a, b) => largest(b) - largest(a));
  const chosen = new Set(all.slice(0, RIVER_THEMES));
  for (const theme of page.themes) {
    if (theme.edge === "split" && chosen.has(theme.parent_uid) && chosen.size < 2 * RIVER_THEMES) chosen.add(theme.uid);
  }
  for (const end of page.ends) {
    if (end.edge === "absorb" && chosen.has(end.parent_uid) && page.byUid.has(end.theme_uid) && chosen.size < 2 * RIVER_THEMES) chosen.add(end.theme_uid);
  }
  return [...chosen].sort((a, b) => largest(b) - largest(a));
}

function ribbons(uids, boxes) {
  const found = [];
  for (let quarter = 1; quarter < boxes.length; quarter++) {
    for (const uid of uids) {
      const [from, to] = [boxes[quarter - 1].get(uid), boxes[quarter].get(uid)];
      if (from && to) found.push(ribbon(from, to, uid, "goes"));
    }
    for (const theme of page.themes) {
      if (theme.quarter !== quarter || theme.edge !== "split") continue;
      const [from, to] = [boxes[quarter - 1].get(theme.parent_uid), boxes[quarter].get(theme.uid)];
      if (from && to) found.push(ribbon(lowEnd(from, to.height), to, theme.uid, "turns"));
    }
    for (const end of page.ends) {
      if (end.quarter !== quarter || end.edge !== "absorb") continue;
      const [from, to] = [boxes[quarter - 1].get(end.theme_uid), boxes[quarter].get(end.parent_uid)];
      if (from && to) found.push(ribbon(from, lowEnd(to, from.height), end.theme_uid, "turns"));
    }
  }
  return found;
}

/** The lower end of a box, so high at most: what came off it, or went into it. */
function lowEnd(box, height) {
  const part = Math.min(box.height, height);
  return { x: box.x, y: box.y + box.height - part, height: part };
}

function ribbon(from, to, uid, kind) {
  const [left, right] = [from.x + 12, to.x];
  const middle = (left + right) / 2;
  const curve = (x1, y1, x2, y2) => `${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  const upper = curve(left, from.y.toFixed(1), right, to.y.toFixed(1));
  const lower = curve(right, (to.y + to.height).toFixed(1), left, (from.y + from.height).toFixed(1));
  return makeSvg("path", { d: `M${upper}L${lower}Z`, class: kind, fill: cssColour(uid) });
}

function nodes(uids, boxes) {
  return boxes.flatMap((column, quarter) => uids.filter((uid) => column.has(uid)).map((uid) => {
    const box = column.get(uid);
    const theme = page.byUid.get(uid).find((known) => known.quarter === quarter);
    const label = `${theme.label}, ${page.quarters[quarter]}, ${percent(theme.share)} of firms`;
    const anchor = makeSvg("a", { href: addressOf({ theme: uid, quarter: page.quarters[quarter] }), "aria-label": cut(label, 200) });
    anchor.append(makeSvg("rect", { x: box.x, y: box.y.toFixed(1), width: 12, height: box.height.toFixed(1), fill: cssColour(uid) }));
    const isLast = quarter + 1 === boxes.length || !boxes[quarter + 1].has(uid);
    if (isLast) anchor.append(makeSvg("text", { x: box.x + 17, y: (box.y + box.height / 2 + 4).toFixed(1) }, cut(theme.label, 38)));
    anchor.append(makeSvg("title", {}, cut(label, 200)));
    return anchor;
  }));
}

/** What became of the themes in a quarter, in words: births, splits, and those that ended or fell silent. */
function turns(quarter) {
  const order = ["split", "revived", "absorb", "emerge", "dormant", "die"];
  const came = page.themes.filter((theme) => theme.quarter === quarter && order.includes(theme.edge))
    .map((theme) => ({ uid: theme.uid, edge: theme.edge, parent: theme.parent_uid }));
  const went = page.ends.filter((end) => end.quarter === quarter)
    .map((end) => ({ uid: end.theme_uid, edge: end.edge, parent: end.parent_uid }));
  return [...came, ...went].sort((a, b) => order.indexOf(a.edge) - order.indexOf(b.edge));
}
