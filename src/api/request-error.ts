import { HTTPException } from "hono/http-exception";

/** Answers 400 with what is wrong, where, and what was expected. */
export function badRequest(parameter: string, message: string): HTTPException {
  return jsonError(400, { parameter, message });
}

/** Answers 404 with what was looked for. */
export function notFound(message: string): HTTPException {
  return jsonError(404, { message });
}

/** Answers 422: the request is right, and more than one answer may cost. */
export function tooMuch(message: string): HTTPException {
  return jsonError(422, { message });
}

/** Answers 500 with what is wrong with the data. */
export function unreadable(message: string): HTTPException {
  return jsonError(500, { message });
}

function jsonError(status: 400 | 404 | 422 | 500, error: Record<string, string>): HTTPException {
  return new HTTPException(status, { res: Response.json({ error }, { status }) });
}
