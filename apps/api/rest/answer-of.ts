import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { type Progress, rowsState } from "../read/progress.ts";

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
  const second = isOfTheClock ? Math.floor(Date.now() / 1_000) : "";
  const stateOf = (progress: Progress): string =>
    `${isOfTheProgress ? JSON.stringify(progress) : rowsState(progress)}${second}`;
  const etagOf = (progress: Progress): string => {
    const hash = createHash("sha1").update(c.req.url).update(stateOf(progress));
    return `W/"${hash.digest("base64url")}"`;
  };
  const known = c.req.header("if-none-match");
  const { answer: text, progress } = await c.get("answer")(
    { name: c.req.url, stateOf },
    async (snapshot) =>
      known === etagOf(snapshot.progress) ? null : JSON.stringify(await read(snapshot)),
  );
  const etag = etagOf(progress);
  const headers = { etag, "cache-control": "no-cache", vary: "accept-encoding, authorization" };
  if (text === null || known === etag) return c.body(null, 304, headers);
  c.set("isSmall", text.length < SMALL);
  return c.body(text, 200, { ...headers, "content-type": "application/json" });
}
