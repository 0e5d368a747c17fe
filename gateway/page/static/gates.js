// The gates in the order they were asked. Those after the first closed one were not asked.
import { h } from "./dom.js";
import { clock } from "./format.js";

export function gates(decision, zone) {
  const closed = decision.gates.filter((gate) => !gate.passed).length;
  const state = h("span", { class: `tag ${closed ? "bad" : "good"}` }, closed ? "closed" : "all open");
  return [
    h("h2", {}, "Gates ", state),
    h("ul", { class: "gates" }, ...decision.gates.map((gate) =>
      h("li", { data: { gate: gate.name, passed: `${gate.passed}` } },
        h("span", { class: "sign", "aria-hidden": "true" }, gate.passed ? "✓" : "✕"),
        h("span", {}, h("span", { class: "hidden-text" }, gate.passed ? "Open: " : "Closed: "), gate.says,
          !gate.passed && gate.opensAtMs ? h("span", { class: "opens" }, `, opens at ${clock(gate.opensAtMs, zone)}`) : null)))),
  ];
}
