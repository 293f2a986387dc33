import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import { problemSchema } from "./problem-schema.ts";

type Answer = { description: string; content: Record<string, { schema: z.ZodType }> };

type Description = {
  /** As OpenAPI writes it: `/v1/escrows/{chain_id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  request: { params: z.ZodObject; query: z.ZodObject; headers?: z.ZodObject };
  answer: Answer;
  /** Whether an offset of a feed may be unknown. */
  isOfFeed?: true;
};

/** The answer of most routes. */
export function jsonAnswer(schema: z.ZodType): Answer {
  return {
    description: "The answer, with the progress of each chain in its headers.",
    content: { "application/json": { schema } },
  };
}

/** Adds a route to the OpenAPI document. */
export function describeRoute(
  app: OpenAPIHono<ApiEnv>,
  { path, tag, summary, description, request, answer, isOfFeed }: Description,
): void {
  const problem = (what: string) => ({
    description: what,
    content: { "application/problem+json": { schema: problemSchema } },
  });
  const isJson = "application/json" in answer.content;
  app.openAPIRegistry.registerPath({
    method: "get",
    ...{ path, summary, request, tags: [tag] },
    ...(description === undefined ? {} : { description }),
    responses: {
      200: answer,
      ...(isJson
        ? { 304: { description: "Nothing has changed since the answer with this ETag." } }
        : {}),
      400: problem("A parameter is not valid, or there is none of that name."),
      404: problem("What was asked for is not known here."),
      ...(isOfFeed
        ? { 410: problem("The offset is unknown, or older than what is kept: where to begin.") }
        : {}),
      503: problem("Nothing can be read now; `Retry-After` says when to ask again."),
    },
  });
}
