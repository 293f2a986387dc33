import type { Hono } from "hono";
import type { EventLog } from "../../../config/event-log.ts";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import { problemOfError } from "../read/problem-of-error.ts";
import { problemResponse } from "./problem-response.ts";
import { ClientGone } from "./request-context.ts";

const READS = new Set(["GET", "HEAD"]);

/** Answers whatever went wrong, and every path that there is none of, with a problem document. */
export function answerErrors(app: Hono<ApiEnv>, log: EventLog): void {
  app.notFound((c) => {
    const isKnown = READS.has(c.req.method)
      ? false
      : app.router.match("GET", c.req.path)[0].some(([[, { path }]]) => !path.endsWith("*"));
    return problemResponse(
      isKnown
        ? new Problem("ES-METHOD", "There is no such method here: read with GET.", {
            headers: { allow: "GET, HEAD" },
          })
        : new Problem("ES-NOT-FOUND", "There is no such path."),
    );
  });
  app.onError((error, c) => {
    // Nobody reads it.
    if (error instanceof ClientGone) return c.body(null, 408);
    const problem = problemOfError(error);
    if (problem.code === "ES-UNEXPECTED")
      log.error(
        { event: "api.unexpected", code: problem.code, stack: error.stack },
        `A request failed: ${error.message}`,
      );
    return problemResponse(problem);
  });
}
