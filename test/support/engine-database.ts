import { loadEngine } from "./load-engine.ts";
import { silentLogger } from "./silent-logger.ts";

type QueryBuilder = object;
type Shutdown = { kill(): Promise<void> };
type Database = {
  syncQB: QueryBuilder;
  adminQB: QueryBuilder;
  userQB: QueryBuilder;
  migrateSync(): Promise<void>;
};

/** What most of the engine's functions want to be given. */
type EngineCommon = {
  logger: ReturnType<typeof silentLogger>;
  metrics: object;
  options: object;
  shutdown: Shutdown;
};

/** The engine's own connections to a database, with its tables for RPC answers in it. */
export async function connectEngine(
  databaseUrl: string,
  schema: object = {},
): Promise<{ common: EngineCommon; database: Database }> {
  const { createDatabase } = await loadEngine<{ createDatabase: (args: object) => Database }>(
    "database/index.js",
  );
  const { MetricsService } = await loadEngine<{ MetricsService: new () => object }>(
    "internal/metrics.js",
  );
  const { createShutdown } = await loadEngine<{ createShutdown: () => Shutdown }>(
    "internal/shutdown.js",
  );
  const common = {
    logger: silentLogger(),
    metrics: new MetricsService(),
    options: {
      command: "test",
      databaseMaxQueryParameters: 16_000,
      factoryAddressCountThreshold: 1_000,
    },
    shutdown: createShutdown(),
  };
  const database = createDatabase({
    common,
    namespace: { schema: "engine", viewsSchema: undefined },
    preBuild: {
      databaseConfig: { kind: "postgres", poolConfig: { connectionString: databaseUrl, max: 30 } },
    },
    schemaBuild: { schema },
  });
  await database.migrateSync();
  return { common, database };
}
