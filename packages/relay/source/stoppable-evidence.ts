import type { BlockEvidence } from "./block-evidence.ts";

/** The same evidence, that says no as soon as `signal` is aborted: nodes may take long to answer. */
export function stoppableEvidence(evidence: BlockEvidence, signal: AbortSignal): BlockEvidence {
  return {
    isReplaced: (...block) => orFalse(evidence.isReplaced(...block), signal),
    isCanonical: (...block) => orFalse(evidence.isCanonical(...block), signal),
  };
}

async function orFalse(answer: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<boolean>((resolve) => {
    onAbort = () => resolve(false);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
