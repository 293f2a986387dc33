import "./load-env-file.ts";
import { pino } from "pino";
import { parseChains } from "../config/parse-chains.ts";
import { EXIT_CONFIG, exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { holdDeployment } from "../engine/deployment/deployment-lock.ts";
import { becomeBuilder, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { freePort } from "../local/free-port.ts";
import { guardEngine } from "../source/guard-engine.ts";
import { openSources } from "../source/open-sources.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";

/* The engine of `npm run replay`, started by it alone: indexes into the schema that it is given. */

try {
  const [schema] = process.argv.slice(2);
  if (process.channel === undefined || schema === undefined) {
    console.error("npm run replay starts this by itself.");
    process.exit(EXIT_CONFIG);
  }
  endWithParent(ENGINE_SHUTDOWN_MS);
  checkEngine();
  const { databaseUrl } = parseProcessConfig(process.env);
  await holdDeployment(databaseUrl, schema);
  const log = pino({ name: "source", level: process.env.LOG_LEVEL || "info" });
  const say = (event: string, text: string) => log.warn({ event }, text);
  await guardEngine(openSources(parseChains(process.env), say), process.env);
  await becomeBuilder(schema, {
    port: await freePort(),
    hostname: "127.0.0.1",
    logFormat: "json",
  });
} catch (error) {
  exitWith(error);
}
