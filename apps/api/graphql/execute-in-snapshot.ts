import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from "graphql";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import { freshness } from "./freshness.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";
import { QueryContext } from "./query-context.ts";

type Read = ApiEnv["Variables"]["read"];
/** Yoga sends what this makes, instead of making the text of a result a second time. */
type Result = ExecutionResult & { stringify?: () => string };

/**
 * Executes a question in one snapshot of the database, and says how fresh it was.
 *
 * @throws Problem when the answer is too large, when nothing can be read, or what failed below a field;
 *   an error that whoever asked can fix stays in the result
 */
export async function executeInSnapshot(args: ExecutionArgs, read: Read): Promise<Result> {
  const result = await read(async (snapshot): Promise<Result> => {
    const result = await execute({ ...args, contextValue: new QueryContext(snapshot) });
    // Not half an answer: the read is tried again where that helps.
    for (const { originalError } of result.errors ?? [])
      if (originalError && !(originalError instanceof GraphQLError)) throw originalError;
    return { ...result, extensions: { chains: freshness(snapshot.progress) } };
  });
  if (result.errors !== undefined) return result;
  const text = JSON.stringify(result);
  if (text.length > QUERY_LIMITS.answerBytes)
    throw new Problem(
      "ES-ANSWER-TOO-LARGE",
      `The answer has more than ${QUERY_LIMITS.answerBytes} bytes. Ask for smaller pages.`,
    );
  return { ...result, stringify: () => text };
}
