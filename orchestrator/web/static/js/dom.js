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

// The box of the list keeps to its end by itself (page.css): asking where it stands would cost a layout.
export function appendLines(list, items, most) {
  if (!items.length) return;
  const kept = items.slice(-most);
  const surplus = list.childElementCount + kept.length - most;
  if (surplus >= list.childElementCount) list.replaceChildren(...kept);
  else {
    for (let index = 0; index < surplus; index += 1) list.firstElementChild.remove();
    list.append(...kept);
  }
}
