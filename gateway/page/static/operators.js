// The operators' view: what the job counts, and what the topics tell.
import { ask } from "./api.js";
import { byId, h, put, s } from "./dom.js";
import { clock, count, duration, percent } from "./format.js";

const EVERY_MS = 2_000;
const TOTALS = [["signals", "Signals read"], ["users_new", "Users"], ["decisions", "Decisions"], ["scored", "Scored"], ["pushes", "Pushes"], ["wake_ups_set", "Wake-ups set"], ["items_covered", "Items pushed"], ["catalogue_items", "Catalogue"]];

export class Operators {
  constructor() {
    this.element = byId("view-operators");
    this.look();
  }

  show(visible) {
    this.element.hidden = !visible;
    if (visible) this.look();
  }

  async look() {
    clearTimeout(this.timer);
    if (!this.element.hidden && !document.hidden) {
      try { this.draw(await ask("/api/operators")); } catch { /* asked again */ }
    }
    this.timer = setTimeout(() => this.look(), EVERY_MS);
  }

  draw({ topics, job, caps, policy, holdoutShare, feed }) {
    put(this.element,
      h("header", {}, h("h1", {}, "Operations"), h("p", { class: "muted" }, `Policy ${policy}. Holdout ${percent(holdoutShare)}. `, feed ? `Topics: ${feed}.` : "Topics are read.", job ? "" : " The job's counts cannot be had.")),
      job && h("dl", { class: "totals" }, ...TOTALS.map(([key, name]) => h("div", { class: "card" }, h("dt", {}, name), h("dd", { data: { total: key } }, count(job.totals[key] ?? 0))))),
      h("div", { class: "grid" },
        card("Rates, last five minutes", rates(topics)),
        job?.latency.length ? card("From its cause to the push, waits included", bars(job.latency.map((each) => ({ name: `≤ ${each.atMostMs < 1000 ? `${each.atMostMs} ms` : duration(each.atMostMs)}`, share: each.share, value: percent(each.share, 0) })))) : null,
        card(job ? "Why nothing was sent" : "Why nothing was sent, in the log", reasons(job ? job.reasons : topics.reasons)),
        card("What became of pushes", reasons(topics.outcomes.map((each) => ({ why: each.outcome, count: each.count })))),
        card("Occasions", reasons(topics.occasions.map((each) => ({ why: each.occasion, count: each.count })))),
        card("Caps in force", h("ul", {}, ...caps.map((cap) => h("li", {}, `${cap.count} in ${duration(cap.windowMs)}${cap.per === "all" ? "" : `, of each ${cap.per}`}`)))),
        card("Experiment arms", arms(topics.arms)),
        letters(topics.deadLetters, job)));
  }
}

function card(title, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), ...children);
}

function reasons(list) {
  if (!list.length) return h("p", { class: "muted" }, "None yet.");
  const most = Math.max(...list.map((each) => each.count));
  return bars(list.slice(0, 8).map((each) => ({ name: each.why, share: each.count / most, value: count(each.count) })));
}

function bars(list) {
  return h("ul", { class: "bars" }, ...list.map((each) => h("li", {}, h("span", { class: "name plain" }, each.name), h("span", { class: "bar", "aria-hidden": "true", vars: { "--share": `${each.share}` } }), h("span", { class: "number" }, each.value))));
}

function rates({ rates: all, bucketMs }) {
  return h("ul", { class: "spark" }, ...Object.entries(all).map(([name, counts]) => {
    const most = Math.max(...counts, 1);
    const lately = counts.slice(-13, -1).reduce((sum, each) => sum + each, 0) / ((12 * bucketMs) / 1000);
    const chart = s("svg", { viewBox: `0 0 ${counts.length * 4} 34`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...counts.map((each, n) => s("rect", { x: n * 4, y: 34 - (34 * each) / most, width: 3, height: (34 * each) / most })));
    return h("li", {}, h("span", {}, name), chart, h("span", { class: "rate" }, `${lately.toFixed(1)} /s`));
  }));
}

function arms(layers) {
  const names = Object.entries(layers);
  if (!names.length) return h("p", { class: "muted" }, "No experiment runs: all users follow one policy.");
  return h("dl", {}, ...names.flatMap(([layer, counts]) => [h("dt", {}, layer), ...Object.entries(counts).map(([arm, n]) => h("dd", { class: "muted" }, `${arm} ${count(n)}`))]));
}

function letters({ newest }, job) {
  const total = Object.entries(job?.deadLetters ?? {}).map(([reason, n]) => `${count(n)} ${reason.replaceAll("_", " ")}`).join(", ");
  const rows = newest.map((each) => h("tr", {}, h("td", {}, `${each.reason}: ${each.detail}`), h("td", {}, each.topic), h("td", {}, `${each.partition}/${each.offset}`), h("td", {}, clock(each.atMs))));
  const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Dead letters, the newest first" }, h("table", {}, h("thead", {}, h("tr", {}, ...["What was wrong", "Topic", "Place", "At"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows)));
  return h("section", { class: "card wide" }, h("h2", {}, "Dead letters"), total ? h("p", { class: "muted" }, `By the job: ${total}.`) : null, rows.length ? table : h("p", { class: "muted" }, "None: every record could be used."));
}
