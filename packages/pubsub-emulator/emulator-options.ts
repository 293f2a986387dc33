import { parseArgs } from "node:util";
import { CannotStart } from "./cannot-start.ts";

export type EmulatorOptions = {
  port: number;
  host: string;
  /** Null: in memory only. */
  dataDir: string | null;
  project: string;
  help: boolean;
  version: boolean;
};

export const HELP = `A Google Cloud Pub/Sub server on this machine, for any client of google.pubsub.v1.

Usage: npx @escrow-stream/pubsub-emulator [options]

  --port <n>            port to listen on (default 8085; 0 lets the system choose)
  --host <address>      interface to listen on (default 127.0.0.1; 0.0.0.0 for all)
  --data-dir <folder>   keep topics, subscriptions and messages there across restarts
                        (default: in memory only)
  --project <id>        project in the lines that are printed to copy (default local-project);
                        every project is served
  --version             print the version
  --help                print this text

Ctrl-C or SIGTERM stops it. Exit code 78: an option, the port or the folder cannot be used.`;

const DEFAULTS = { port: "8085", host: "127.0.0.1", project: "local-project" };
const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  "data-dir": { type: "string" },
  project: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
} as const;

/** @throws CannotStart naming the argument that is unknown or wrong */
export function parseEmulatorOptions(args: string[]): EmulatorOptions {
  const { help = false, version = false, ...given } = read(args);
  const { port, host, project } = { ...DEFAULTS, ...given };
  const dataDir = given["data-dir"] ?? null;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new CannotStart(`--port ${port} is not a port: expected 0 to 65535`);
  for (const [name, value] of Object.entries({ host, project, "data-dir": dataDir }))
    if (value === "") throw new CannotStart(`--${name} is empty`);
  return { port: Number(port), host, dataDir, project, help, version };
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    const [reason] = (error as Error).message.split(". ");
    throw new CannotStart(`${reason}; --help lists the options`);
  }
}
