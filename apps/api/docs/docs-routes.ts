import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Hono } from "hono";
import type { ApiEnv } from "../api-env.ts";

const { resolve } = createRequire(import.meta.url);

const SCRIPT = "text/javascript; charset=utf-8";
const FROM_PACKAGE: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": SCRIPT,
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>escrow-stream API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="reference"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/show.js"></script>
  </body>
</html>
`;

// Without a validator of its own Swagger UI would ask swagger.io to check the document.
const SHOW = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null });
`;

const HEADERS = {
  "cache-control": "public, max-age=3600",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/** `/docs`: the reference of the REST API, all from files of ours: it works without any network. */
export function docsRoutes(): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get("/", (c) => c.html(PAGE, 200, HEADERS));
  app.get("/show.js", (c) => c.body(SHOW, 200, { ...HEADERS, "content-type": SCRIPT }));
  for (const [name, type] of Object.entries(FROM_PACKAGE))
    app.get(`/${name}`, async (c) =>
      c.body(new Uint8Array(await readFile(resolve(`swagger-ui-dist/${name}`))), 200, {
        ...HEADERS,
        "content-type": type,
      }),
    );
  return app;
}
