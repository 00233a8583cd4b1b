// On a phone the side navigation is a row that scrolls: show the page one is on.
document
  .querySelector(".side-nav [aria-current]")
  ?.scrollIntoView({ block: "nearest", inline: "center" });
