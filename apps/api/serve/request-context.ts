import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import type { ConsistentReads } from "../read/consistent-reads.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { SharedAnswers } from "../read/shared-answers.ts";
import { setProgressHeaders } from "./progress-headers.ts";

type Options = {
  reads: ConsistentReads;
  answers: SharedAnswers;
  watch: DatabaseWatch;
  requestTimeoutMs: number;
};

/** Why a request ends whose client is gone; nobody reads it. */
export class ClientGone extends Error {
  override name = "ClientGone";
}

/**
 * Gives every request its way to read, which ends when the client leaves or the time is up, and every
 * answer the progress of what was read: of the last look where nothing was.
 */
export function requestContext({ reads, answers, watch, requestTimeoutMs }: Options) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(tookTooLong()), requestTimeoutMs);
    c.env?.outgoing?.once("close", () => {
      if (!c.env.outgoing?.writableFinished) stop.abort(new ClientGone());
      clearTimeout(timer);
    });
    const asker = { client: c.get("client"), signal: stop.signal };
    c.set("signal", stop.signal);
    c.set("progress", null);
    c.set("read", async (work) => {
      const { answer, progress } = await reads.run(asker, work);
      c.set("progress", progress);
      return answer;
    });
    c.set("answer", async (asked, make) => {
      const result = await answers.answer(asker, asked, make);
      c.set("progress", result.progress);
      return result;
    });
    await next();
    clearTimeout(timer);
    const progress = c.get("progress") ?? watch.progress;
    if (progress !== null) setProgressHeaders(c.res.headers, progress);
  });
}

function tookTooLong(): Problem {
  return new Problem("ES-QUERY-TIMEOUT", "The answer could not be made in time.");
}
