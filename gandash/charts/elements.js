// Elements of a page, made by hand; what they say is text and never markup.

export function child(parent, tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

// Once what is drawn now is seen; a page that is hidden is not, and draws no frames.
export function afterPaint(then) {
  if (document.hidden) setTimeout(then);
  else requestAnimationFrame(() => setTimeout(then));
}

// What a picture does not show, in a corner of it: `note` is `{ root, text, fit, back }`. `more` says whether there is
// anything to fit, `home` whether the view is the usual one. The focus of a button that goes moves on.
export function sayUnseen({ root, text: words, fit, back }, { text, more, home, picture, left, top }) {
  const active = document.activeElement; // asked before: an element that is hidden loses the focus
  if (words.textContent !== text) words.textContent = text;
  fit.hidden = !more;
  back.hidden = home;
  root.hidden = !text && home;
  if (root.contains(active) && active.hidden) (more ? fit : home ? picture : back).focus();
  root.style.left = `${left + 6}px`;
  root.style.top = `${top + 6}px`;
}

// What goes wrong in a run: the gravest in `box`, and beside it a button that opens a sheet with all that was seen, a line
// each, and what to try. The lines stay where they are as their words change.
export function writeNotes(box, notes) {
  box.hidden = !notes.length;
  if (!notes.length && !box.gandashNotes) return;
  const parts = (box.gandashNotes ??= makeNotes(box));
  writeNote(parts.first, notes[0] ?? { seen: "", advice: "" });
  const { all, button, sheet, first } = parts;
  while (all.children.length > notes.length) all.lastChild.remove();
  notes.forEach((note, i) => writeNote(all.children[i] ?? child(all, "li", ""), note));
  if (!notes.length && sheet.matches(":popover-open")) sheet.hidePopover();
  const words = notes.length > 1 ? `+${notes.length - 1} more` : "more";
  if (button.textContent !== words) button.textContent = words;
  button.hidden = notes.length < 2 && first.scrollHeight <= first.clientHeight + 1; // one that is there as a whole
}

function writeNote(element, { seen, advice }) {
  while (element.children.length < 2) child(element, element.children.length ? "span" : "b", "");
  [seen, advice].forEach((text, part) => {
    if (element.children[part].textContent !== text) element.children[part].textContent = text;
  });
}

let sheets = 0;

function makeNotes(box) {
  const first = child(box, "p", "gandash-note-first");
  const button = child(box, "button", "", "");
  const sheet = child(box, "div", "gandash-notes-sheet");
  const all = child(sheet, "ul", "");
  all.setAttribute("aria-label", "What goes wrong, and what to try");
  Object.assign(sheet, { popover: "auto", id: `gandash-notes-${++sheets}` });
  button.type = "button";
  button.setAttribute("popovertarget", sheet.id);
  sheet.addEventListener("toggle", () => {
    const { left, bottom } = box.getBoundingClientRect();
    sheet.style.left = `${Math.max(8, Math.min(left, innerWidth - sheet.offsetWidth - 8))}px`;
    sheet.style.top = `${Math.max(8, Math.min(bottom + 6, innerHeight - sheet.offsetHeight - 8))}px`;
  });
  return { first, button, sheet, all };
}
