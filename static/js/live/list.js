/* The lists: a new event slides in where it belongs, a cancelled one stays and says so, one that is gone goes. */
import { say } from "./announce.js";
import { change, slideIn, slideOut } from "./change.js";
import { keepMine, parse, textOf } from "./html.js";
import { refresh, takePart, whenRefreshed } from "./refresh.js";

const CARD = ".day-event[data-event]";
const cardOf = (slug) => document.querySelector(`.day-event[data-event="${CSS.escape(slug)}"]`);
const titleOf = (card) => textOf(card.querySelector(".event-title"));
const startOf = (card) => card.dataset.starts;

const update = (slug, desired) => {
  const status = cardOf(slug).dataset.status;
  change(`card ${slug}`, () => cardOf(slug), desired, (card) => {
    if (card.dataset.status === "cancelled" && status !== "cancelled") say("cancelled", titleOf(card));
  });
};

const arrived = (shown) => {
  document.querySelector("#results [data-nothing]")?.remove();
  document.querySelector("[data-coming-up]")?.removeAttribute("hidden");
  say("new", titleOf(shown));
};

/* `day` is a section with the one card. By day, then by start, as the server has it. */
const arrive = (slug, day) => {
  const card = day.querySelector(CARD);
  const days = [...document.querySelectorAll(".days[data-live] > .day")];
  const alike = days.filter((each) => each.dataset.day === day.dataset.day);
  const shown = alike.findLast((each) => startOf(each.querySelector(CARD) ?? card) <= startOf(card)) ?? alike[0];
  if (shown) {
    const cards = shown.querySelector(".day-events");
    cards.insertBefore(card, [...cards.children].find((each) => startOf(each) > startOf(card)) ?? null);
    slideIn(`stay ${slug}`, card, arrived);
    return;
  }
  const later = days.find((each) => each.dataset.day > day.dataset.day);
  if (later) later.before(day);
  else [...document.querySelectorAll(".days[data-live]")].pop()?.append(day);
  slideIn(`day ${day.dataset.day}`, day, arrived);
};

const tidy = () => {
  for (const part of document.querySelectorAll("[data-on-now]")) if (!part.querySelector(CARD)) part.remove();
  if (!document.querySelector(`#results ${CARD}`)) refresh("page");
};

const leave = (slug) => {
  const place = () => {
    const card = cardOf(slug);
    const day = card?.closest(".day");
    return day?.querySelectorAll(CARD).length === 1 ? day : card;
  };
  slideOut(`stay ${slug}`, place, tidy);
};

export const hearList = ({ slug, status, html }) => {
  if (status === "gone") return leave(slug);
  const isCancelled = status === "cancelled";
  if (cardOf(slug)) {
    // A cancelled event's card has nothing to press, whoever holds a ticket.
    const said = () => parse(html).querySelector(CARD);
    update(slug, isCancelled ? said : (card) => keepMine(card, said()));
  } else if (!isCancelled) {
    if (document.querySelector("[data-live-filtered]")) refresh("page");
    else arrive(slug, parse(html));
  }
};

/* The same event may have come into view by itself and with "Show more". */
document.addEventListener("htmx:afterSettle", () => {
  const seen = new Set();
  for (const card of document.querySelectorAll(CARD)) {
    if (seen.has(card.dataset.event)) card.remove();
    seen.add(card.dataset.event);
  }
});

/* A page that was fetched: its first events, each with what is mine. */
whenRefreshed((page) => {
  const cards = [...page.querySelectorAll(`.days ${CARD}`)];
  if (!cards.length || !document.querySelector(`.days ${CARD}`)) return takePart(page, "results");
  const last = page.getElementById("more") ? cards.at(-1) : null;
  const slugs = new Set(cards.map((card) => card.dataset.event));
  for (const card of cards) {
    const slug = card.dataset.event;
    const day = card.closest(".day").cloneNode(true);
    for (const each of day.querySelectorAll(CARD)) if (each.dataset.event !== slug) each.remove();
    if (cardOf(slug)) update(slug, () => card.cloneNode(true));
    else arrive(slug, day);
  }
  for (const card of document.querySelectorAll(`.days ${CARD}[data-status="listed"]`)) {
    if (!slugs.has(card.dataset.event) && (!last || startOf(card) < startOf(last))) leave(card.dataset.event);
  }
});
