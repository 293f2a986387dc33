import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { VIEWS_SCHEMA } from "./build-schema.ts";

const ENGINE = join(import.meta.dirname, "../node_modules/ponder/dist/esm/bin/ponder.js");
const root = join(import.meta.dirname, "..");

/** The engine gives itself 5 seconds to shut down (ponder 0.17, `src/bin/utils/exit.ts`). */
export const ENGINE_SHUTDOWN_MS = 6_000;

export type EngineOptions = { port: number; hostname: string; logFormat: "json" | "pretty" };

/**
 * Turns this process into the engine, indexing into `schema` and pointing the stable views at it
 * when it has caught up. The engine ends the process by itself: 0 after a signal, 75 when starting
 * again may help, 1 when it will not.
 */
export async function becomeIndexer(schema: string, options: EngineOptions): Promise<void> {
  await becomeEngine(["start", "--schema", schema, "--views-schema", VIEWS_SCHEMA], options);
}

/** The same, leaving the views where they are. */
export async function becomeBuilder(schema: string, options: EngineOptions): Promise<void> {
  await becomeEngine(["start", "--schema", schema], options);
}

async function becomeEngine(command: string[], options: EngineOptions): Promise<void> {
  const { port, hostname, logFormat } = options;
  // The engine prefers PORT to its own option, whoever set it.
  process.env.PORT = String(port);
  process.env.PONDER_TELEMETRY_DISABLED = "true";
  // It sends several queries at once on one connection. The next major of pg refuses that, not ours.
  process.noDeprecation = true;
  process.argv = [
    process.execPath,
    ENGINE,
    ...command,
    ...["--root", root, "--hostname", hostname, "--log-format", logFormat],
  ];
  await import(pathToFileURL(ENGINE).href);
}
