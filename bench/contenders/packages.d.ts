/*
 * What the benchmarks use of packages that only they install: enough to check the code here while
 * they are not there.
 */

declare module "pg-boss" {
  type Job<Data> = { id: string; data: Data };
  export class PgBoss {
    constructor(options: {
      connectionString: string;
      supervise?: boolean;
      useListenNotify?: boolean;
      superviseIntervalSeconds?: number;
      queueCacheIntervalSeconds?: number;
      monitorIntervalSeconds?: number;
      maintenanceIntervalSeconds?: number;
    });
    on(event: "error", listener: (error: Error) => void): this;
    start(): Promise<this>;
    createQueue(name: string, options: object): Promise<void>;
    insert(name: string, jobs: object[]): Promise<unknown>;
    work<Data>(
      name: string,
      options: {
        batchSize: number;
        burstWhenBatchFull: boolean;
        pollingIntervalSeconds: number;
        notifyPollingIntervalSeconds: number;
      },
      handler: (jobs: Job<Data>[]) => Promise<void>,
    ): Promise<string>;
  }
}

declare module "pg-transactional-outbox" {
  export type ListenerConfig = {
    outboxOrInbox: "outbox" | "inbox";
    dbHandlerConfig: object;
    dbListenerConfig: object;
    settings: object;
  };
  export function initializePollingMessageListener(
    config: ListenerConfig,
    handler: { handle: (message: { payload: unknown }) => Promise<void> },
    logger: object,
    strategies: { batchSizeStrategy: (processing: number) => Promise<number> },
  ): [shutdown: () => Promise<void>];
  export const DatabaseSetup: {
    dropAndCreateTable(config: object): string;
    createPollingFunction(config: object): string;
    setupPollingIndexes(config: object): string;
  };
}
