import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from "graphql";
import type { ApiEnv } from "../../api-env.ts";
import { executeInSnapshot } from "../execute-in-snapshot.ts";

/**
 * Subscribes, and answers for each change what is selected, in a snapshot of its own.
 *
 * @returns the answers, or what is wrong with the question
 */
export async function subscribeInSnapshots(
  args: ExecutionArgs,
  read: ApiEnv["Variables"]["read"],
  failed: (error: unknown) => ExecutionResult,
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const source = await createSourceEventStream(args).catch(failed);
  if (!(Symbol.asyncIterator in source)) {
    const original = source.errors?.find(({ originalError }) => originalError)?.originalError;
    return original === undefined ? source : failed(original);
  }
  const changes = source[Symbol.asyncIterator]();
  // No generator: that would not end before the next change comes.
  const answers: AsyncIterableIterator<ExecutionResult> = {
    next: async () => {
      const { value, done } = await changes.next();
      if (done) return { value: undefined, done: true };
      const answer = await executeInSnapshot({ ...args, rootValue: value }, read).catch(failed);
      return { value: answer, done: false };
    },
    return: async () => {
      await changes.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => answers,
  };
  return answers;
}
