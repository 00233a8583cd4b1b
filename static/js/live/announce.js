/* What came, for who does not see it come: one polite sentence at a time, and only the newest. */
const PAUSE = 5_000;
const speaker = document.querySelector("[data-announcer]");
let waiting = "";
let spokeAt = 0;
let timer = 0;

const speak = () => {
  timer = 0;
  spokeAt = Date.now();
  speaker.textContent = waiting;
};

export const sayWords = (words) => {
  if (!speaker || !words) return;
  waiting = words;
  if (!timer) timer = window.setTimeout(speak, Math.max(0, spokeAt + PAUSE - Date.now()));
};

/* The sentence stands in the page, so that it can be translated: data-say-new="New event: %s". */
export const say = (what, name) => {
  const sentence = speaker?.getAttribute(`data-say-${what}`);
  if (sentence) sayWords(sentence.replace("%s", () => name));
};

// The answer to what somebody does has its say first (htmx-config.js).
document.addEventListener("htmx:afterSettle", () => { spokeAt = Date.now(); });
