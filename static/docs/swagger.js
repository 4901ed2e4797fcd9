// Swagger UI over this installation's own OpenAPI document. Requests made from here come from a page of
// this site, so a signed-in browser needs no token; one that is typed in stays in this browser.
const page = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: page.dataset.schema,
  domNode: page,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null, // else the page asks a server elsewhere to judge the document
});
