// A file of one's own becomes a target: dropped or chosen, sent with its progress, read by the server's workers, and two
// of its columns chosen from a preview. What a file says, its name and its columns' too, is text and never markup.
//
// There is one file at a time for the page, which goes on coming while something else is looked at. One that has come
// waits on the server for its columns to be chosen, and a page that is loaded anew finds it again by what the tab noted.

import { child } from "./elements.js";

const MEGABYTE = 1e6;
const ACCEPTED = ".csv,.tsv,.txt,.parquet";
const FILE = "A CSV, TSV or Parquet file";
const PRIVATE = "It stays on this server, where others come to it only through your runs and links.";

// The stage of the file: "none", "sending", "reading", "choosing", "keeping". `refused` is a sentence for people.
const file = { stage: "none", name: "", share: 0, id: "", found: null, chosen: null, kept: [], refused: "" };
const shown = new Set(); // the elements that show it
let request = null; // what can be aborted
let looked = false; // whether it was looked for a file from before the page was loaded

const NOTED = "gandash-upload";
const ID = /^[0-9a-f]{32}$/;

// Note which file waits, or with null that none does. A tab may refuse to keep anything.
function note(waiting) {
  try {
    if (waiting) sessionStorage.setItem(NOTED, JSON.stringify(waiting));
    else sessionStorage.removeItem(NOTED);
  } catch {}
}

function noted() {
  try {
    const { id, name } = JSON.parse(sessionStorage.getItem(NOTED));
    return ID.test(id) ? { id, name: String(name) } : null;
  } catch {
    return null;
  }
}

function change(news) {
  Object.assign(file, news);
  for (const view of shown) view.draw();
}

// ---------------------------------------------------------------------------------------------- the server

// The answer of the server, `{ error }` where there is none.
function ask(method, address, { body = null, type = "application/json", progress = null } = {}) {
  return new Promise((resolve) => {
    const asked = (request = new XMLHttpRequest());
    asked.open(method, address);
    asked.setRequestHeader("Content-Type", type);
    if (progress) asked.upload.addEventListener("progress", progress);
    asked.addEventListener("load", () => {
      try {
        resolve(JSON.parse(asked.responseText));
      } catch {
        resolve({ error: "The server did not answer as it should: try again." });
      }
    });
    asked.addEventListener("error", () => resolve({ error: "The connection broke off: try again." }));
    asked.addEventListener("abort", () => resolve(null));
    asked.send(body);
  });
}

const sized = (bytes) => `${(bytes / MEGABYTE).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;

export function refusal({ size, name }, most) {
  if (size > most) return `${name} has ${sized(size)}; ${sized(most)} is the most. Take fewer rows or columns, or save it as Parquet, which is smaller.`;
  return size ? "" : `${name} is empty: choose a file with rows in it.`;
}

async function send(chosen, { address, most }) {
  cancel();
  discard(address);
  const refused = refusal(chosen, most);
  if (refused) return change({ stage: "none", found: null, refused });
  change({ stage: "sending", name: chosen.name, share: 0, refused: "", found: null });
  const progress = ({ loaded, total }) => change({ share: total ? loaded / total : 0 });
  const sent = await ask("POST", address, {
    body: chosen,
    type: "application/octet-stream",
    progress,
  });
  if (!sent) return;
  if (sent.error) return change({ stage: "none", refused: sent.error });
  await read(address, { id: sent.id, name: chosen.name });
}

async function read(address, waiting) {
  note(waiting);
  change({ stage: "reading", ...waiting, refused: "" });
  const found = await ask("POST", `${address}/${waiting.id}/read?name=${encodeURIComponent(waiting.name)}`);
  if (!found) return;
  if (found.error) {
    discard(address);
    return change({ stage: "none", refused: found.error });
  }
  change({ stage: "choosing", found, chosen: { x: found.choice[0], y: found.choice[1], logarithm: {} } });
}

async function use(address, tell) {
  const { x, y } = file.chosen;
  const logarithm = [x, y].map((at) => file.chosen.logarithm[at] ?? false);
  change({ stage: "keeping", refused: "" });
  const kept = await ask("POST", `${address}/${file.id}/use`, {
    body: JSON.stringify({ name: file.name, x: file.found.columns[x].name, y: file.found.columns[y].name, logarithm }),
  });
  if (!kept) return;
  if (kept.error) return change({ stage: "choosing", refused: kept.error });
  note(null);
  change({ stage: "none", kept: kept.notices });
  tell(kept.target);
}

function discard(address) {
  note(null);
  if (file.id) fetch(`${address}/${file.id}`, { method: "DELETE" }).catch(() => {});
  file.id = "";
}

function cancel() {
  request?.abort();
  request = null;
}

// ---------------------------------------------------------------------------------------------- what is seen

function button(parent, text, act, className = "") {
  const made = child(parent, "button", `gandash-upload-button ${className}`, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function table(host, { columns, preview }) {
  const frame = child(host, "div", "gandash-upload-preview");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "The first rows");
  const made = child(frame, "table", "");
  const head = child(child(made, "thead", ""), "tr", "");
  for (const { name, numeric } of columns) {
    const cell = child(head, "th", numeric ? "numeric" : "", name);
    cell.scope = "col";
    if (numeric) child(cell, "span", "gandash-upload-kind", " #").title = "numbers";
  }
  const body = child(made, "tbody", "");
  for (const row of preview) {
    const line = child(body, "tr", "");
    row.forEach((text, i) => child(line, "td", columns[i]?.numeric ? "numeric" : "", text));
  }
}

function select(host, label, at, columns, choose) {
  const line = child(host, "label", "gandash-upload-axis");
  child(line, "span", "", label);
  const made = child(line, "select", "");
  made.setAttribute("aria-label", `Column of the ${label} axis`);
  columns.forEach(({ name, numeric }, i) => {
    if (!numeric) return;
    const option = child(made, "option", "", name);
    option.value = i;
  });
  made.value = at;
  made.addEventListener("change", () => choose(Number(made.value)));
  return made;
}

function view(host) {
  const root = child(host, "div", "gandash-upload");
  const said = child(root, "p", "gandash-upload-said");
  said.setAttribute("role", "status");
  const wrong = child(root, "p", "gandash-upload-wrong");
  wrong.setAttribute("role", "alert");
  const area = child(root, "div", "gandash-upload-area");
  const input = child(area, "input", "");
  Object.assign(input, { type: "file", accept: ACCEPTED, hidden: true });
  const choose = button(area, "Choose a file", () => input.click());
  const hint = child(area, "p", "gandash-upload-hint");
  const bar = child(root, "progress", "");
  bar.setAttribute("aria-label", "How much of the file has been sent");
  const rest = child(root, "div", "gandash-upload-rest");
  let drawn = null; // what `rest` shows
  let data = null;
  let tell = null;

  input.addEventListener("change", () => {
    if (input.files[0]) send(input.files[0], data);
    input.value = "";
  });
  const dragged = (event) => {
    if (!data?.allowed || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files[0]) send(event.dataTransfer.files[0], data);
  };
  for (const type of ["dragover", "dragleave", "drop"]) root.addEventListener(type, dragged);

  function rebuild(focus) {
    rest.replaceChildren();
    if (file.stage === "none" && file.found) {
      for (const notice of file.kept) child(rest, "p", "gandash-upload-notice", notice);
      button(rest, "Other columns of this file", () => {
        note({ id: file.id, name: file.name });
        change({ stage: "choosing", refused: "" });
      });
    } else if (file.stage === "sending" || file.stage === "reading") {
      button(rest, "Cancel", () => {
        cancel();
        discard(data.address);
        change({ stage: "none" });
        choose.focus();
      });
    } else if (file.found && (file.stage === "choosing" || file.stage === "keeping")) {
      const { columns, notices } = file.found;
      table(rest, file.found);
      const axes = child(rest, "div", "gandash-upload-axes");
      const axis = (name) => (at) => {
        const other = name === "x" ? "y" : "x";
        const swapped = file.chosen[other] === at ? { [other]: file.chosen[name] } : {};
        change({ chosen: { ...file.chosen, [name]: at, ...swapped } });
        rebuild(`select[data-axis=${name}]`);
      };
      select(axes, "x", file.chosen.x, columns, axis("x")).dataset.axis = "x";
      select(axes, "y", file.chosen.y, columns, axis("y")).dataset.axis = "y";
      for (const at of new Set([file.chosen.x, file.chosen.y])) {
        if (!columns[at].heavy) continue;
        const line = child(rest, "label", "gandash-upload-log");
        const tick = child(line, "input", "");
        tick.type = "checkbox";
        tick.checked = file.chosen.logarithm[at] ?? false;
        tick.addEventListener("change", () => (file.chosen.logarithm[at] = tick.checked));
        const words = child(line, "span", "", "Learn the logarithm of ");
        child(words, "b", "", columns[at].name);
        words.append(", whose largest numbers are far from the rest. Points come out as the column has them.");
      }
      for (const notice of notices) child(rest, "p", "gandash-upload-notice", notice);
      const buttons = child(rest, "div", "gandash-upload-buttons");
      const keeping = file.stage === "keeping";
      const primary = button(buttons, keeping ? "Keeping…" : "Use this data", () => use(data.address, tell), "primary");
      primary.disabled = keeping;
      button(buttons, "Cancel", () => {
        discard(data.address);
        change({ stage: "none", found: null, refused: "" });
        choose.focus();
      }).disabled = keeping;
    }
    if (focus) rest.querySelector(focus)?.focus();
  }

  function draw() {
    if (!data) return;
    const idle = file.stage === "none";
    const sending = file.stage === "sending";
    area.hidden = !idle;
    root.classList.toggle("compact", data.chosen && idle);
    choose.disabled = !data.allowed;
    choose.textContent = data.chosen ? "Another file" : "Choose a file";
    hint.textContent = !data.allowed
      ? "The browser keeps no cookie of this page, as in a frame of another site: open the page by itself to send it a file."
      : data.chosen ? "or drop one here" : `${FILE} of up to ${sized(data.most)}; or drop it here. ${PRIVATE}`;
    bar.hidden = !sending && file.stage !== "reading";
    if (sending && file.share < 1) bar.value = file.share;
    else bar.removeAttribute("value");
    const percent = Math.round(100 * file.share);
    const words = {
      none: "",
      sending: `${file.name}: ${percent} % sent`,
      reading: `Reading ${file.name}…`,
      choosing: `${file.name}: choose two columns`,
      keeping: `${file.name}: choose two columns`,
    };
    // a screen reader is told of every tenth
    said.setAttribute("aria-live", sending && percent % 10 ? "off" : "polite");
    if (said.textContent !== words[file.stage]) said.textContent = words[file.stage];
    if (wrong.textContent !== file.refused) wrong.textContent = file.refused;
    const kind = `${file.stage} ${file.id}`;
    if (kind === drawn) return;
    const had = root.contains(document.activeElement);
    drawn = kind;
    rebuild(file.stage === "choosing" && had ? "select" : "");
    if (had && !root.contains(document.activeElement)) (rest.querySelector("button") ?? choose).focus({ preventScroll: true });
  }

  return {
    draw,
    take(news, send) {
      data = news;
      tell = send;
      draw();
      const waiting = looked || !data.allowed ? null : noted();
      looked = true;
      if (waiting && file.stage === "none" && !file.found) read(data.address, waiting);
    },
    remove: () => root.remove(),
  };
}

// ---------------------------------------------------------------------------------------------- on the Train page

export function render(component) {
  const { data, parentElement } = component;
  let held = parentElement.gandashUpload;
  if (!held) {
    held = parentElement.gandashUpload = { view: view(parentElement) };
    shown.add(held.view);
  }
  held.view.take(data, (target) => component.setTriggerValue("target", JSON.stringify({ target })));
}

export function unmount(parent) {
  const held = parent.gandashUpload;
  if (!held) return;
  shown.delete(held.view);
  held.view.remove();
  delete parent.gandashUpload;
}
