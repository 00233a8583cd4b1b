/* The ticket's page: the print button, and the tear when a ticket has just been booked. */
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

const FRESH = 60_000;
const ticket = document.querySelector("[data-ticket][data-booked-at]");

const firstSight = (id) => {
  try {
    const key = `ticket-seen-${id}`;
    if (window.sessionStorage.getItem(key)) return false;
    window.sessionStorage.setItem(key, "1");
    return true;
  } catch {
    return false;
  }
};

if (ticket) {
  const age = Date.now() - new Date(ticket.dataset.bookedAt).valueOf();
  if (Math.abs(age) < FRESH && firstSight(ticket.dataset.ticket)) {
    ticket.classList.add("tears-in");
    ticket.addEventListener("animationend", (event) => {
      if (event.animationName === "stub-tear") ticket.classList.remove("tears-in");
    });
  }
}
