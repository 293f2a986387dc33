import { setTimeout } from "node:timers/promises";
import { startPubsubServer } from "../local/pubsub/start-pubsub-server.ts";

/*
 * An embedded Pub/Sub in a process of its own, so that it does not share a thread with what is
 * measured. Each publish request takes LATENCY_MS, as it would over a network. Tells its address to
 * the process that started it.
 */

const latencyMs = Number(process.env.LATENCY_MS ?? "0");
const server = await startPubsubServer({
  onPublish: async (_, accept) => {
    if (latencyMs > 0) await setTimeout(latencyMs);
    return accept();
  },
});
process.send?.({ host: server.host });
process.once("disconnect", () => process.exit(0));
