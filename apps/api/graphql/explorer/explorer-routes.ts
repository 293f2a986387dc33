import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../../api-env.ts";
import { explorerPage } from "./explorer-page.ts";

/** Its scripts are in the page itself, its workers are made of them; it talks to us and nobody else. */
const POLICY = [
  ...["default-src 'none'", "script-src 'unsafe-inline' 'unsafe-eval' blob:", "worker-src blob:"],
  ...["style-src 'unsafe-inline'", "img-src data:", "font-src data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

/** A browser that comes to read gets the explorer, whoever sends a question gets its answer. */
export const explorer = createMiddleware<ApiEnv>(async (c, next) => {
  const wantsPage = c.req.method === "GET" && c.req.header("accept")?.includes("text/html");
  if (!wantsPage || c.req.query("query") !== undefined) return await next();
  const page = await explorerPage();
  const etag = `"${createHash("sha256").update(page).digest("base64url").slice(0, 22)}"`;
  const headers = {
    ...{ "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY, etag },
    ...{ "cache-control": "no-cache", vary: "accept, accept-encoding" },
    "x-content-type-options": "nosniff",
  };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  const takesGzip = c.req.header("accept-encoding")?.includes("gzip");
  if (takesGzip)
    return c.body(new Uint8Array(page), 200, { ...headers, "content-encoding": "gzip" });
  return c.body(new Uint8Array(await promisify(gunzip)(page)), 200, headers);
});
