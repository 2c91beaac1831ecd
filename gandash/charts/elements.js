// Elements of a page, made by hand; what they say is text and never markup.

export function child(parent, tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}
