// The page to try the collector: everything on it comes from openapi.json, but the looks.
"use strict";

const api = fetch("openapi.json").then((answer) => answer.json());

api.then((document_) => {
  document.title = document_.info.title;
  byId("about").textContent = document_.info.description;
  byId("operations").replaceChildren(
    ...Object.entries(document_.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => section(document_, path, method, operation))),
  );
});

function section(document_, path, method, operation) {
  const body = operation.requestBody?.content["application/json"];
  const address = element("input", { value: path.replace("{user_id}", "ada"), ariaLabel: "Path" });
  const text = element("textarea", { value: body ? JSON.stringify(body.example, null, 2) : "", ariaLabel: "Body", spellcheck: false });
  const output = element("pre", { hidden: true });
  const send = element("button", { textContent: "Send", onclick: () => attempt(method, address.value, body ? text.value : undefined, output) });
  const heading = element("h2", {}, element("span", { className: "method", textContent: method.toUpperCase() + " " }), element("code", { textContent: path }));
  return element("section", {}, heading, element("div", { textContent: operation.description ?? "" }),
    ...(path.includes("{") ? [address] : []), ...(body ? [text] : []), send, output, ...fields(document_, body));
}

async function attempt(method, path, body, output) {
  const headers = { "Content-Type": "application/json" };
  const credential = byId("credential").value.trim();
  if (credential) headers.Authorization = `Bearer ${credential}`;
  output.hidden = false;
  try {
    const answer = await fetch("." + path, { method: method.toUpperCase(), headers, body });
    const text = await answer.text();
    output.textContent = `${answer.status} ${answer.statusText}\n${pretty(text)}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function fields(document_, body) {
  const reference = body?.schema.$ref ?? body?.schema.oneOf[0].$ref;
  if (!reference) return [];
  const name = reference.split("/").pop();
  const rows = Object.entries(document_.components.schemas[name].properties).map(([field, schema]) => element("tr", {},
    element("td", {}, element("code", { textContent: field })),
    element("td", { textContent: [kind(schema), schema.description].filter(Boolean).join(". ") })));
  return [element("details", {}, element("summary", { textContent: `Fields of ${name}` }), element("div", { className: "scroll" }, element("table", {}, ...rows)))];
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  if (schema.additionalProperties) return `text → ${kind(schema.additionalProperties)}`;
  return [schema.type].flat().join(" or ");
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function byId(id) { return document.getElementById(id); }

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
