// Elements without a framework: h("button", { class: "primary", onclick }, "Open").

export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

export function s(name, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

export const byId = (id) => document.getElementById(id);

// Replaces the children only if they differ, so that focus, selection and scrolling stay where they are.
export function put(parent, ...children) {
  const wanted = h("div", {}, ...children);
  if (parent.innerHTML === wanted.innerHTML && parent.dataset.filled) return;
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  parent.replaceChildren(...wanted.childNodes);
  parent.dataset.filled = "true";
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
