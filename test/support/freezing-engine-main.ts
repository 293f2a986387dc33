import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Chain } from "../../config/chain-deployment.ts";
import { guardEngine } from "../../source/guard-engine.ts";

/*
 * A process with the verified source's thread in it, and in the place of the engine a server that
 * answers until the parent says `freeze`: then the main thread never comes back.
 */

const chains = JSON.parse(process.argv[2] ?? "[]") as Chain[];
const PAGES: Record<string, string> = {
  "/status": JSON.stringify({ [chains[0]?.name ?? ""]: { id: 1, block: { number: 7 } } }),
  "/metrics": "ponder_sync_block 7",
};
const engine = createServer(({ url }, response) => response.end(PAGES[url ?? ""] ?? ""));
engine.listen(0, "127.0.0.1");
await once(engine, "listening");

const env: NodeJS.ProcessEnv = {};
const enginePort = (engine.address() as AddressInfo).port;
const port = await guardEngine(chains, {
  env,
  http: { hostname: "127.0.0.1", port: 0, enginePort },
  say: () => undefined,
  onEnded: (error) => {
    throw error;
  },
});
process.once("message", () => {
  process.send?.("frozen", () => {
    for (;;);
  });
});
process.once("disconnect", () => process.exit());
process.send?.({ port, env });
