import { compress } from "hono/compress";
import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";

const compressNow = compress();

/** Compresses answers for clients that take it, but those that a handler knows to be small. */
export const compressLarge = createMiddleware<ApiEnv>(async (c, next) => {
  await next();
  // To look at an answer is to make a stream of it.
  if (c.get("isSmall") || c.req.header("accept-encoding") === undefined) return;
  await compressNow(c, async () => undefined);
});
