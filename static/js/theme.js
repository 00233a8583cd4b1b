/* Light, dark or auto. Runs before the first paint (a plain script in head), so that no page flashes.
   The choice is kept in localStorage under "theme" and is carried out by the media attribute of dark.css. */
(() => {
  "use strict";
  const KEY = "theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const read = () => {
    try {
      const kept = window.localStorage.getItem(KEY);
      return kept === "light" || kept === "dark" ? kept : "auto";
    } catch {
      return "auto";
    }
  };

  const keep = (choice) => {
    try {
      if (choice === "auto") window.localStorage.removeItem(KEY);
      else window.localStorage.setItem(KEY, choice);
    } catch {
      /* Storage is refused: the choice lasts for this page. */
    }
  };

  const apply = (choice) => {
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    const media = {
      light: "not all",
      dark: "screen",
      auto: "screen and (prefers-color-scheme: dark)",
    }[choice];
    for (const sheet of document.querySelectorAll("link[data-dark-sheet]")) sheet.media = media;
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };

  let choice = read();
  apply(choice);
  system.addEventListener("change", () => apply(choice));
  window.addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) apply((choice = read()));
  });
  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll("[data-theme-switch]")) group.hidden = false;
    apply(choice);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    choice = button.dataset.themeChoice;
    keep(choice);
    apply(choice);
  });
})();
