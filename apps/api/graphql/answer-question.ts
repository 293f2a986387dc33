import type { ExecutionArgs } from "graphql";
import type { ApiEnv } from "../api-env.ts";
import { type Progress, rowsState } from "../read/progress.ts";
import { executeIn, type Result, textOf } from "./execute-in-snapshot.ts";
import { freshness } from "./freshness.ts";

/** Fields and arguments whose answer depends on how far a chain is, also while its rows stay. */
const OF_THE_PROGRESS = /\bchains\b|\basOfBlock\b/;

/** An answer as it is sent, or one with errors that whoever asked can fix. */
export type Answered = { text: string } | { refused: Result };

/**
 * Answers a question, the same to all who ask it while nothing has changed.
 *
 * @throws like `executeInSnapshot`
 */
export async function answerQuestion(
  args: ExecutionArgs,
  answer: ApiEnv["Variables"]["answer"],
): Promise<Answered> {
  const question = args.document.loc?.source.body ?? "";
  const name = `${question}\0${args.operationName ?? ""}\0${JSON.stringify(args.variableValues ?? {})}`;
  const stateOf = OF_THE_PROGRESS.test(question) ? JSON.stringify : rowsState;
  let refused: Result = {};
  const { answer: data, progress } = await answer({ name, stateOf }, async (snapshot) => {
    const result = await executeIn(args, snapshot);
    if (result.errors === undefined) return textOf(result.data);
    refused = result;
    return null;
  });
  if (data === null) return { refused };
  return { text: `{"data":${data},"extensions":{"chains":${freshnessText(progress)}}}` };
}

/** All requests of a moment share one. */
const known = new WeakMap<Progress, string>();

function freshnessText(progress: Progress): string {
  const text = known.get(progress) ?? JSON.stringify(freshness(progress));
  known.set(progress, text);
  return text;
}
