// What could have been sent, the best first, with the terms of its score and of what it is worth.
import { h } from "./dom.js";
import { clock, percent } from "./format.js";

const number = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const rate = (value) => (value === null || value === undefined ? "–" : percent(value));

const COLUMNS = [
  ["Score", "s = I·F + α·r", (row) => number(row.score)],
  ["Interest", "I·F, how it fits what they like", (row) => number(row.interest)],
  ["History", "r, what they did with it before", (row) => number(row.affinity)],
  ["Opens", "probability of being opened", (row) => rate(row.pOpen)],
  ["Buys", "probability of converting once opened", (row) => rate(row.pConvert)],
  ["Variety", "1: unlike the last pushes", (row) => number(row.diversity)],
  ["Worth", "in conversions, after costs", (row) => number(row.utility, 4)],
  ["Drawn", "probability of being chosen", (row) => number(row.propensity)],
];

export function candidates(told, zone) {
  const most = Math.max(...told.rows.map((row) => row.score), 1e-9);
  const dropped = told.dropped.map((each) => `${each.count} because ${each.why}`).join(", ");
  const rows = told.rows.map((row) => h("tr", { data: { chosen: `${row.chosen}` } },
    h("td", {}, row.chosen ? h("span", { class: "hidden-text" }, "Chosen: ") : null, row.item.title,
      h("span", { class: "bar", "aria-hidden": "true", vars: { "--share": `${Math.max(0, row.score / most)}` } })),
    ...COLUMNS.map(([, , value]) => h("td", {}, value(row)))));
  return [
    h("h2", {}, "Candidates"),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Candidates, with their terms" },
      h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Item"), ...COLUMNS.map(([name, title]) => h("th", { scope: "col", title }, name)))),
        h("tbody", {}, ...rows))),
    h("p", { class: "muted small" }, `${clock(told.atMs, zone)}: the best ${told.rows.length} of ${told.found} finds.`, dropped ? ` Not allowed: ${dropped}.` : ""),
  ];
}
