import type { ErrorCode } from "../../config/error-catalogue.ts";

type Kind = {
  status: 400 | 401 | 403 | 404 | 405 | 410 | 413 | 422 | 429 | 500 | 503;
  title: string;
};

/** The errors that an answer may be, with their HTTP status and RFC 9457 title. */
const PROBLEMS = {
  "ES-REQUEST-BAD": { status: 400, title: "The request is not valid" },
  "ES-NOT-FOUND": { status: 404, title: "There is no such thing" },
  "ES-FEED-OFFSET": { status: 410, title: "There is no such place in the feed" },
  "ES-METHOD": { status: 405, title: "There is no such method here" },
  "ES-KEY-REFUSED": { status: 401, title: "A key is needed" },
  "ES-SCOPE": { status: 403, title: "The key may not do this" },
  "ES-HOST-REFUSED": { status: 403, title: "Asked by a name that is not allowed" },
  "ES-RATE-LIMITED": { status: 429, title: "Too many requests" },
  "ES-ANSWER-TOO-LARGE": { status: 422, title: "The answer would cost too much" },
  "ES-BUSY": { status: 503, title: "Too many requests at once" },
  "ES-CATCHING-UP": { status: 503, title: "The index is catching up" },
  "ES-NOT-READY": { status: 503, title: "There is nothing to read yet" },
  "ES-QUERY-TIMEOUT": { status: 503, title: "The query took too long" },
  "ES-DATABASE-UNREACHABLE": { status: 503, title: "The database does not answer" },
  "ES-DATABASE-REFUSED": { status: 503, title: "The database refuses the API" },
  "ES-EVENT-UNREADABLE": { status: 500, title: "A stored event cannot be read" },
  "ES-UNEXPECTED": { status: 500, title: "Something that nobody foresaw" },
} as const satisfies Partial<Record<ErrorCode, Kind>>;

export type ProblemCode = keyof typeof PROBLEMS;

type More = {
  /** The parameter or field that is wrong. */
  parameter?: string;
  /** When to ask again, in seconds. */
  retryAfterSeconds?: number;
  /** More of the answer. */
  headers?: Record<string, string>;
  /** More members of the document. */
  members?: Record<string, number>;
};

/**
 * An answer that is an error. Its message goes to the client as it is: no SQL, no path, nothing of
 * the server's.
 */
export class Problem extends Error {
  override name = "Problem";
  readonly code: ProblemCode;
  readonly parameter: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string>;
  readonly members: Record<string, number>;

  constructor(
    code: ProblemCode,
    message: string,
    { parameter, retryAfterSeconds, headers = {}, members = {} }: More = {},
  ) {
    super(message);
    this.code = code;
    this.parameter = parameter;
    this.headers = headers;
    this.members = members;
    this.retryAfterSeconds = retryAfterSeconds ?? (PROBLEMS[code].status === 503 ? 1 : undefined);
  }

  get status(): Kind["status"] {
    return PROBLEMS[this.code].status;
  }

  get title(): string {
    return PROBLEMS[this.code].title;
  }
}
