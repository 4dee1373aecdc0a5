// The wall: the ranking of the present cycle, asked for every two seconds; unchanged costs nothing.

import { forgetKey, hasKey, useKey } from "./key.js";
import { forgetPanel, showPanel } from "./panels.js";
import {
  ask, belowFloor, fraction, h, isChinese, moment, named, percent, stateBar, stateCounts, stateName, switchLanguage,
  translatePage, word,
} from "./words.js";

const EVERY = 2000;
const element = (id) => document.getElementById(id);

let ranking = null;
let etag = "";
let chosen = ""; // name of the cycle to show; empty: the present one
let present = ""; // name of the present cycle
let districts = new Map();
let isLocked = false; // until somebody gives a key that opens
const rows = new Map(); // unit code → { row, content }

async function poll() {
  try {
    const query = { kind: "street", window: "cycle", ...(chosen && { name: chosen }) };
    const asked = chosen;
    const answer = await ask("/v1/rankings", query, etag ? { "If-None-Match": etag } : {});
    if (asked !== chosen) return;
    if (!answer.unchanged) {
      ranking = answer.body;
      etag = answer.etag;
      if (!chosen) present = ranking.window.name;
      if (!districts.size) await readDistricts();
      render();
    }
    lock(false);
    say(ranking.missing_shards.length ? word("missing") + ranking.missing_shards.join(", ") : "");
  } catch (error) {
    if (error.status === 401 || error.status === 403) lock(true);
    say(error instanceof TypeError ? word("offline") : isLocked && !hasKey() ? "" : error.message);
  }
}

// Instead of the numbers, the field for a key.
function lock(locks) {
  isLocked = locks;
  element("locked").hidden = !locks;
  element("forget").hidden = locks || !hasKey();
  if (!locks) return;
  etag = ""; // whatever the next key opens is drawn anew
  for (const id of ["empty", "wall", "totals", "panel"]) element(id).hidden = true;
  element("key").focus();
}

async function readDistricts() {
  const { body } = await ask("/v1/units", { kind: "district" });
  districts = new Map(body.units.map((unit) => [unit.code, unit.name]));
}

function say(text) {
  element("problem").textContent = text;
  element("problem").hidden = !text;
  document.body.classList.toggle("stale", Boolean(text));
}

function render() {
  const { totals, window: period } = ranking;
  const isEmpty = !totals.volume && !ranking.incomplete && !ranking.undispatched.volume && !ranking.unknown_units.length;
  element("empty").hidden = !isEmpty;
  element("wall").hidden = element("totals").hidden = isEmpty;
  element("period").textContent = `${word("cycle")} ${period.name} · ${moment(period.from).slice(5, 16)} → ${moment(period.to).slice(5, 16)}`;
  element("later").hidden = !chosen;
  element("status").textContent = `${word("live")} · ${word("asOf")} ${moment(ranking.as_of)} · ${word("policy")} ${ranking.policy.id} v${ranking.policy.version}${ranking.versions.length > 1 ? ` (${word("spans")} ${ranking.versions.join(", ")})` : ""}`;
  if (!isEmpty) {
    renderTotals(totals);
    renderColumns(totals);
    renderRows();
    renderOthers();
    filter();
  }
  showPanel(ranking, districts);
}

function renderTotals(totals) {
  const box = (name, value, detail) => h("div", { class: "figure-box" }, h("span", {}, name), h("strong", {}, value), h("small", {}, detail));
  element("figures").replaceChildren(
    ...Object.values(totals.indicators).map((rate) => box(named(rate), percent(rate.rate), fraction(rate))),
    box(word("volume"), String(totals.volume), `${word("open")} ${totals.open} · ${word("overdue")} ${totals.overdue}`),
    box(word("valid_callback_rate"), percent(totals.valid_callback_rate), `${totals.states.valid} / ${totals.states.valid + totals.states.unreachable}`));
  element("legend").replaceChildren(stateBar(totals), h("ul", {}, ...stateCounts(totals.states).map(([name, count]) =>
    h("li", { class: `key ${name}` }, `${stateName(name)} ${count}`))));
}

function renderColumns(totals) {
  const columns = [word("rank"), word("street"), word("score"), ...Object.values(totals.indicators).map(named), word("volume"), word("states")];
  element("columns").replaceChildren(...columns.map((text) => h("th", { scope: "col" }, text)));
}

function renderRows() {
  const present = new Set(ranking.ranked.map((line) => line.unit.code));
  for (const [code, { row }] of rows) {
    if (!present.has(code)) {
      row.remove();
      rows.delete(code);
    }
  }
  let next = element("ranked").firstElementChild;
  for (const line of ranking.ranked) {
    const content = JSON.stringify(line);
    let known = rows.get(line.unit.code);
    if (!known) {
      known = { row: h("tr"), content: "" };
      rows.set(line.unit.code, known);
    }
    if (known.content !== content) {
      fillRow(known.row, line);
      known.content = content;
    }
    if (known.row === next) next = next.nextElementSibling;
    else element("ranked").insertBefore(known.row, next);
  }
}

function fillRow(row, line) {
  const district = districts.get(line.unit.parent) ?? "";
  row.className = line.bottom ? "bottom" : "";
  row.dataset.text = `${line.unit.name} ${district} ${line.unit.code}`.toLowerCase();
  const href = `#/unit/${encodeURIComponent(line.unit.code)}`;
  const wasFocused = row.contains(document.activeElement);
  row.replaceChildren(
    h("td", { class: "rank" }, String(line.rank), places(line)),
    h("th", { scope: "row" }, h("a", { href }, line.unit.name), " ", h("small", {}, district),
      line.bottom ? h("span", { class: "tag" }, word("bottom")) : null),
    h("td", { class: "score" }, line.score, adjusted(line)),
    ...Object.values(line.indicators).map((rate) => h("td", { class: "rate", "data-name": named(rate) }, percent(rate.rate), belowFloor(rate), h("small", {}, fraction(rate)))),
    h("td", { class: "volume" }, String(line.volume)),
    h("td", { class: "states" }, stateBar(line)));
  if (wasFocused) row.querySelector("a").focus();
}

// Where the unit may truly stand; nothing where its rank is certain.
function places({ rank_interval: { from, to } }) {
  if (from === to) return null;
  return h("small", { class: "interval", title: word("rankInterval") }, `${from}–${to}`);
}

// What was added or taken away, beside the score that holds it.
function adjusted(line) {
  if (line.adjustment === "0") return null;
  const sign = line.adjustment.startsWith("-") ? "" : "+";
  return h("small", { title: `${word("adjustment")} · ${line.adjusted_by.join(", ")}` }, ` ${sign}${line.adjustment}`);
}

function renderOthers() {
  const { ranked, unranked, unknown_units: unknown, undispatched, incomplete } = ranking;
  element("others").hidden = !unranked.length;
  if (!ranked.length) element("others").open = true;
  element("others-title").textContent = `${word("unranked")} ${unranked.length}`;
  element("unranked").replaceChildren(...unranked.map((line) => {
    const district = districts.get(line.unit.parent) ?? "";
    const why = isChinese() ? line.reason_zh : line.reason.replaceAll("_", " ");
    const item = h("li", {}, h("a", { href: `#/unit/${encodeURIComponent(line.unit.code)}` }, line.unit.name), " ",
      h("small", {}, `${district} · ${why} · ${word("volume")} ${line.volume}`));
    item.dataset.text = `${line.unit.name} ${district} ${line.unit.code}`.toLowerCase();
    return item;
  }));
  const lookBack = h("button", { type: "button", class: "look-back" }, word("lookBack"));
  const note = !ranked.length ? [word("noRanking"), " ", lookBack] : ranking.bottom.length ? [] : [word("fewRanked")];
  element("note").replaceChildren(...note);
  element("note").hidden = !note.length;
  element("list").hidden = !ranked.length;
  const apart = [
    ...unknown.map((entry) => h("p", {}, h("a", { href: `#/unit/${encodeURIComponent(entry.code)}` }, `${word("unknown")} ${entry.code}`), ` · ${word("volume")} ${entry.figures.volume}`)),
    undispatched.volume && h("p", {}, h("a", { href: "#/unit/" }, `${word("undispatched")} ${undispatched.volume}`)),
    incomplete && h("p", {}, `${word("incomplete")} ${incomplete}`),
  ];
  element("apart").replaceChildren(...apart.filter(Boolean));
}

function filter() {
  const query = element("query").value.trim().toLowerCase();
  let found = 0;
  for (const line of document.querySelectorAll("#ranked tr, #unranked li")) {
    const matches = line.dataset.text.includes(query);
    line.hidden = !matches;
    found += matches;
  }
  if (query) element("others").open = true;
  element("found").textContent = query ? String(found) : "";
}

function start() {
  translatePage();
  element("language").textContent = word("other");
  element("language").addEventListener("click", () => {
    switchLanguage();
    translatePage();
    element("language").textContent = word("other");
    rows.forEach((known) => { known.content = ""; });
    forgetPanel();
    if (ranking) render();
  });
  document.addEventListener("click", ({ target }) => {
    if (target.matches("#earlier, .look-back")) go(-1);
    if (target.matches("#later")) go(1);
  });
  element("query").addEventListener("input", filter);
  element("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const first = document.querySelector("#ranked tr:not([hidden]) a, #unranked li:not([hidden]) a");
    if (first) location.hash = first.hash;
  });
  element("unlock").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(element("key").value.trim());
    element("key").value = "";
    poll();
  });
  element("forget").addEventListener("click", () => {
    forgetKey();
    history.replaceState(null, "", location.pathname);
    location.reload();
  });
  element("close").addEventListener("click", (event) => {
    event.preventDefault();
    closePanel();
  });
  addEventListener("hashchange", () => ranking && showPanel(ranking, districts));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && location.hash) closePanel();
  });
  repeat();
}

// To the previous or the next cycle, which are named by months (2026-11) or quarters (2026-Q4).
function go(step) {
  const [year, part] = ranking.window.name.split("-");
  const quarter = part.startsWith("Q") ? Number(part.slice(1)) : 0;
  const month = quarter ? (quarter - 1 + step) * 3 : Number(part) - 1 + step;
  const day = new Date(Date.UTC(Number(year), month, 1));
  const name = quarter ? `${day.getUTCFullYear()}-Q${day.getUTCMonth() / 3 + 1}` : day.toISOString().slice(0, 7);
  chosen = name === present ? "" : name;
  etag = "";
  forgetPanel();
  poll();
}

function closePanel() {
  const code = location.hash.startsWith("#/unit/") ? location.hash : "";
  history.pushState(null, "", location.pathname);
  showPanel(ranking, districts);
  if (code) [...document.querySelectorAll("#wall a")].find((link) => link.hash === code)?.focus();
}

async function repeat() {
  if (!document.hidden && !isLocked) await poll();
  setTimeout(repeat, EVERY);
}

start();
