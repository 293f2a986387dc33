import "./load-env-file.ts";
import { freePort } from "../local/free-port.ts";
import { holdDeployment } from "../replay/deployment-lock.ts";
import { endWithParent } from "./end-with-parent.ts";
import { becomeBuilder, ENGINE_SHUTDOWN_MS } from "./engine.ts";
import { mendEngine } from "./mend-engine.ts";
import { EXIT_CONFIG, exitWith, parseProcessConfig } from "./process-config.ts";

/* The engine of `npm run replay`, started by it alone: indexes into the schema that it is given. */

try {
  const [schema] = process.argv.slice(2);
  if (process.channel === undefined || schema === undefined) {
    console.error("npm run replay starts this by itself.");
    process.exit(EXIT_CONFIG);
  }
  endWithParent(ENGINE_SHUTDOWN_MS);
  const { databaseUrl } = parseProcessConfig(process.env);
  await holdDeployment(databaseUrl, schema);
  mendEngine();
  await becomeBuilder(schema, {
    port: await freePort(),
    hostname: "127.0.0.1",
    logFormat: "json",
  });
} catch (error) {
  exitWith(error);
}
