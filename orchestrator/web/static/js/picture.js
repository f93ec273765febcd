// Pictures the server draws. A new one is laid over the old one element by element, so that what stays the same
// is not drawn again, keeps the focus and does not jump.

function load(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    // parsed as XML by the browser: nothing in it can run, and no text becomes markup
    request.responseType = "document";
    request.overrideMimeType("image/svg+xml");
    request.onload = () => {
      const root = request.responseXML && request.responseXML.documentElement;
      if (request.status === 200 && root && root.localName === "svg") resolve(root);
      else reject(new Error(`no picture: ${request.status}`));
    };
    request.onerror = () => reject(new Error("no picture: the server is gone"));
    request.send();
  });
}

function overlay(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const alike = old.nodeName === fresh.nodeName && old.id === fresh.id
    && old.childElementCount === fresh.childElementCount && old.childElementCount > 0;
  if (!alike) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const children = [...fresh.children];
  [...old.children].forEach((child, index) => overlay(child, children[index]));
}

export class Picture {
  constructor(box, url) {
    this.box = box;
    this.url = url;
    this.busy = false;
    this.wanted = null;
  }

  // Only the last of many wishes is fulfilled: pictures in between would never be seen.
  async show(key) {
    this.wanted = key;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted !== this.shown) {
        const key_ = this.wanted;
        const fresh = await load(this.url(key_));
        const began = performance.now();
        const old = this.box.querySelector("svg");
        if (old) overlay(old, fresh); else this.box.append(document.importNode(fresh, true));
        this.shown = key_;
        performance.measure("picture", { start: began });
        if (this.onshown) this.onshown();
      }
    } catch (error) {
      this.wanted = this.shown;  // the next update asks again
    } finally {
      this.busy = false;
    }
  }

  forget() { this.shown = undefined; }
}

// Moves the now-lines of a Gantt chart; between two pictures nothing else in it depends on the time.
export function moveNow(box, now) {
  for (const band of box.querySelectorAll("g.band")) {
    const line = band.querySelector(".now");
    const { begin, minutes, x, width } = band.dataset;
    if (!line) continue;
    const passed = begin && now ? (now - new Date(begin)) / 60000 / Number(minutes) : -1;
    const inside = passed >= 0 && passed <= 1;
    line.setAttribute("visibility", inside ? "visible" : "hidden");
    if (inside) {
      const place = (Number(x) + passed * Number(width)).toFixed(1);
      line.setAttribute("x1", place);
      line.setAttribute("x2", place);
    }
  }
}
