// A text to copy: a field that holds it, and a button that says whether it worked. The text is a value and never markup.

import { child } from "./elements.js";

const SAID = 2500; // ms for which the button says what it has done

function make(parent) {
  const root = child(parent, "div", "gandash-copy");
  const label = child(root, "label", "");
  const row = child(root, "div", "gandash-copy-row");
  const field = child(row, "input", "");
  field.readOnly = true;
  field.spellcheck = false;
  field.id = `gandash_copy_${Math.random().toString(36).slice(2)}`;
  label.htmlFor = field.id;
  const button = child(row, "button", "");
  button.type = "button";
  const said = child(root, "span", "gandash-unseen");
  said.setAttribute("role", "status");
  const part = { label, field, button, said, data: {}, timer: 0 };
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => tell(part, (await copied(field)) ? "Copied" : "Press Ctrl+C"));
  return part;
}

// The clipboard is there for pages that come encrypted or from the machine itself; elsewhere the browser's own command is.
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}

function tell(part, words) {
  clearTimeout(part.timer);
  part.button.textContent = part.said.textContent = words;
  part.timer = setTimeout(() => {
    part.button.textContent = part.data.button;
    part.said.textContent = "";
  }, SAID);
}

export function render({ data, parentElement }) {
  const part = (parentElement.gandashCopy ??= make(parentElement));
  if (part.data.text !== data.text || part.data.button !== data.button) {
    clearTimeout(part.timer);
    part.button.textContent = data.button;
  }
  part.data = data;
  part.label.textContent = data.label;
  part.field.value = data.text;
}

export function unmount(parent) {
  if (!parent.gandashCopy) return;
  clearTimeout(parent.gandashCopy.timer);
  parent.replaceChildren();
  delete parent.gandashCopy;
}
