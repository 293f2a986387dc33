import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from "graphql";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { freshness } from "./freshness.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";
import { planOf } from "./plan/question-plan.ts";
import { QueryContext } from "./query-context.ts";

type Read = ApiEnv["Variables"]["read"];
/** Yoga sends what this makes, instead of making the text of a result a second time. */
export type Result = ExecutionResult & { stringify?: () => string };

/**
 * Executes a question in one snapshot of the database, and says how fresh it was.
 *
 * @throws Problem when the answer is too large, when nothing can be read, or what failed below a field;
 *   an error that whoever asked can fix stays in the result
 */
export async function executeInSnapshot(args: ExecutionArgs, read: Read): Promise<Result> {
  const result = await read((snapshot) => executeIn(args, snapshot));
  if (result.errors !== undefined) return result;
  const text = textOf(result);
  return { ...result, stringify: () => text };
}

/** @throws what failed below a field, but for errors that whoever asked can fix */
export async function executeIn(args: ExecutionArgs, snapshot: Snapshot): Promise<ExecutionResult> {
  const result =
    (await executePlan(args, snapshot)) ??
    (await execute({ ...args, contextValue: new QueryContext(snapshot) }));
  // Not half an answer: the read is tried again where that helps.
  for (const { originalError } of result.errors ?? [])
    if (originalError && !(originalError instanceof GraphQLError)) throw originalError;
  return { ...result, extensions: { chains: freshness(snapshot.progress) } };
}

/** @returns null where there is no plan, and where GraphQL has to say what an error does to an answer */
async function executePlan(
  { schema, document, operationName, variableValues }: ExecutionArgs,
  snapshot: Snapshot,
): Promise<ExecutionResult | null> {
  const plan = planOf(schema, document, operationName);
  if (plan === null) return null;
  try {
    const data = await plan(new QueryContext(snapshot), variableValues ?? {});
    return { data: data as Record<string, unknown> };
  } catch (error) {
    if (error instanceof GraphQLError) return null;
    throw error;
  }
}

/** What there is of an answer as JSON. @throws Problem when it is too large */
export function textOf(answer: unknown): string {
  const text = JSON.stringify(answer);
  if (text.length <= QUERY_LIMITS.answerBytes) return text;
  throw new Problem(
    "ES-ANSWER-TOO-LARGE",
    `The answer has more than ${QUERY_LIMITS.answerBytes} bytes. Ask for smaller pages.`,
  );
}
