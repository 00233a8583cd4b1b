/* <time datetime="..." data-local-time data-time-zone="Europe/London">: where the reader's clock shows something else,
   add the reader's own time at the end of the line. The server's page stays the same for everybody. */
const reader = Intl.DateTimeFormat().resolvedOptions().timeZone;
const language = document.documentElement.lang || undefined;

const clock = (moment, timeZone) =>
  new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "short", timeZone }).format(moment);

const spoken = (moment) =>
  new Intl.DateTimeFormat(language, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(moment);

const addReadersTime = (element) => {
  const moment = new Date(element.dateTime);
  if (element.dataset.localTimeDone || Number.isNaN(moment.valueOf()) || !reader) return;
  element.dataset.localTimeDone = "true";
  try {
    if (clock(moment, element.dataset.timeZone || "UTC") === clock(moment, reader)) return;
  } catch {
    return; // a zone this browser does not know
  }
  const line = document.createElement("span");
  line.className = "local-time";
  line.textContent = (element.dataset.localTime || "%s your time").replace("%s", spoken(moment));
  element.parentElement.append(line);
};

const scan = (root) => root.querySelectorAll("time[data-local-time]").forEach(addReadersTime);

scan(document);
for (const name of ["htmx:afterSettle", "live:settle"]) document.addEventListener(name, () => scan(document));
