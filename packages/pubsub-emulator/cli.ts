#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { CannotStart } from "./cannot-start.ts";
import { type EmulatorOptions, HELP, parseEmulatorOptions } from "./emulator-options.ts";
import { startPubsubServer } from "./start-pubsub-server.ts";

/* `npx @escrow-stream/pubsub-emulator`: the server alone, until Ctrl-C. */

/** sysexits.h, EX_CONFIG: starting again does not help. */
const EXIT_CONFIG = 78;

try {
  const options = parseEmulatorOptions(process.argv.slice(2));
  if (options.help) console.log(HELP);
  else if (options.version) console.log(versionOf());
  else await serve(options);
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  console.error(error.message);
  process.exitCode = EXIT_CONFIG;
}

async function serve({ port, host, dataDir, project }: EmulatorOptions): Promise<void> {
  // It would print its own line about a port that is in use.
  setLogVerbosity(logVerbosity.NONE);
  const server = await startPubsubServer({ port, host, ...(dataDir !== null && { dataDir }) });
  setLogVerbosity(logVerbosity.ERROR);
  const kept = dataDir === null ? "in memory only" : `data in ${dataDir}`;
  console.log(`Pub/Sub emulator ${versionOf()} listens on ${server.address}, ${kept}\n`);
  console.log(`  export PUBSUB_EMULATOR_HOST=${server.address}`);
  console.log(`  export GOOGLE_CLOUD_PROJECT=${project}`);
  // Or the client library looks for a server of Google's network first, for seconds.
  console.log("  export METADATA_SERVER_DETECTION=none\n\nCtrl-C stops it.");
  const stop = async () => {
    console.log("stopping …");
    await server.stop();
    console.log("stopped");
  };
  // A second signal ends the process at once.
  const onSignal = () => {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    void stop();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
}

function versionOf(): string {
  const manifest = new URL(import.meta.resolve("@escrow-stream/pubsub-emulator/package.json"));
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
