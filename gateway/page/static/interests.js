// How well the best item of each category fitted, when one was last considered.
import { h } from "./dom.js";

export function interests(list) {
  const most = Math.max(...list.map((each) => Math.abs(each.interest)), 1e-9);
  return [
    h("h2", {}, "Interests"),
    h("ul", { class: "bars" }, ...list.map((each) =>
      h("li", {}, h("span", { class: "name" }, each.category.join(" · ")),
        h("span", { class: "bar", "aria-hidden": "true", data: { below: `${each.interest < 0}` }, vars: { "--share": `${Math.abs(each.interest) / most}` } }),
        h("span", { class: "number" }, each.interest.toFixed(2))))),
    h("p", { class: "muted small" }, "I·F of the best item of each category, as it was last considered."),
  ];
}
