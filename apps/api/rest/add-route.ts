import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { answerOf } from "./answer-of.ts";
import { describeRoute, jsonAnswer } from "./describe-route.ts";
import { readInput } from "./read-input.ts";

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

/** Adds a route, and what it takes and answers to the OpenAPI document. */
export function addRoute<P extends Shape, Q extends Shape>(
  app: OpenAPIHono<ApiEnv>,
  route: Route<P, Q>,
): void {
  const request = { params: z.object(route.params), query: z.object(route.query) };
  describeRoute(app, { ...route, request, answer: jsonAnswer(route.answer) });
  app.get(route.path.replaceAll(/\{(\w+)\}/g, ":$1"), async (c) => {
    const input = readInput(c, request);
    return await answerOf(c, {
      isOfTheClock: route.isOfTheClock?.(input.query) ?? false,
      isOfTheProgress: route.isOfTheProgress?.(input.query) ?? false,
      read: (snapshot) => route.read(snapshot, input),
    });
  });
}
