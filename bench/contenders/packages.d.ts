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

declare module "typeorm" {
  type Column = { type: string; primary?: boolean; nullable?: boolean };
  export class EntitySchema {
    constructor(options: {
      name: string;
      tableName: string;
      target: object;
      columns: Record<string, Column>;
    });
  }
  export function In(values: readonly unknown[]): object;
}

declare module "@subsquid/evm-processor" {
  type Header = { height: number; hash: string; timestamp: number };
  type Log = {
    logIndex: number;
    address: string;
    topics: string[];
    data: string;
    transactionHash: string;
  };
  type LogRequest = { address?: string[]; topic0?: string[] };
  export class EvmBatchProcessor {
    setRpcEndpoint(settings: { url: string; capacity: number; maxBatchCallSize: number }): this;
    setFinalityConfirmation(blocks: number): this;
    setFields(fields: { log: Record<string, true> }): this;
    setBlockRange(range: { from: number; to: number }): this;
    addLog(request: LogRequest): this;
    run<Store>(
      database: { store: Store },
      handler: (context: {
        blocks: { header: Header; logs: Log[] }[];
        store: Store;
      }) => Promise<void>,
    ): void;
  }
}

declare module "@subsquid/typeorm-store" {
  type Class<E> = new (...args: never[]) => E;
  export class TypeormDatabase {
    constructor(options: { projectDir: string; supportHotBlocks: boolean });
    store: {
      findBy<E>(entity: Class<E>, where: object): Promise<E[]>;
      insert(entities: object[]): Promise<void>;
      upsert(entities: object[]): Promise<void>;
    };
  }
}
