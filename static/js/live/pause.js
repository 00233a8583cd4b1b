/* The switch "Live updates": the reader's choice for this browser, the same in all its tabs. */
const KEY = "live-updates";
const OFF = "off";

const read = () => {
  try {
    return window.localStorage.getItem(KEY) !== OFF;
  } catch {
    return true;
  }
};

const keep = (isOn) => {
  try {
    if (isOn) window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, OFF);
  } catch {
    // Storage is refused: the choice lasts for this page.
  }
};

const switches = document.querySelectorAll("[data-live-switch]");

/* Calls `wants(isOn)` now and with each change of mind. Returns what shows whether the stream is open: there is a switch
   from the first time that there is something to switch off, or on. */
export const followSwitch = (wants) => {
  let isOn = read();
  const apply = () => {
    for (const button of switches) {
      button.setAttribute("aria-pressed", String(isOn));
      if (!isOn) button.hidden = false;
    }
    wants(isOn);
  };
  for (const button of switches) {
    button.addEventListener("click", () => {
      isOn = !isOn;
      keep(isOn);
      apply();
    });
  }
  window.addEventListener("storage", ({ key }) => {
    if (key !== KEY && key !== null) return;
    isOn = read();
    apply();
  });
  apply();
  return (isOpen) => {
    for (const button of switches) {
      if (isOpen) button.hidden = false;
      button.toggleAttribute("data-open", isOpen);
    }
  };
};
