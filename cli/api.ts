import { once } from "node:events";
import { startApi } from "../apps/api/start-api.ts";
import { apiSection } from "../config/api-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { checkPorts } from "../local/check-ports.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { defineCommand } from "./command.ts";
import { processLog } from "./process-log.ts";
import { runProcess } from "./run-command.ts";

export const api = defineCommand({
  name: "api",
  says: `GraphQL and REST on the stable views. Runs until it is stopped; any number of them may.`,
  options: {},
  config: { api: apiSection },
  run: async ({ config: { api: config } }) => {
    endWithParent();
    const log = processLog("api");
    await checkPorts([{ variable: "API_PORT", ...config }]);
    await checkDatabase(config.databaseUrl, {
      variable: config.databaseVariable,
      use: "reader",
    });
    const stopped = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    const running = await startApi({ ...config, log });
    const { port } = running;
    log.info({ event: "api.started", port }, `Serving on http://${config.hostname}:${port}`);
    await stopped;
    log.info({ event: "api.stopping" }, "Stopping: letting what is asked be answered.");
    await running.stop();
    return 0;
  },
});

if (import.meta.main) await runProcess(api);
