import { classifyError } from "../../../config/classify-error.ts";
import { UnreadableEvent } from "../../../src/events/upcast.ts";
import { Problem } from "../problem.ts";
import { InvalidCursor } from "./cursor.ts";

const TIMED_OUT = "57014";
const LOCKED = "55P03";
/** No such table, schema or column: no deployment has been made yet, or an older one. */
const NOT_THERE = new Set(["42P01", "3F000", "42703", "42883"]);
/** What pg says when its own time for a query or a connection is up. */
const NO_ANSWER = /^(Query read timeout|timeout exceeded when trying to connect|timeout expired)/;

/**
 * What an answer says about an error. Nothing of the error's own words: they may name tables or paths.
 *
 * @returns a Problem; with the code ES-UNEXPECTED when nobody foresaw it
 */
export function problemOfError(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof UnreadableEvent) return new Problem("ES-EVENT-UNREADABLE", error.message);
  if (error instanceof InvalidCursor)
    return new Problem("ES-REQUEST-BAD", error.message, { parameter: "cursor" });
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  if (code === TIMED_OUT)
    return new Problem("ES-QUERY-TIMEOUT", "The database did not finish the query in time.");
  if (code === LOCKED)
    return new Problem("ES-BUSY", "What is asked for is being replaced at this moment.");
  if (NOT_THERE.has(code))
    return new Problem("ES-NOT-READY", "No indexer has made its tables yet.", {
      retryAfterSeconds: 5,
    });
  const known = NO_ANSWER.test(message) ? "ES-DATABASE-UNREACHABLE" : classifyError(error).code;
  if (known === "ES-DATABASE-REFUSED")
    return new Problem(known, "The database refuses the role of the API.");
  if (known === "ES-DATABASE-UNREACHABLE" || known === "ES-UNREACHABLE")
    return new Problem("ES-DATABASE-UNREACHABLE", "The database does not answer.", {
      retryAfterSeconds: 2,
    });
  return new Problem("ES-UNEXPECTED", "The answer could not be made. The log has more.");
}
