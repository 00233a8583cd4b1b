/* Open pages follow what happens (SPEC 6). A page says in data-live what it follows; each frame of its one stream says a
   whole state, so that losing or repeating one does no harm. Without any of this the page is right as it was sent. */
import { sayWords } from "./live/announce.js";
import { hearMonth } from "./live/calendar.js";
import { hearEvent } from "./live/event.js";
import { textOf } from "./live/html.js";
import { hearList } from "./live/list.js";
import { hearMine, hearOrganised } from "./live/mine.js";
import { followSwitch } from "./live/pause.js";
import { refresh } from "./live/refresh.js";
import { openStream } from "./live/stream.js";

const MOST = 20; // topics that the server takes
const hearers = { list: hearList, month: hearMonth, event: hearEvent, mine: hearMine, organised: hearOrganised };

const topics = () => {
  const all = [...document.querySelectorAll("[data-live]")].flatMap((each) => each.dataset.live.split(" "));
  return [...new Set(all)].slice(0, MOST);
};

/* Everything in view: what the page shows beside it is gone. */
const hearSnapshot = ({ topic, argument, frames }) => {
  if (!frames) return refresh("page");
  const slugs = new Set(frames.map((frame) => frame.slug));
  for (const frame of frames) hearers[topic](frame);
  const shown = document.querySelectorAll(`[data-live~="${CSS.escape(argument)}"]`);
  for (const each of [...shown].flatMap((root) => [root, ...root.querySelectorAll("[data-event]")])) {
    const slug = each.dataset.event;
    if (slug && !slugs.has(slug)) hearers[topic]({ slug, status: "gone" });
  }
};

const hears = (kind, said) => {
  if (kind === "snapshot") hearSnapshot(said);
  else hearers[said.topic]?.(said);
};

/* Not the reader's doing: one quiet line, which takes no room from the page. */
const ends = (reason) => {
  const line = document.querySelector("[data-live-ended]");
  if (!line) return;
  for (const words of line.querySelectorAll("[data-reason]")) words.hidden = words.dataset.reason !== reason;
  line.hidden = false;
  line.querySelector("button").addEventListener("click", () => window.location.reload());
  sayWords(textOf(line.querySelector("[data-reason]:not([hidden])")));
};

if (window.EventSource && topics().length) {
  let show = () => {};
  const stream = openStream({ hears, ends, opens: (isOpen) => show(isOpen) });
  show = followSwitch(stream.want);
  stream.follow(topics());
  document.addEventListener("htmx:afterSettle", () => stream.follow(topics()));
  document.addEventListener("live:settle", () => stream.follow(topics()));
}
