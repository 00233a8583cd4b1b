// The API's documentation: Swagger UI in the site's colours, calling with the site's own session.
/* global SwaggerUIBundle */

const root = document.documentElement;
const place = document.querySelector("#api-docs");

const followTheme = () => {
  root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
};

new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-bs-theme"] });
followTheme();

SwaggerUIBundle({
  dom_id: "#api-docs",
  url: place.dataset.url,
  presets: [SwaggerUIBundle.presets.apis],
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
