/* What every contender in a process of its own does alike. */

const { DATABASE_URL, PUBSUB_PROJECT_ID, TOPIC } = process.env;
if (!DATABASE_URL || !PUBSUB_PROJECT_ID || !TOPIC)
  throw new Error("DATABASE_URL, PUBSUB_PROJECT_ID and TOPIC must be set");

/** Where this contender works. Pub/Sub's clients find PUBSUB_EMULATOR_HOST themselves. */
export const place = { databaseUrl: DATABASE_URL, projectId: PUBSUB_PROJECT_ID, topic: TOPIC };

/** Says that this process is ready, and waits until it may begin. Ends with the benchmark. */
export async function whenTold(): Promise<void> {
  process.once("disconnect", () => process.exit(0));
  const told = new Promise<void>((resolve) => process.once("message", () => resolve()));
  process.send?.("ready");
  await told;
}
