import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { freePort } from "../../local/free-port.ts";
import { type Child, spawnChild } from "../framework/child.ts";
import { CONTENDERS, UNPATCHED_PONDER } from "../framework/contender-packages.ts";
import { ourEnvironment } from "../indexing/engine-indexers.ts";
import type { Place } from "../indexing/place.ts";

const ROOT = join(import.meta.dirname, "../..");
const NODE_OPTIONS = ["--max-old-space-size=256", "--max-semi-space-size=16"];

/** A server of the query side. */
export type Server = { origin: string; child: Child };

/** This project's, as `npm run api` starts it. */
export async function startOurApi(place: Place): Promise<Server> {
  const port = await freePort();
  const child = spawnChild(process.execPath, [...NODE_OPTIONS, join(ROOT, "cli/api.ts")], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...ourEnvironment(place),
      API_PORT: String(port),
    },
  });
  return await answering(child, port);
}

/** `ponder serve` on the same tables: GraphQL alone. */
export async function startPlainServe(place: Place): Promise<Server> {
  const port = await freePort();
  const root = join(CONTENDERS, "plain-serve");
  const child = spawnChild(
    process.execPath,
    [UNPATCHED_PONDER, "serve", "--root", root, "--schema", "escrow", "--port", String(port)],
    { cwd: root, env: { ...process.env, ...ourEnvironment(place), PONDER_LOG_LEVEL: "error" } },
  );
  return await answering(child, port);
}

async function answering(child: Child, port: number): Promise<Server> {
  const origin = `http://127.0.0.1:${port}`;
  for (;;) {
    const answer = await fetch(`${origin}/health`).catch(() => null);
    if (answer?.ok) return { origin, child };
    if (child.process.exitCode !== null)
      throw new Error(`the server ended with exit code ${child.process.exitCode}`);
    await setTimeout(50);
  }
}
