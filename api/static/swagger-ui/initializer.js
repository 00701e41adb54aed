// The page may run no script of its own, so what starts Swagger UI is a file.
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    // The validator badge would send the address of this page to a third party.
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
