import { exitWith } from "../config/exit-with.ts";
import { chainSection } from "../config/parse-chains.ts";
import { databaseSection } from "../config/process-config.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { lockDeployment } from "../engine/deployment/deployment-lock.ts";
import { becomeBuilder, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { freePort } from "../local/free-port.ts";
import { guardEngine } from "../source/guard-engine.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { defineCommand } from "./command.ts";
import { processLog } from "./process-log.ts";
import { runProcess } from "./run-command.ts";
import { useCache } from "./use-cache.ts";

export const replayEngine = defineCommand({
  name: "replay-engine",
  says: `The engine of npm run replay, which starts it by itself: indexes into the schema that it is given.`,
  options: {},
  words: {
    usage: "<schema>",
    read: ([schema, ...more]) => {
      if (schema !== undefined && more.length === 0 && process.channel !== undefined) return schema;
      throw new Error("npm run replay starts this by itself");
    },
  },
  config: { databaseUrl: databaseSection, chains: chainSection },
  run: async ({ words: schema, config: { databaseUrl, chains }, env }) => {
    endWithParent(ENGINE_SHUTDOWN_MS);
    checkEngine();
    await lockDeployment(databaseUrl, schema);
    const log = processLog("source");
    const say = (event: string, text: string) => log.warn({ event }, text);
    await useCache(databaseUrl, schema, chains, log);
    await guardEngine(chains, { env, say, onEnded: exitWith });
    const port = await freePort();
    await becomeBuilder(schema, { port, hostname: "127.0.0.1", logFormat: "json" });
    return undefined;
  },
});

if (import.meta.main) await runProcess(replayEngine);
