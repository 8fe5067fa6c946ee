"use strict";
// Pointer, wheel and keys on the map: what lies under the pointer, dragging, zooming, choosing a topic.

const REACH = 9; // pixels from the pointer in which a point counts as under it

/** The topic nearest to a point of the screen, within reach; -1 = none. */
function topicAt(map, x, y) {
  const place = map.toWorld(x, y);
  const reach = REACH / map.scale;
  const cell = (value) => Math.max(0, Math.min(GRID - 1, Math.floor(value * GRID)));
  let best = -1;
  let nearest = reach * reach;
  for (let row = cell(place.y - reach); row <= cell(place.y + reach); row++) {
    const start = map.cellStarts[row * GRID + cell(place.x - reach)];
    const end = map.cellStarts[row * GRID + cell(place.x + reach) + 1];
    for (let i = start; i < end; i++) {
      const topic = map.inCells[i];
      if (map.paint[4 * topic + 3] <= ALPHA.dim) continue;
      const distance = (topics.x[topic] / 65535 - place.x) ** 2 + (topics.y[topic] / 65535 - place.y) ** 2;
      if (distance < nearest) { nearest = distance; best = topic; }
    }
  }
  return best;
}

/** Let a person move the map, look at points and choose one. */
function listenToMap(map, onChoose) {
  const { box } = map;
  const hover = box.querySelector("#hover");
  const placeOf = (event) => {
    const bounds = box.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };
  let start = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.target.closest("#zoom")) return;
    start = { ...placeOf(event), centre: map.centre, moved: false };
    hover.hidden = true;
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    const { x, y } = placeOf(event);
    if (!start) return showUnder(map, hover, x, y);
    if (Math.hypot(x - start.x, y - start.y) > 3) start.moved = true;
    if (start.moved) map.see(start.centre.x - (x - start.x) / map.scale, start.centre.y + (y - start.y) / map.scale, map.scale);
  });
  box.addEventListener("pointerup", (event) => {
    const { x, y } = placeOf(event);
    const topic = start && !start.moved ? topicAt(map, x, y) : -1;
    if (topic >= 0) onChoose(topic);
    start = null;
  });
  box.addEventListener("pointercancel", () => { start = null; });
  box.addEventListener("pointerleave", () => { hover.hidden = true; });
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = placeOf(event);
    map.zoomBy(Math.exp(-event.deltaY / 400), x, y);
  }, { passive: false });
  box.addEventListener("keydown", (event) => onMapKey(map, event));
  box.querySelector("#zoom-in").addEventListener("click", () => map.zoomBy(1.6));
  box.querySelector("#zoom-out").addEventListener("click", () => map.zoomBy(1 / 1.6));
  box.querySelector("#zoom-all").addEventListener("click", () => map.showAll());
}

function onMapKey(map, event) {
  if (event.target !== map.box || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = 60 / map.scale;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (moves[event.key]) map.see(map.centre.x + moves[event.key][0], map.centre.y + moves[event.key][1], map.scale);
  else if (event.key === "+" || event.key === "=") map.zoomBy(1.6);
  else if (event.key === "-") map.zoomBy(1 / 1.6);
  else if (event.key === "0") map.showAll();
  else return;
  event.preventDefault();
}

/** Say what lies under the pointer. */
function showUnder(map, hover, x, y) {
  const topic = topicAt(map, x, y);
  hover.hidden = topic < 0;
  map.box.classList.toggle("over", topic >= 0);
  if (topic < 0) return;
  const theme = themeOf(topic);
  hover.replaceChildren(
    words(theme ? cut(theme.label, 80) : "in no theme", "strong"),
    words(text ? cut(labelOf(topic), 160) : "", "span"), words(cut(firmName(topics.firm[topic]), 80), "span"),
  );
  const left = Math.max(0, Math.min(x + 14, map.width - 290));
  hover.style.transform = `translate(${left}px, ${y > map.height - 130 ? y - hover.offsetHeight - 10 : y + 14}px)`;
}
