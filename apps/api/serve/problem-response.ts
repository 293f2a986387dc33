import type { Problem } from "../problem.ts";

/** A problem as a document of RFC 9457, with the error's code and the parameter that is wrong. */
export function problemResponse(problem: Problem): Response {
  const { code, title, status, message, parameter, retryAfterSeconds } = problem;
  const body = {
    type: `urn:escrow-stream:error:${code}`,
    title,
    status,
    detail: message,
    code,
    ...(parameter === undefined ? {} : { parameter }),
    ...problem.members,
  };
  const headers = new Headers({
    ...problem.headers,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  return new Response(JSON.stringify(body), { status, headers });
}
