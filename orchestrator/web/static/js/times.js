// Clock times and lengths, in the words of the page and in the plan's time zone.

let clock, short, day;

export function setZone(timeZone) {
  const options = { hour: "2-digit", minute: "2-digit", timeZone };
  short = new Intl.DateTimeFormat("en-GB", options);
  clock = new Intl.DateTimeFormat("en-GB", { ...options, second: "2-digit" });
  day = new Intl.DateTimeFormat("en-GB", { ...options, day: "numeric", month: "short", year: "numeric" });
}
setZone("UTC");

export const clockText = (date) => clock.format(date);
export const shortText = (date) => short.format(date);
export const dayText = (date) => day.format(date);
export const moment = (text) => (text ? new Date(text) : null);

export function lengthText(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes >= 1 ? `${minutes} min` : `${Math.floor(Math.abs(milliseconds) / 1000)} s`;
}
