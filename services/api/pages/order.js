// One order: how it counts and why, its deadlines, and everything that happened, step by step.

import { ask, h, moment, said, typeName, word } from "./words.js";

const MARKS = { for: "✓", partly: "◐", against: "✗", out: "–", composed: "Σ" };

export async function orderParts(id) {
  const path = `/v1/work-orders/${encodeURIComponent(id)}`;
  const { body: told } = await ask(`${path}/explain`);
  const state = told.state?.split(":")[0] ?? "incomplete";
  const unit = told.unit ? `${told.unit.name || word("unknown")} ${told.unit.code}` : word("nobody");
  return [
    h("p", { class: `explain ${state}` }, h("strong", {}, said(told.state_name)), " · ", said(told.headline)),
    h("p", {}, `${word("lead")} ${unit} · ${word("policy")} ${told.policy.id} v${told.version} · ${word("asOf")} ${moment(told.as_of)}`),
    h("h3", {}, word("why")),
    h("ul", { class: "reasons" }, ...told.sentences.map((sentence) =>
      h("li", { class: sentence.verdict }, h("span", { "aria-hidden": "true" }, MARKS[sentence.verdict]), said(sentence)))),
    ...(told.deadlines.length ? [h("h3", {}, word("deadlines")), lines(told.deadlines)] : []),
    h("h3", {}, word("steps")),
    h("ol", { class: "steps" }, ...told.steps.map(step)),
    storedEvents(path),
  ];
}

// What the log holds, asked for when somebody wants to see it.
function storedEvents(path) {
  const list = h("ol", { class: "steps" });
  const details = h("details", {}, h("summary", {}, word("events")), list);
  details.addEventListener("toggle", async () => {
    try {
      const { body: stored } = await ask(path);
      list.replaceChildren(...stored.events.map(event));
    } catch (error) {
      list.replaceChildren(h("li", { class: "problem", role: "alert" }, error.message));
    }
  }, { once: true });
  return details;
}

function lines(texts) {
  return h("ul", { class: "lines" }, ...texts.map((text) => h("li", {}, said(text))));
}

function step(found) {
  const mark = found.in_force ? h("span", { class: "tag now" }, word("now"))
    : found.later ? h("span", { class: "tag" }, word("later")) : null;
  const happened = [
    ...found.events.map((each) => ({ zh: each.type_zh, en: each.type_en })),
    ...found.passed,
  ].map(said).join(word("comma"));
  return h("li", { class: found.in_force ? "current" : found.later ? "void" : undefined },
    h("div", {}, h("time", { datetime: found.at }, moment(found.at)), " ", h("strong", {}, happened), " ", mark),
    lines([...found.events.flatMap((each) => each.lines), ...found.deadlines]),
    h("ul", { class: "changes" },
      ...found.began.map((each) => h("li", { class: "added" }, `+ ${word("adds")} ${said(each)}`)),
      ...found.ended.map((each) => h("li", { class: "removed" }, `− ${word("ends")} ${said(each)}`))));
}

function event(found) {
  const data = Object.entries(found.data).map(([name, value]) =>
    h("span", {}, `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`));
  const { shard, epoch, offset } = found.position;
  return h("li", { class: found.counts ? undefined : "void" },
    h("div", {}, h("time", { datetime: found.time }, moment(found.time)), " ", h("strong", {}, typeName(found.type))),
    found.counts ? null : h("div", {}, word("notCounted")),
    h("div", { class: "data" }, ...data),
    h("small", {}, `${found.source} · ${found.id} · ${word("position")} ${shard}:${epoch}:${offset}`));
}
