// The API's documentation: Swagger UI in the site's colours, calling with the site's own session.
/* global SwaggerUIBundle */

const root = document.documentElement;
const place = document.querySelector("#api-docs");

const followTheme = () => {
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
};

new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-bs-theme"] });
followTheme();

// An operation's path is a link within the button that opens it: two things to focus, one in the other.
// Opening it puts the same address into the bar, so the plain path is enough. A tag's link stays.
const plainPaths = (system) => ({
  wrapComponents: {
    DeepLink: (Link) => (props) =>
      props.path.includes("/")
        ? system.React.createElement("span", null, props.text)
        : system.React.createElement(Link, props),
  },
});

// Swagger UI gives the choice of servers a label that it hides, if any.
const nameChoiceOfServers = () => {
  const choice = place.querySelector("#servers:not([aria-label])");
  if (choice) choice.setAttribute("aria-label", place.dataset.servers);
};
new MutationObserver(nameChoiceOfServers).observe(place, { childList: true, subtree: true });

SwaggerUIBundle({
  dom_id: "#api-docs",
  url: place.dataset.url,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [plainPaths],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const own = new URL(request.url, window.location.href).origin === window.location.origin;
    if (own && place.dataset.csrfToken) {
      request.headers["X-CSRFToken"] = place.dataset.csrfToken;
    }
    return request;
  },
});
