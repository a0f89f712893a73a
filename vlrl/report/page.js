"use strict";
/* Reads values off the charts and turns the pages of the completions.
   All text of a run enters the page as text nodes. */

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = text;
  return node;
}

function readChart(figure) {
  const hover = JSON.parse(figure.dataset.hover);
  const plot = figure.querySelector(".plot");
  const frame = figure.querySelector(".frame");
  const cursor = figure.querySelector(".cursor");
  const readout = figure.querySelector(".readout");
  let place = hover.x.length - 1;

  function show(index) {
    place = Math.max(0, Math.min(hover.x.length - 1, index));
    cursor.hidden = false;
    cursor.style.left = hover.at[place] + "%";
    readout.replaceChildren(make("span", "", "step " + hover.x[place].toLocaleString("en")));
    for (const series of hover.series) {
      const entry = make("span");
      entry.append(make("i", "key c" + series.colour));
      const name = hover.series.length > 1 ? series.name + " " : "";
      entry.append(name + (series.text[place] ?? "–"));
      readout.append(entry);
    }
  }

  function hide() {
    cursor.hidden = true;
    readout.replaceChildren(readout.dataset.about);
  }

  function nearest(event) {
    const box = frame.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * 100;
    let best = 0;
    hover.at.forEach((position, i) => {
      if (Math.abs(position - at) < Math.abs(hover.at[best] - at)) best = i;
    });
    return best;
  }

  plot.addEventListener("pointermove", (event) => show(nearest(event)));
  plot.addEventListener("pointerdown", (event) => show(nearest(event)));
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined) return;
    show(cursor.hidden ? place : place + move);
    event.preventDefault();
    event.stopPropagation();
  });
}

function known(value) {
  return value !== null && value !== undefined;
}

function number(value, digits = 2) {
  if (!known(value)) return "–";
  return Number(value.toFixed(digits)).toString().replace("-", "−");
}

function signed(value) {
  return (value > 0 ? "+" : "") + number(value);
}

const FILTERS = {
  all: () => true,
  right: (card) => card.right === true,
  wrong: (card) => card.right === false,
  problem: (card) => card.problem !== null,
};

function passes(filter) {
  if (filter in FILTERS) return FILTERS[filter];
  const colon = filter.indexOf(":");
  return (card) => card[filter.slice(0, colon)] === filter.slice(colon + 1);
}

function filterChoices(groups) {
  const cards = groups.flatMap((group) => group.cards);
  const count = (test) => cards.filter(test).length;
  const distinct = (key) => [...new Set(cards.map((card) => card[key]).filter(known))].sort();
  const choices = [
    ["all", "everything"],
    ["right", "right answers"],
    ["wrong", "wrong answers"],
    ["problem", "any problem"],
    ...distinct("task").map((name) => ["task:" + name, "task: " + name]),
    ...distinct("problem").map((name) => ["problem:" + name, "problem: " + name]),
    ...distinct("habit").map((name) => ["habit:" + name, "habit: " + name]),
  ];
  return choices.map(([value, text]) => [value, `${text} (${count(passes(value))})`]);
}

function fill(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  select.value = String(chosen);
}

function drawLean(advantage, widest) {
  const lean = make("i", "lean");
  const bar = make("i", advantage < 0 ? "down" : "up");
  const width = widest ? (Math.abs(advantage) / widest) * 50 : 0;
  bar.style.width = width + "%";
  bar.style.left = (advantage < 0 ? 50 - width : 50) + "%";
  lean.append(bar);
  return lean;
}

function drawVerdict(card, widest) {
  const line = make("p", "verdict");
  line.append(make("span", "label", card.label));
  if (card.task) line.append(make("span", "task", card.task));
  if (card.right === true) line.append(make("span", "right", "✓ right"));
  if (card.right === false) line.append(make("span", "wrong", "✗ wrong"));
  if (card.problem) line.append(make("span", "problem", card.problem));
  if (known(card.advantage)) {
    const advantage = make("span", "advantage", "advantage");
    advantage.append(drawLean(card.advantage, widest), make("span", "", signed(card.advantage)));
    line.append(advantage);
  }
  return line;
}

function details(card) {
  const found = known(card.total) ? ["reward " + number(card.total)] : [];
  for (const [name, value] of Object.entries(card.parts)) found.push(name + " " + number(value));
  if (known(card.num_tokens)) found.push(card.num_tokens + " tokens");
  if (card.truncated) found.push("truncated");
  if (card.habit) found.push("habit: " + card.habit);
  return found.map((part) => part.replaceAll(" ", "\u00a0")).join(" · ");
}

/* The target and all answers over the picture; pointing at a card leaves only its own answer, which
   then has its labels too.  A label stands above the corner, or below where there is no room. */
function drawOverlay(group, cards, articles) {
  const overlay = document.getElementById("overlay").content.firstElementChild.cloneNode(true);
  const pattern = overlay.firstElementChild;
  const word = pattern.querySelector("text");
  const size = Math.max(...group.size) / 24;
  overlay.setAttribute("viewBox", "0 0 " + group.size.join(" "));

  function write([x, y, text]) {
    const label = word.cloneNode();
    const place = { x, y: y > size * 1.5 ? y - size / 3 : y + size, "font-size": size };
    for (const name in place) label.setAttribute(name, place[name]);
    label.textContent = text;
    return label;
  }

  function add(className, { paths, labels }) {
    const outline = pattern.cloneNode(true);
    outline.setAttribute("class", className);
    for (const role in paths) outline.querySelector("." + role).setAttribute("d", paths[role]);
    outline.append(...labels.map(write));
    overlay.append(outline);
    return outline;
  }

  pattern.remove();
  word.remove();
  add("target c0", group);
  cards.forEach((card, i) => {
    const answer = add("answer c1", card);
    const single = (on) => () => {
      overlay.classList.toggle("single", on);
      answer.classList.toggle("chosen", on);
    };
    articles[i].tabIndex = 0;
    for (const event of ["pointerenter", "focus"]) articles[i].addEventListener(event, single(true));
    for (const event of ["pointerleave", "blur"]) articles[i].addEventListener(event, single(false));
  });
  return overlay;
}

function drawOverlayKeys() {
  const keys = make("p", "keys");
  for (const [colour, name] of [["c0", "target"], ["c1", "answers; point at one to see it alone"]]) {
    const entry = make("span");
    entry.append(make("i", "key " + colour), name);
    keys.append(entry);
  }
  return keys;
}

function drawCard(card, widest) {
  const article = make("article", "card");
  const text = make("div", "text");
  for (const [role, piece] of card.segments) text.append(make("span", role, piece));
  if (!card.segments.length) text.append(make("span", "empty", "empty completion"));
  article.append(drawVerdict(card, widest), make("p", "details", details(card)), text);
  return article;
}

function drawPicture(source) {
  const picture = make("div", "picture");
  const image = make("img");
  image.src = source;
  image.alt = "image of the question";
  image.addEventListener("load", () => {
    image.classList.toggle("small", image.naturalWidth <= 256);
  });
  picture.append(image);
  return picture;
}

function drawAsked(group, media, cards, articles) {
  const asked = make("div", "asked");
  const pictures = make("div", group.media.length > 1 ? "several" : "");
  pictures.append(...group.media.map((key) => drawPicture(media[key])));
  asked.append(pictures);
  if (group.paths || group.cards.some((card) => card.paths)) {
    pictures.firstChild.append(drawOverlay(group, cards, articles));
    asked.append(drawOverlayKeys());
  }
  for (const name of group.lost) asked.append(make("p", "where", "not shown: " + name));
  const target = make("p", "target");
  target.append(make("small", "", "target"), group.target ?? "not recorded");
  asked.append(target, make("h3", "", "prompt"), make("p", "prompt", group.prompt));
  const where = [group.task, group.sample, group.mode && "mode " + group.mode];
  asked.append(make("p", "where", where.filter(Boolean).join(" · ")));
  return asked;
}

function viewer(data) {
  const byId = (id) => document.getElementById(id);
  const state = { set: 0, filter: "all", group: 0 };

  const groups = () => data.sets[state.set].groups;
  const test = () => passes(state.filter);
  const visible = () => groups().flatMap((group, i) => (group.cards.some(test()) ? [i] : []));

  function choose(index) {
    if (index === undefined) return;
    state.group = index;
    draw();
  }

  function turn(by) {
    const list = visible();
    choose(by > 0 ? list.find((i) => i > state.group) : list.findLast((i) => i < state.group));
  }

  function firstOfStep(step) {
    return visible().find((i) => String(groups()[i].step) === String(step));
  }

  function turnStep(by) {
    const step = groups()[state.group].step;
    const list = visible();
    const later = (i) => groups()[i].step > step;
    const earlier = (i) => groups()[i].step < step;
    const target = by > 0 ? list.find(later) : list.findLast(earlier);
    if (target !== undefined) choose(firstOfStep(groups()[target].step));
  }

  function settle() {
    const list = visible();
    const kept = list.includes(state.group);
    if (list.length && !kept) state.group = list.find((i) => i > state.group) ?? list.at(-1);
    draw();
  }

  function drawControls(list) {
    const set = data.sets[state.set];
    const group = groups()[state.group];
    const steps = [...new Set(list.map((i) => groups()[i].step))];
    const beside = list.filter((i) => groups()[i].step === group.step);
    byId("about-set").textContent = "A sample: " + set.about + ".";
    byId("step-label").hidden = group.step === null;
    fill(byId("pick-set"), data.sets.map((one, i) => [i, one.name]), state.set);
    fill(byId("pick-step"), steps.map((step) => [step, step]), group.step);
    byId("group-word").textContent = group.step === null ? "Sample" : "Group";
    fill(byId("pick-group"), beside.map((i) => [i, groups()[i].name]), state.group);
    fill(byId("pick-filter"), filterChoices(groups()), state.filter);
    const place = list.indexOf(state.group) + 1;
    byId("place").textContent = list.length ? `${place} of ${list.length}` : "none";
    byId("previous").disabled = !list.some((i) => i < state.group);
    byId("next").disabled = !list.some((i) => i > state.group);
  }

  function draw() {
    const list = visible();
    drawControls(list);
    if (!list.length) {
      byId("group").replaceChildren(make("p", "how", "No completion in this sample matches."));
      return;
    }
    const group = groups()[state.group];
    const shown = group.cards.filter(test());
    const widest = Math.max(...group.cards.map((card) => Math.abs(card.advantage ?? 0)));
    const articles = shown.map((card) => drawCard(card, widest));
    const cards = make("div", "cards");
    cards.append(...articles);
    if (shown.length < group.cards.length) {
      cards.append(make("p", "how", `${shown.length} of ${group.cards.length} completions match.`));
    }
    byId("group").replaceChildren(drawAsked(group, data.media, shown, articles), cards);
  }

  const KEYS = {
    ArrowLeft: () => turn(-1),
    ArrowRight: () => turn(1),
    "[": () => turnStep(-1),
    "]": () => turnStep(1),
  };
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  const picked = (id, act) => byId(id).addEventListener("change", () => act(byId(id).value));
  picked("pick-step", (step) => choose(firstOfStep(step)));
  picked("pick-group", (index) => choose(Number(index)));
  picked("pick-set", (index) => {
    Object.assign(state, { set: Number(index), filter: "all", group: 0 });
    draw();
  });
  picked("pick-filter", (filter) => {
    state.filter = filter;
    settle();
  });
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  document.addEventListener("keydown", (event) => {
    const busy = event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select");
    if (!busy && event.key in KEYS) KEYS[event.key]();
  });
  draw();
}

document.querySelectorAll(".chart").forEach(readChart);
const data = JSON.parse(document.getElementById("data").textContent);
if (data.sets.length) viewer(data);
