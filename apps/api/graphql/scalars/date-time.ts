import { textScalar } from "./text-scalar.ts";

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,3})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Unix seconds as the database takes them; null when it is no such time. */
function secondsOf(text: string): string | null {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? null : String(ms / 1000);
}

const DAY_SECONDS = 86_400;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));
/** The last day that was written: the rows of a page are of a few days, and a `Date` for each costs. */
const last = { day: Number.NaN, text: "" };

/**
 * Unix seconds as RFC 3339 has them.
 *
 * @throws RangeError for a day that a `Date` cannot say
 */
function textOf(seconds: unknown): string {
  const time = Number(seconds);
  if (!Number.isInteger(time)) return new Date(time * 1_000).toISOString();
  const day = Math.floor(time / DAY_SECONDS);
  if (day !== last.day) {
    last.text = new Date(day * DAY_SECONDS * 1_000).toISOString().slice(0, -"00:00:00.000Z".length);
    last.day = day;
  }
  const second = time - day * DAY_SECONDS;
  const parts = [second / 3_600, (second / 60) % 60, second % 60];
  return `${last.text}${parts.map((part) => TWO_DIGITS[Math.floor(part)]).join(":")}Z`;
}

export const DateTime = textScalar({
  name: "DateTime",
  description: "A time as RFC 3339 has it, such as 2026-01-31T12:00:00Z. Answered in UTC.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize: textOf,
  parse: secondsOf,
  expected: "a time from 1970 on with its offset, such as 2026-01-31T12:00:00Z",
});
