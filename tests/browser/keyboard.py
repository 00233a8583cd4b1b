"""Somebody who has a keyboard and nothing else: Tab, Shift+Tab, Enter, Space, arrows and letters."""

from playwright.sync_api import Locator, expect

FAR = 150  # presses of Tab that no page of ours needs to reach anything
LOOKS = 100
FRAME = "() => new Promise(requestAnimationFrame)"
# Whether a person sees where they are: something of the focused element, of its label or of what it draws
# around itself is there only now, and it lies on the screen.
SHOWN = """(element) => {
  const ringed = (style) =>
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
  const around = [element, element.closest("label"), element.parentElement].filter(Boolean);
  const ring = around.some((each) => ringed(getComputedStyle(each)))
    || ringed(getComputedStyle(element, "::after"));
  // The button within a date or time field: the browser rings it, and only it then.
  const own = !element.matches(":focus") && element.matches("input:focus-within");
  const box = element.getBoundingClientRect();
  const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  return { ring: ring || own, inside };
}"""
# What Tab should meet, once each: of a group of radio buttons the chosen one, or the first.
STOPS = """() => {
  const all = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, iframe, [tabindex]")];
  const seen = all.filter((each) => !each.disabled && each.tabIndex >= 0 && each.type !== "hidden"
    && each.checkVisibility({ visibilityProperty: true }));
  const groups = new Set();
  const chosen = (each) => each.form?.elements[each.name]?.value;
  return seen.filter((each) => {
    if (each.type !== "radio") return true;
    if (chosen(each) ? each.checked : !groups.has(each.name)) return groups.add(each.name);
    return false;
  }).map((each) => (window.stops ??= []).push(each) - 1).length;
}"""
WHERE = "() => (window.stops ?? []).indexOf(document.activeElement)"
NAME = "(n) => window.stops[n].outerHTML.slice(0, 160)"


class Keyboard:
    def __init__(self, tab):
        self.tab = tab

    def press(self, key):
        self.tab.keyboard.press(key)

    def type(self, text):
        self.tab.keyboard.type(text)

    def replace(self, text):
        """Type over what stands in the field."""
        self.press("ControlOrMeta+a")
        self.type(text)

    def go_to(self, target: Locator):
        """Tab until `target` has the focus, and see at every step where the focus is."""
        target = target.locator("visible=true").first
        expect(target).to_be_visible()
        for _press in range(FAR):
            self.press("Tab")
            self.see_focus()
            if target.evaluate("(element) => element === document.activeElement"):
                return
        raise AssertionError(f"Tab does not reach {target}")

    def see_focus(self):
        if self.tab.evaluate("document.activeElement === document.body"):
            return  # the browser's own bar, past the last element
        focused = self.tab.evaluate_handle("document.activeElement")
        for _look in range(LOOKS):  # the page scrolls to it in a frame of its own
            shown = focused.evaluate(SHOWN)
            if shown == {"ring": True, "inside": True}:
                return
            self.tab.evaluate(FRAME)
        raise AssertionError(f"{shown}: {focused.evaluate('(element) => element.outerHTML')[:200]}")

    def stops(self):
        """What can be reached on the page, by its place in the document: how many."""
        return self.tab.evaluate(STOPS)

    def walk(self, key):
        """The places that `key` meets until it leaves the page or begins again.

        A date counts once, though its parts are stops of their own.
        """
        met = []
        for _press in range(FAR + 100):
            self.press(key)
            if self.tab.evaluate("document.activeElement === document.body"):
                return met
            self.see_focus()
            place = self.place()
            if len(met) > 1 and place == met[0]:
                return met
            if met[-1:] != [place]:
                met.append(place)
        raise AssertionError(f"{key} never leaves the page: {met[-5:]}")

    def place(self):
        """Where the focus is among the stops; -1 is nowhere."""
        return self.tab.evaluate(WHERE)

    def name(self, place):
        return self.tab.evaluate(NAME, place) if place >= 0 else "something that is no stop"
