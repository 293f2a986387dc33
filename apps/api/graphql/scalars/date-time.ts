import { textScalar } from "./text-scalar.ts";

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,3})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Unix seconds as the database takes them; null when it is no such time. */
function secondsOf(text: string): string | null {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? null : String(ms / 1000);
}

export const DateTime = textScalar({
  name: "DateTime",
  description: "A time as RFC 3339 has it, such as 2026-01-31T12:00:00Z. Answered in UTC.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize: (seconds) => new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z"),
  parse: secondsOf,
  expected: "a time from 1970 on with its offset, such as 2026-01-31T12:00:00Z",
});
