import { setTimeout } from "node:timers/promises";
import { denyPermission, loseResponse } from "./faults-of-publishing.ts";
import type { ProcessFault } from "./process-fault.ts";
import type { PublishFault } from "./publish-faults.ts";
import { anyRelay, type Fault, type Stage } from "./stage.ts";

/** The statements that write the journal. */
const JOURNAL = ["capture", "claim", "mark", "doubt", "unclaim", "receipt", "resolve"];
const ACKNOWLEDGED = [
  "capture-commit",
  "lease-commit",
  "claim",
  "mark",
  "doubt",
  "unclaim",
  "receipt",
  "resolve",
];
const OCCASION_MS = 6_000;
/** What makes relays come by the rarer statements. */
const OCCASIONS: Record<string, PublishFault> = {
  unclaim: denyPermission,
  doubt: loseResponse,
  receipt: loseResponse,
  resolve: loseResponse,
};

async function toAnyRelay(stage: Stage, fault: ProcessFault, withinMs: number): Promise<number> {
  const relay = anyRelay(stage);
  return relay === null ? 0 : stage.relays.inject(relay, fault, withinMs);
}

async function toEachRelay(stage: Stage, fault: ProcessFault, withinMs: number): Promise<number> {
  const relays = stage.relays.members;
  const times = await Promise.all(
    relays.map((relay) => stage.relays.inject(relay, fault, withinMs)),
  );
  return times.reduce((sum, each) => sum + each, 0);
}

function failing(name: string, code: string, statements: string[], forMs: number): Fault {
  return {
    name,
    inject: (stage) =>
      toEachRelay(stage, { kind: "sql-error", statements, code, forMs }, forMs + 100),
  };
}

/** What may happen to the database, and on the way to it. */
export const FAULTS_OF_POSTGRES: readonly Fault[] = [
  {
    name: "PostgreSQL kills connections",
    async inject({ world }) {
      const { rowCount } = await world.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and application_name <> 'chaos'`,
      );
      return rowCount ?? 0;
    },
  },
  {
    name: "PostgreSQL restarted",
    async inject({ world }) {
      await world.restartPostgres(false);
      return 1;
    },
  },
  {
    name: "PostgreSQL crashed",
    async inject({ world }) {
      await world.restartPostgres(true);
      return 1;
    },
  },
  failing("serialization failures", "40001", [...JOURNAL, "lease-commit"], 500),
  failing("deadlocks", "40P01", [...JOURNAL, "renew", "take"], 500),
  failing("disk full on the journal", "53100", JOURNAL, 1_500),
  {
    // Purging the receipts meanwhile must not take away what will be needed.
    name: "accepted, no response, nowhere to note it",
    async inject(stage) {
      const fault = {
        kind: "sql-error",
        statements: ["doubt"],
        code: "53100",
        forMs: 5_000,
      } as const;
      const [times] = await Promise.all([
        toEachRelay(stage, fault, fault.forMs + 100),
        stage.publishing.befall(this.name, loseResponse, { forMs: 300 }),
      ]);
      return times > 0 ? 1 : 0;
    },
  },
  ...ACKNOWLEDGED.map(
    (statement): Fault => ({
      name: `answer to ${statement} lost`,
      async inject(stage) {
        const fault = { kind: "lost-acknowledgement", statement } as const;
        const occasion = OCCASIONS[statement];
        const [times] = await Promise.all([
          toEachRelay(stage, fault, OCCASION_MS),
          occasion && stage.publishing.befall(this.name, occasion, { forMs: 300 }),
        ]);
        return times;
      },
    }),
  ),
  {
    name: "no NOTIFY comes",
    inject: (stage) => toEachRelay(stage, { kind: "deaf", forMs: 3_000 }, 3_000),
  },
  {
    name: "pool run dry",
    inject: (stage) => toAnyRelay(stage, { kind: "pool-dry", forMs: 1_500 }, 3_000),
  },
  {
    name: "engine rolls back and re-indexes",
    async inject({ writer }) {
      await writer.rollBackAndReindex(() => setTimeout(400));
      return 1;
    },
  },
];
