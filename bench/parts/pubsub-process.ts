import { setTimeout } from "node:timers/promises";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";

/*
 * An embedded Pub/Sub in a process of its own, so that it does not share a thread with what is
 * measured. Each publish request takes LATENCY_MS longer, as it would over a network. Keeps its data
 * in DATA_DIR. Tells its address to the process that started it and, when asked, how much it accepted.
 */

const latencyMs = Number(process.env.LATENCY_MS ?? "0");
const { DATA_DIR } = process.env;
const server = await startPubsubServer({
  ...(DATA_DIR === undefined ? {} : { dataDir: DATA_DIR }),
  ...(latencyMs === 0
    ? {}
    : {
        onPublish: async (_, accept) => {
          await setTimeout(latencyMs);
          return accept();
        },
      }),
});
process.send?.({ host: server.address });
process.on("message", () => {
  const published = Object.values(server.stats().topics).reduce(
    (sum, each) => sum + each.published,
    0,
  );
  process.send?.({ published });
});
process.once("disconnect", () => process.exit(0));
