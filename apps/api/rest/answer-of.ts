import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import type { Progress } from "../read/progress.ts";

/** Characters; compressing less costs more than it saves. */
const SMALL = 1_024;

type Answer = {
  isOfTheClock: boolean;
  isOfTheProgress: boolean;
  read(snapshot: Snapshot): Promise<object>;
};

/**
 * Answers with JSON and an ETag, or with 304 when the client has the answer already.
 *
 * The ETag is of the request and of what is indexed: while no event was added or reverted, the answer
 * is the same and is not read again. An answer that depends on the clock is the
 * same for the same second.
 */
export async function answerOf(
  c: Context<ApiEnv>,
  { isOfTheClock, isOfTheProgress, read }: Answer,
): Promise<Response> {
  const known = c.req.header("if-none-match");
  const request = `${c.req.url}${isOfTheClock ? Math.floor(Date.now() / 1_000) : ""}`;
  let etag = "";
  const answer = await c.get("read")(async (snapshot) => {
    const { progress } = snapshot;
    etag = etagOf(isOfTheProgress ? progress : progress.chains.map(({ state }) => state), request);
    return known === etag ? null : await read(snapshot);
  });
  const headers = { etag, "cache-control": "no-cache", vary: "accept-encoding, authorization" };
  if (answer === null) return c.body(null, 304, headers);
  const text = JSON.stringify(answer);
  c.set("isSmall", text.length < SMALL);
  return c.body(text, 200, { ...headers, "content-type": "application/json" });
}

function etagOf(state: Progress | string[], request: string): string {
  const hash = createHash("sha1").update(request);
  return `W/"${hash.update(JSON.stringify(state)).digest("base64url")}"`;
}
