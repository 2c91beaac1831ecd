// Elements of a page, made by hand; what they say is text and never markup.

export function child(parent, tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}

// What goes wrong in a run, a line each: what was seen, and what to try. The lines stay where they are as their words change.
export function writeNotes(list, notes) {
  list.hidden = !notes.length;
  while (list.children.length > notes.length) list.lastChild.remove();
  notes.forEach((note, i) => {
    const item = list.children[i] ?? child(list, "li", "");
    while (item.children.length < 2) child(item, item.children.length ? "span" : "b", "");
    [note.seen, note.advice].forEach((text, part) => {
      if (item.children[part].textContent !== text) item.children[part].textContent = text;
    });
  });
}
