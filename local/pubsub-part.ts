import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { type EmbeddedPart, portOf } from "./embedded-part.ts";

/** Project of the embedded Pub/Sub. */
export const LOCAL_PROJECT = "local";

/** Starts the Pub/Sub server that stands in for Google Cloud. It runs in this process. */
export async function startPubsubPart(
  env: Record<string, string | undefined>,
  dataDir: string,
): Promise<EmbeddedPart> {
  const pubsub = await startPubsubServer({ dataDir, ...portOf(env.PUBSUB_PORT) });
  return {
    name: "Pub/Sub",
    line: `Pub/Sub     embedded: PUBSUB_EMULATOR_HOST=${pubsub.address}, project ${LOCAL_PROJECT}`,
    env: {
      PUBSUB_EMULATOR_HOST: pubsub.address,
      PUBSUB_PROJECT_ID: LOCAL_PROJECT,
      PUBSUB_CREATE: env.PUBSUB_CREATE || "true",
    },
    stop: () => pubsub.stop(),
    kill: () => undefined,
  };
}
