/* <p class="countdown" data-countdown-to="2026-11-24T18:30:00Z" data-countdown-text="Starts in %s"
   data-countdown-units="h,min"></p>: within 24 hours before the start, says how long it is still. */
const DAY = 24 * 60;

const phrase = (minutes, units) => {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const parts = [];
  if (hours) parts.push(`${hours} ${units[0]}`);
  if (rest || !hours) parts.push(`${rest} ${units[1]}`);
  return parts.join(" ");
};

const tick = () => {
  for (const element of document.querySelectorAll("[data-countdown-to]")) {
    const left = Math.ceil((new Date(element.dataset.countdownTo) - Date.now()) / 60000);
    const units = (element.dataset.countdownUnits || "h,min").split(",");
    const text = left > 0 && left <= DAY
      ? (element.dataset.countdownText || "Starts in %s").replace("%s", phrase(left, units))
      : "";
    if (element.textContent !== text) element.textContent = text;
  }
};

tick();
window.setInterval(tick, 30000);
for (const name of ["htmx:afterSettle", "live:settle"]) document.addEventListener(name, tick);
