import { freePort } from "../local/free-port.ts";
import { endWithParent } from "./end-with-parent.ts";
import { becomeApi, ENGINE_SHUTDOWN_MS } from "./engine.ts";
import { checkDatabase } from "./preflight/check-database.ts";
import { exitWith, parseProcessConfig } from "./process-config.ts";

/* `npm run api`: GraphQL, SQL over HTTP and REST on the stable views. */

try {
  endWithParent(ENGINE_SHUTDOWN_MS);
  const config = parseProcessConfig(process.env);
  await checkDatabase(config.databaseUrl);
  await becomeApi({
    port: config.apiPort || (await freePort()),
    hostname: config.apiHost,
    logFormat: process.stdout.isTTY ? "pretty" : "json",
  });
} catch (error) {
  exitWith(error);
}
