import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { EXIT_RETRY } from "../../config/error-catalogue.ts";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import type { ReplayPlace } from "./replay-place.ts";

const POLL_MS = 200;
/** After this long without an indexer somebody should look. */
const NOTE_MS = 20_000;
const GIVE_UP_MS = 600_000;

/**
 * Waits until the indexer has brought a deployment into place.
 *
 * @returns the exit code: 0 when it is live, 1 when the indexer gave it up, 75 when no indexer took
 *   it up; then it is still wanted, and the next one to start takes it
 */
export async function waitForHandover(
  client: pg.Client,
  schema: string,
  { output, signal }: ReplayPlace,
): Promise<number> {
  output.say("handover", `the indexer starts again, to go on with ${schema}`, { schema });
  const beganMs = performance.now();
  let notes = 0;
  for (;;) {
    const { rows } = await client.query(
      `select state, starts from "${VIEWS_SCHEMA}"._generation where schema = $1`,
      [schema],
    );
    const { state = "failed", starts = 0 } = rows[0] ?? {};
    const waitedMs = performance.now() - beganMs;
    if (state === "live") {
      output.say("swapped", `the views show ${schema}`, { schema });
      return 0;
    }
    if (state === "failed") {
      output.say(
        "failed",
        `the indexer could not go on with ${schema}, and goes on with the one that was live; its log says why`,
        { schema },
      );
      return 1;
    }
    if (waitedMs > (notes + 1) * NOTE_MS) {
      notes += 1;
      output.say(
        "handover",
        starts === 0
          ? "no indexer has taken it up yet: it does when it is started again (npm run indexer), also without this command"
          : "the indexer is on its way to where the live deployment stands",
        { starts },
      );
    }
    if (waitedMs > GIVE_UP_MS) return EXIT_RETRY;
    await setTimeout(POLL_MS, undefined, { signal });
  }
}
