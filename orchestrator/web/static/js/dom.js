// Building and changing elements. Texts are only ever set as text: a name from the farm is never markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(made.dataset, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

// Writing what is there already would make the browser lay everything out again.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  const text = String(value);
  if (element.dataset[name] !== text) element.dataset[name] = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

// Keeps a scrolled log where it is, and at its end if that is where it was.
export function appendLines(list, items, most) {
  if (!items.length) return;
  const box = list.parentElement;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const fresh = document.createDocumentFragment();
  fresh.append(...items.slice(-most));
  list.append(fresh);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
}
