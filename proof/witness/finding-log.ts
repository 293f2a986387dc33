import type { Logger } from "pino";
import type { ComparisonSettings } from "./store-comparison.ts";

/** Says of one chain what is found, and when nothing of it is left. */
export function findingLog(
  log: Logger,
  chainId: number,
): Pick<ComparisonSettings, "onFinding" | "onHealed"> {
  return {
    onFinding: ({ kind, eventId, block, detail }, deployment) =>
      log.error(
        {
          event: "witness.finding",
          code: "ES-WITNESS-DIFFERS",
          ...{ chain: chainId, kind, eventId, block, deployment },
        },
        `chain ${chainId}, block ${block}, ${kind} ${eventId}: ${detail}; the final publication waits before that block`,
      ),
    onHealed: (deployment) =>
      log.info(
        { event: "witness.healed", chain: chainId, deployment },
        `chain ${chainId}: the event store has what the chain has again; the final publication goes on`,
      ),
  };
}
