import { setTimeout } from "node:timers/promises";
import { withClient } from "../../db/with-client.ts";
import { lockHealing } from "../../engine/deployment/deployment-lock.ts";
import { Healer, type HealerSettings, type HealState } from "./healer.ts";

const POLL_MS = 2_000;
const RETRY_MS = 5_000;

/**
 * Heals what is found, until `signal`, or until there is nothing left to do. Of any number of
 * processes one does it; the others wait until that one is gone.
 *
 * @param until `clear-or-stuck` ends when nothing is left, or nothing but what needs an operator
 * @returns the state in the end
 */
export async function runHealing(
  settings: HealerSettings,
  until: "aborted" | "clear-or-stuck",
): Promise<HealState> {
  const { databaseUrl, signal, log } = settings;
  const healer = new Healer(settings);
  let state: HealState = "under-way";
  while (!signal.aborted) {
    let waitMs = RETRY_MS;
    try {
      const release = await lockHealing(databaseUrl);
      if (release !== null)
        try {
          state = await withClient(databaseUrl, (client) => healer.pass(client));
          waitMs = POLL_MS;
        } finally {
          await release();
        }
      if (release !== null && until === "clear-or-stuck" && state !== "under-way") return state;
    } catch (error) {
      if (until === "clear-or-stuck") throw error;
      log.error(
        { event: "heal.failed", err: error },
        "what was found could not be healed; trying again",
      );
    }
    await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
  }
  return state;
}
