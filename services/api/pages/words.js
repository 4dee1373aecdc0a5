// All words of the page in both languages, and how its values are written.

import { bearer } from "./key.js";

const zh = {
  skip: "跳到排名", title: "三率直播", totals: "全市合计", search: "搜索街道、区或代码",
  caption: "街道排名，按综合得分", close: "关闭", other: "English",
  empty: "还没有工单", emptyHint: "推送第一批事件，或导入文件，排名会自动出现。",
  rank: "名次", street: "街道", score: "综合得分", volume: "工单量", states: "状态",
  rankInterval: "名次区间", scoreInterval: "得分区间", bottomProbability: "真实处于末位的概率",
  bottom: "末位", belowFloor: "低于底线", adjustment: "加减分", spans: "跨版本", live: "实时", asOf: "截至", policy: "办法", cycle: "考核周期",
  earlierCycle: "上一周期", laterCycle: "下一周期", lookBack: "看上一周期",
  noRanking: "本周期还没有单位达到最低样本量，暂不排名", fewRanked: "参加排名的单位不足，暂不列末位",
  unranked: "未排名单位", unknown: "未登记单位", undispatched: "未派单", incomplete: "缺受理事件",
  missing: "部分分区尚未入账，数据不完整：分区 ", offline: "连接中断，正在重试",
  valid_callback_rate: "有效回访率", open: "未办结", overdue: "超期未办结", returned: "退单",
  reopened: "重办", numerator: "分子", denominator: "分母", rate: "率", counts: "其他计数",
  orders: "工单", more: "更多", none: "没有工单", received: "受理",
  state: "状态", lead: "主办单位", why: "为什么算 / 不算", events: "事件原文",
  adds: "计入", ends: "不再计入", deadlines: "当前期限", steps: "经过", now: "当前", later: "尚未发生",
  notCounted: "不计入：同一编号已有内容，或尚未入账", position: "日志位置", nobody: "尚无主办单位",
  comma: "、", loading: "正在读取", contribution: "贡献", notFound: "当前榜单中没有该单位",
  locked: "请输入密钥", lockedHint: "密钥只保存在此标签页，关闭即清除。", key: "API 密钥", unlock: "进入", forget: "退出",
  stateNames: {
    valid: "有效回访", not_yet_due: "未到期", callback_pending: "待回访", unreachable: "无法回访",
    excluded: "剔除", suspended: "挂账", not_assessed: "不参评",
  },
  types: {
    received: "受理", dispatched: "派单", signed: "签收", contacted: "联系", resolved: "办结",
    callback: "回访", returned: "退单", extended: "延期", suspended: "挂账", resumed: "解除挂账",
    excluded: "剔除", reinstated: "恢复计入", reopened: "重办", corrected: "更正",
    cancelled: "撤单", appealed: "申诉", reviewed: "复核", linked: "关联",
  },
};

const en = {
  skip: "Skip to the ranking", title: "Three rates, live", totals: "All streets",
  search: "Search street, district or code",
  caption: "Streets ranked by score", close: "Close", other: "中文",
  empty: "No work orders yet", emptyHint: "Push the first events or import a file; the ranking appears by itself.",
  rank: "Rank", street: "Street", score: "Score", volume: "Volume", states: "States",
  rankInterval: "rank interval", scoreInterval: "score interval", bottomProbability: "probability of truly being at the bottom",
  bottom: "bottom", belowFloor: "below floor", adjustment: "adjustment", spans: "spans versions", live: "live", asOf: "as of", policy: "policy", cycle: "Cycle",
  earlierCycle: "Previous cycle", laterCycle: "Next cycle", lookBack: "Look at the previous cycle",
  noRanking: "No unit has enough orders in this cycle to be ranked yet", fewRanked: "Too few ranked units for a bottom list yet",
  unranked: "Unranked units", unknown: "Unregistered units", undispatched: "Undispatched", incomplete: "Not yet received",
  missing: "Incomplete: nothing stored yet by shard ", offline: "Connection lost, trying again",
  valid_callback_rate: "Valid-callback rate", open: "Open", overdue: "Overdue", returned: "Returned",
  reopened: "Reopened", numerator: "Numerator", denominator: "Denominator", rate: "Rate", counts: "Other counts",
  orders: "Orders", more: "More", none: "No orders", received: "Received",
  state: "State", lead: "Lead unit", why: "Why it counts, or does not", events: "Events as stored",
  adds: "counts in", ends: "no longer in", deadlines: "Deadlines in force", steps: "Step by step", now: "now", later: "not yet",
  notCounted: "Does not count: its id was taken by other content, or it is not folded yet", position: "log position", nobody: "no lead unit",
  comma: ", ", loading: "Loading", contribution: "Contribution", notFound: "The present list has no such unit",
  locked: "A key is needed", lockedHint: "It is kept in this tab only, until it is closed.", key: "API key", unlock: "Enter", forget: "Leave",
  stateNames: {
    valid: "valid", not_yet_due: "not yet due", callback_pending: "callback pending",
    unreachable: "unreachable", excluded: "excluded", suspended: "suspended",
    not_assessed: "not assessed",
  },
  types: {},
};

const languages = { zh, en };
let current = localStorage.getItem("language") === "en" ? "en" : "zh";

export const word = (key) => languages[current][key];
export const isChinese = () => current === "zh";
export const typeName = (type) => word("types")[type] ?? type;
export const named = (indicator) => (isChinese() ? indicator.name_zh : indicator.name_en);
export const said = (text) => (isChinese() ? text.zh : text.en);
export const moment = (text) => (text ? text.slice(0, 19).replace("T", " ") : "—");
export const percent = (text) => (text === null ? "—" : `${text}%`);
// An indicator with parts has no numerator and denominator of its own.
export const fraction = (rate) => (rate.parts ? "" : `${rate.numerator} / ${rate.denominator}`);

export const belowFloor = (rate) => (rate.below_floor
  ? h("span", { class: "tag", title: `${word("belowFloor")} ${rate.floor}%` }, word("belowFloor"))
  : null);

export function stateName(state) {
  const [name, ...ground] = state.split(":");
  const label = word("stateNames")[name] ?? name;
  return ground.length ? `${label}（${ground.join(":")}）` : label;
}

export function switchLanguage() {
  current = isChinese() ? "en" : "zh";
  localStorage.setItem("language", current);
}

export function translatePage() {
  document.documentElement.lang = isChinese() ? "zh-CN" : "en";
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.title = word(element.dataset.label);
    element.setAttribute("aria-label", element.title);
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = word(element.dataset.hint);
  }
}

// Elements: h("a", { href: "#" }, "text", child); in SVG with svg().
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const ORDER = Object.keys(zh.stateNames);

export function stateCounts(states) {
  const excluded = Object.values(states.excluded).reduce((sum, count) => sum + count, 0);
  return ORDER.map((name) => [name, name === "excluded" ? excluded : states[name]]);
}

export function stateBar(figures) {
  const counts = stateCounts(figures.states).filter(([, count]) => count > 0);
  const total = Math.max(figures.volume, 1);
  const label = counts.map(([name, count]) => `${stateName(name)} ${count}`).join("，");
  let x = 0;
  const parts = counts.map(([name, count]) => {
    const width = (count / total) * 100;
    const part = svg("rect", { class: `state ${name}`, x, y: 0, width, height: 10 });
    x += width;
    return part;
  });
  return svg(
    "svg",
    { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("title", {}, label),
    ...parts,
  );
}

// Answers: JSON, or an Error with the status that says in the reader's language what is wrong.
export async function ask(path, query = {}, headers = {}) {
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, {
    headers: { ...headers, ...bearer() }, cache: "no-store",
  });
  if (response.status === 304) return { unchanged: true };
  const body = await response.json();
  if (!response.ok) {
    const text = isChinese() ? `${body.title_zh}。${body.detail_zh ?? ""}` : `${body.title}. ${body.detail}`;
    throw Object.assign(new Error(text), { status: response.status });
  }
  return { body, etag: response.headers.get("ETag") };
}
