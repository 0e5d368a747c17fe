// What the user likes, by category.
import { h } from "./dom.js";
import { percent } from "./format.js";

const SOURCES = {
  state: "The profile I that Kairos holds of them now, times the mean features F of each category.",
  log: "I·F of the best item of each category, as it was last considered.",
};

export function interests(told) {
  const most = Math.max(...told.rows.map((each) => Math.abs(each.interest)), 1e-9);
  const shares = told.shares.map((each) => `${each.scenario} ${percent(each.share, 0)}`).join(", ");
  return [
    h("h2", {}, "Interests"),
    h("ul", { class: "bars" }, ...told.rows.map((each) =>
      h("li", {}, h("span", { class: "name" }, each.category.join(" · ")),
        h("span", { class: "bar", "aria-hidden": "true", data: { below: `${each.interest < 0}` }, vars: { "--share": `${Math.abs(each.interest) / most}` } }),
        h("span", { class: "number" }, each.interest.toFixed(2))))),
    h("p", { class: "muted small", data: { from: told.from } }, SOURCES[told.from], shares ? ` What they did lately was about: ${shares}.` : ""),
  ];
}
