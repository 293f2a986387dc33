import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { answerOf } from "./answer-of.ts";
import { problemSchema } from "./problem-schema.ts";

type Shape = Record<string, z.ZodType>;
type Parsed<S extends Shape> = z.output<z.ZodObject<S>>;

export type Route<P extends Shape, Q extends Shape> = {
  /** As OpenAPI writes it: `/v1/escrows/{chain_id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  params: P;
  query: Q;
  answer: z.ZodType;
  /** Whether the answer also depends on the clock when the query does not say a time. */
  isOfTheClock?: (query: Parsed<Q>) => boolean;
  /** Whether it also depends on which blocks are indexed, final and verified. */
  isOfTheProgress?: (query: Parsed<Q>) => boolean;
  /** @returns what is answered as JSON */
  read(snapshot: Snapshot, input: { params: Parsed<P>; query: Parsed<Q> }): Promise<object>;
};

/** Names that parameters had before they were all written as in SQL. */
const OLD_NAMES: Record<string, string> = { chainId: "chain_id", asOfBlock: "as_of_block" };

/** Adds a route, and what it takes and answers to the OpenAPI document. */
export function addRoute<P extends Shape, Q extends Shape>(
  app: OpenAPIHono<ApiEnv>,
  route: Route<P, Q>,
): void {
  const params = z.object(route.params);
  const query = z.object(route.query);
  describeRoute(app, route, { params, query });
  app.get(route.path.replaceAll(/\{(\w+)\}/g, ":$1"), async (c) => {
    const input = {
      params: parse(params, c.req.param() as Record<string, string>),
      query: parse(query, knownOnly(queryOf(c), Object.keys(route.query))),
    };
    return await answerOf(c, {
      isOfTheClock: route.isOfTheClock?.(input.query) ?? false,
      isOfTheProgress: route.isOfTheProgress?.(input.query) ?? false,
      read: (snapshot) => route.read(snapshot, input),
    });
  });
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

function describeRoute<P extends Shape, Q extends Shape>(
  app: OpenAPIHono<ApiEnv>,
  { path, tag, summary, description, answer }: Route<P, Q>,
  request: { params: z.ZodObject<P>; query: z.ZodObject<Q> },
): void {
  const problem = (what: string) => ({
    description: what,
    content: { "application/problem+json": { schema: problemSchema } },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    ...{ path, summary, request, tags: [tag] },
    ...(description === undefined ? {} : { description }),
    responses: {
      200: {
        description: "The answer, with the progress of each chain in its headers.",
        content: { "application/json": { schema: answer } },
      },
      304: { description: "Nothing has changed since the answer with this ETag." },
      400: problem("A parameter is not valid, or there is none of that name."),
      404: problem("What was asked for is not known here."),
      503: problem("Nothing can be read now; `Retry-After` says when to ask again."),
    },
  });
}
