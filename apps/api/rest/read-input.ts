import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";

/** Names that parameters had before they were all written as in SQL. */
const OLD_NAMES: Record<string, string> = { chainId: "chain_id", asOfBlock: "as_of_block" };

/**
 * What a request asks for, of its path and its query.
 *
 * @throws Problem 400 for a value that is not valid, or a parameter that there is none of
 */
export function readInput<P extends z.ZodObject, Q extends z.ZodObject>(
  c: Context<ApiEnv>,
  { params, query }: { params: P; query: Q },
): { params: z.output<P>; query: z.output<Q> } {
  return {
    params: parse(params, c.req.param() as Record<string, string>),
    query: parse(query, knownOnly(queryOf(c), Object.keys(query.shape))),
  };
}

function queryOf(c: Context<ApiEnv>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(c.req.query()).map(([name, value]) => [OLD_NAMES[name] ?? name, value]),
  );
}

/** @throws Problem 400 for a parameter that there is none of */
function knownOnly(query: Record<string, string>, known: string[]): Record<string, string> {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown === undefined) return query;
  throw new Problem(
    "ES-REQUEST-BAD",
    `there is no such parameter: expected ${known.length === 0 ? "none" : known.join(", ")}`,
    { parameter: unknown.slice(0, 80) },
  );
}

function parse<S extends z.ZodObject>(schema: S, value: Record<string, string>): z.output<S> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new Problem("ES-REQUEST-BAD", issue?.message ?? "not valid", {
    parameter: String(issue?.path[0] ?? ""),
  });
}
