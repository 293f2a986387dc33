import { classifyError } from "./classify-error.ts";

/** Ends the process because of an error: in plain words, with its code, and the exit code of it. */
export function exitWith(error: unknown): never {
  const { message, exitCode } = classifyError(error);
  console.error(message);
  process.exit(exitCode);
}
