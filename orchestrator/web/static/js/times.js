// Clock times and lengths, in the words of the page.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export const clockText = (date) => clock.format(date);
export const shortText = (date) => short.format(date);
export const moment = (text) => (text ? new Date(text) : null);

export function lengthText(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes >= 1 ? `${minutes} min` : `${Math.floor(Math.abs(milliseconds) / 1000)} s`;
}
