// The sentence at the top, and the figures below it that go on with the clock.

import { byId, say, setData, show } from "./dom.js";
import { clockText, lengthText, moment, shortText } from "./times.js";

const number = new Intl.NumberFormat("en-GB");
const hours = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export class Head {
  constructor(scene) {
    this.scene = scene;
    this.standing = null;
  }

  update(standing) {
    this.standing = standing;
    setData(byId("state"), "tone", standing.trouble ? "bad" : standing.tone);
    say(byId("sentence"), standing.text);
    say(byId("broken"), standing.broken);
    setData(byId("broken"), "works", standing.works);
    say(byId("trouble"), standing.trouble || "");
    show(byId("trouble"), Boolean(standing.trouble));
    const total = this.scene.steps.length;
    say(byId("figure-steps"), `${standing.done} of ${total}`);
    byId("progress").setAttribute("aria-valuenow", String(standing.done));
    byId("progress").setAttribute("aria-valuemax", String(total));
    byId("progress-done").style.transform = `scaleX(${total ? standing.done / total : 0})`;
    say(byId("figure-users"), number.format(standing.redirection.users));
    const where = standing.works ? "" : "! ";
    document.title = `${where}${standing.done}/${total} ${standing.text} – ${this.scene.organization}`;
  }

  tick(now) {
    const standing = this.standing;
    say(byId("clock"), clockText(now));
    if (!standing) return;
    const until = moment(standing.until);
    if (!until) say(byId("until"), "");
    else if (until >= now) say(byId("until"), `Expected until ${shortText(until)}, ${lengthText(until - now)} from now`);
    else say(byId("until"), `Expected until ${shortText(until)}: ${lengthText(now - until)} longer than estimated`);
    const ends = moment(standing.window_end);
    say(byId("figure-window"), ends ? `${lengthText(ends - now)} (${shortText(ends)})` : "no window open");
    const since = Math.max(now - moment(standing.now), 0) / 60000;
    const minutes = standing.redirection.user_minutes + since * standing.redirection.users;
    say(byId("figure-hours"), hours.format(minutes / 60));
  }
}
