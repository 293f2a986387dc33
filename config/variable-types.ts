import { z } from "zod";

/*
 * What the value of a variable may look like. Values of variables may be secret and are never part
 * of a message, unless they are names or numbers that cannot be.
 */

export const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: "expected postgres://user:password@host:port/database",
});

export const port = z
  .string()
  .regex(/^\d{1,5}$/, "expected a port, 0 to 65535")
  .transform(Number)
  .pipe(z.number().max(65_535, "expected a port, 0 to 65535"))
  .default(0);

export const hostName = z.string().default("127.0.0.1");

export const hostAndPort = z.string().regex(/^[^/\s]+:\d+$/, "expected host:port");

const truth = (otherwise: "true" | "false") =>
  z
    .enum(["true", "false"], "expected true or false")
    .default(otherwise)
    .transform((value) => value === "true");

export const trueOrFalse = truth("false");
export const trueUnlessFalse = truth("true");

type Range = { min: number; max: number };

export const milliseconds = ({ min, max }: Range) =>
  z.coerce
    .number("expected a number of milliseconds")
    .int("expected whole milliseconds")
    .min(min, `expected ${min} or more`)
    .max(max, `expected ${max} or less`);

export const seconds = (range: Range) => numberWithin(range, "expected a number of seconds");

export const numberWithin = ({ min, max }: Range, what = "expected a number") =>
  z.coerce.number(what).min(min, `expected ${min} or more`).max(max, `expected ${max} or less`);

export const wholeNumberWithin = ({ min, max }: Range) =>
  z.coerce
    .number("expected a whole number")
    .int("expected a whole number")
    .min(min, `expected ${min} or more`)
    .max(max, `expected ${max} or less`);

const rpcUrl = z.url({ protocol: /^(https?|wss?)$/, error: "expected an http(s) or ws(s) URL" });

export const rpcUrls = z
  .string()
  .transform((value) => value.split(",").map((url) => url.trim()))
  .pipe(rpcUrl.array());

export const oneRpcUrl = z
  .string()
  .trim()
  .pipe(z.url({ protocol: /^(https?|wss?)$/, error: "expected one http(s) or ws(s) URL" }));

export const projectId = z
  .string("expected the Google Cloud project of the topics")
  .regex(/^[a-z][a-z0-9.:-]{1,62}$/, "expected a Google Cloud project id");

export const cloudRegion = z
  .string()
  .regex(/^[a-z]+-[a-z]+\d+$/, "expected a region of Google Cloud, such as europe-west1");

export const topicId = z
  .string()
  .regex(
    /^(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/,
    "expected a Pub/Sub topic id: 3 to 255 of letters, digits and -_.~+%, beginning with a letter and not with goog",
  );

export const logLevel = z
  .enum(
    ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    "expected trace, debug, info, warn, error, fatal or silent",
  )
  .default("info");

/** Words separated by commas, each of a form. */
export const wordList = (form: RegExp, what: string) =>
  z
    .string()
    .default("")
    .transform((value) => value.split(",").map((each) => each.trim()))
    .transform((words) => words.filter((word) => word !== ""))
    .pipe(z.string().regex(form, what).array());

const KEY_HASH = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62}):([0-9a-f]{64})$/;

export const keyHashes = wordList(
  KEY_HASH,
  "expected <name>:<SHA-256 of the key, 64 hex digits in lower case>",
).transform((entries) =>
  entries.map((entry) => {
    const [, name = "", sha256 = ""] = KEY_HASH.exec(entry) ?? [];
    const scopes: ("read" | "feed")[] = ["read", "feed"];
    return { name, sha256, scopes, expiresAtMs: null };
  }),
);
