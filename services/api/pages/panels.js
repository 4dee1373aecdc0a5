// The panel: a street's numbers, the orders behind a number, an order.

import { orderParts } from "./order.js";
import { ask, belowFloor, h, moment, named, percent, stateBar, stateName, word } from "./words.js";

const panel = document.getElementById("panel");
const path = document.getElementById("path");
const title = document.getElementById("panel-title");
const body = document.getElementById("panel-body");

const part = encodeURIComponent;
const unitLink = (code) => `#/unit/${part(code)}`;
const ordersLink = (code, indicator) => `#/orders/${part(code)}/${part(indicator)}`;
const orderLink = (id, code, indicator) => `#/order/${part(id)}/${part(code)}/${part(indicator)}`;

let shown = ""; // the address whose content is in the panel
let asked = 0; // answers to earlier questions are dropped

export async function showPanel(ranking, districts) {
  const [kind, ...rest] = location.hash.split("/").slice(1).map(decodeURIComponent);
  const isNew = shown !== location.hash;
  panel.hidden = !kind;
  document.body.classList.toggle("with-panel", Boolean(kind));
  if (!kind) {
    shown = "";
    return;
  }
  if (!isNew && kind !== "unit") return; // lists and orders stay as they were asked for
  const question = ++asked;
  if (isNew) {
    shown = location.hash;
    title.textContent = word("loading");
    path.replaceChildren();
    body.replaceChildren();
  }
  try {
    const content = await { unit, orders, order }[kind](ranking, districts, ...rest);
    if (question !== asked) return;
    title.textContent = content.title;
    path.replaceChildren(...content.path);
    body.replaceChildren(...content.parts);
  } catch (error) {
    if (question !== asked) return;
    body.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  }
  if (isNew) {
    panel.scrollTop = 0;
    title.focus();
  }
}

export function forgetPanel() {
  shown = "";
}

function find(ranking, code) {
  const line = [...ranking.ranked, ...ranking.unranked].find((entry) => entry.unit.code === code);
  if (line) return { name: line.unit.name, line, figures: line };
  const unknown = ranking.unknown_units.find((entry) => entry.code === code);
  if (unknown) return { name: `${word("unknown")} ${code}`, line: null, figures: unknown.figures };
  if (code === "") return { name: word("undispatched"), line: null, figures: ranking.undispatched };
  return { name: code, line: null, figures: null };
}

function number(code, indicator, value) {
  return Number(value) === 0 ? h("span", {}, "0") : h("a", { href: ordersLink(code, indicator) }, String(value));
}

async function unit(ranking, districts, code) {
  const { name, line, figures } = find(ranking, code);
  if (!figures) return { title: name, path: [], parts: [h("p", {}, word("notFound"))] };
  const place = line?.rank
    ? [h("strong", {}, String(line.rank)), ` / ${ranking.ranked.length} · ${word("score")} `, h("strong", {}, line.score)]
    : [line ? reason(line) : ""];
  const rates = Object.entries(figures.indicators).map(([indicator, rate]) =>
    h("tr", {},
      h("th", { scope: "row" }, named(rate)),
      h("td", { class: "figure" }, percent(rate.rate), belowFloor(rate)),
      h("td", {}, rate.parts ? "—" : rate.numerator),
      h("td", {}, rate.parts ? "—" : number(code, indicator, rate.denominator))));
  const head = ["", word("rate"), word("numerator"), word("denominator")];
  const states = [];
  for (const [state, count] of Object.entries(figures.states)) {
    if (state !== "excluded") states.push([state, count]);
    else for (const [ground, some] of Object.entries(count)) states.push([`excluded:${ground}`, some]);
  }
  const counts = ["open", "overdue", "returned", "reopened", "incomplete"];
  return {
    title: name,
    path: [],
    parts: [
      h("p", {}, districts.get(line?.unit.parent) ?? "", " ", h("small", {}, code)),
      h("p", { class: "place" }, ...place, line?.bottom ? h("span", { class: "tag" }, word("bottom")) : null),
      line?.rank ? h("p", { class: "sure" }, ...sure(ranking, line)) : null,
      line?.adjusted_by?.length ? h("p", {}, `${word("adjustment")} ${line.adjustment} (${line.score_before} → ${line.score}) · ${line.adjusted_by.join(", ")}`) : null,
      h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...rates)),
      h("p", {}, `${word("valid_callback_rate")} ${percent(figures.valid_callback_rate)}`),
      h("h3", {}, word("volume"), " ", number(code, "volume", figures.volume)),
      stateBar(figures),
      list(states.map(([state, count]) => [stateName(state), number(code, `state:${state}`, count), state.split(":")[0]])),
      h("h3", {}, word("counts")),
      list(counts.map((count) => [word(count), number(code, count, figures[count])])),
    ].filter(Boolean),
  };
}

// How sure the place is: docs/uncertainty.md.
function sure({ uncertainty }, line) {
  const { rank_interval: ranks, score_interval: scores, bottom_probability: probability } = line;
  const level = `${Number(uncertainty.level) * 100}%`;
  return [
    h("small", {}, `${level} · ${word("rankInterval")} ${ranks.from}–${ranks.to} · ${word("scoreInterval")} ${scores.from}–${scores.to}`),
    probability === null ? null : h("small", {}, ` · ${word("bottomProbability")} ${(Number(probability) * 100).toFixed(1)}%`),
  ].filter(Boolean);
}

const reason = (line) => (document.documentElement.lang === "en" ? line.reason.replaceAll("_", " ") : line.reason_zh);

function list(pairs) {
  return h("dl", {}, ...pairs.map(([name, value, state]) =>
    h("div", {}, h("dt", { class: state ? `key ${state}` : undefined }, name), h("dd", {}, value))));
}

function indicatorName(ranking, indicator) {
  const known = ranking.totals.indicators[indicator];
  if (known) return named(known);
  return indicator.startsWith("state:") ? stateName(indicator.slice(6)) : word(indicator);
}

async function orders(ranking, districts, code, indicator) {
  const query = { unit: code, indicator, window: ranking.window.kind, name: ranking.window.name, limit: 50 };
  const lines = h("ol", { class: "orders" });
  const more = h("button", { type: "button" }, word("more"));
  const load = async () => {
    const { body: page } = await ask("/v1/work-orders", query);
    lines.append(...page.orders.map((order) => h("li", {},
      h("a", { href: orderLink(order.id, code, indicator) }, order.id),
      h("span", {}, `${word("received")} ${moment(order.received_at)}`),
      ...order.contributions.map((each) => indicator in ranking.totals.indicators
        ? h("span", { class: "part" }, `${word("contribution")} ${each.numerator} / ${each.denominator}`)
        : null))));
    more.hidden = page.next === null;
    query.after = page.next;
  };
  more.addEventListener("click", load);
  await load();
  return {
    title: `${indicatorName(ranking, indicator)} · ${word("orders")}`,
    path: [h("a", { href: unitLink(code) }, find(ranking, code).name)],
    parts: [lines.children.length ? lines : h("p", {}, word("none")), more],
  };
}

async function order(ranking, districts, id, code, indicator) {
  return {
    title: id,
    path: [
      h("a", { href: unitLink(code) }, find(ranking, code).name), " › ",
      h("a", { href: ordersLink(code, indicator) }, indicatorName(ranking, indicator)),
    ],
    parts: await orderParts(id),
  };
}
