import { startPubsubServer } from "@escrow-stream/pubsub-emulator";

const [dataDir = "", port] = process.argv.slice(2);
const server = await startPubsubServer({ dataDir, port: Number(port) });
process.send?.(server.address);
process.once("disconnect", () => process.exit());
