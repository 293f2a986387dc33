import { ConfigError } from "../../config/config-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { type Deployment, findDeployment } from "../../engine/deployment/find-deployment.ts";
import { checkJournal, type JournalLag } from "./check-journal.ts";
import { checkJournalKeys } from "./check-journal-keys.ts";
import { checkOutboxOrphans } from "./check-outbox.ts";
import { checkRetractions } from "./check-retractions.ts";
import { compareProjection, differenceInWords } from "./compare-projection.ts";
import { type BlockRange, PAGE_ROWS } from "./event-pages.ts";
import { EventStoreCheck } from "./event-store-check.ts";
import type { Findings } from "./findings.ts";
import { foldEventStore } from "./fold-event-store.ts";
import { type JournalPublication, readJournalPublications } from "./journal-publications.ts";
import { READ_MODEL_NAMES, ReadModelFold } from "./read-model-fold.ts";

import { TEMPORARY_SCHEMA } from "./shadow-schema.ts";
import { EventStoreHash, hashShadow, type StateHash } from "./state-hash.ts";

export type VerifyStoreOptions = {
  databaseUrl: string;
  /** Of a deployment; without it the one that is live. */
  schema?: string;
  /** The block of each chain that states are hashed at; without it the last final one. */
  blocks: ReadonlyMap<number, number>;
  /** The same for every chain that is not named in `blocks`. */
  block?: number;
  onProgress: (step: string) => void;
};

export type JournalCheck = JournalPublication & JournalLag & { retractions: number };

export type StoreVerification = {
  deployment: Deployment;
  events: number;
  /** Events whose messages this build cannot encode again, so their bytes were not compared. */
  unencodable: number;
  /** Rows of each read model's fold. */
  rows: { projection: string; rows: number; differing: number }[];
  states: StateHash[];
  /** Null when the database has no journal. */
  journal: JournalCheck[] | null;
};

/**
 * Compares everything in the database that follows from something else in it, as of one moment:
 * event store, outbox, read models and journal. What is wrong goes into `findings`.
 *
 * @throws ConfigError when there is no deployment, or a block is asked for that it does not have
 */
export async function verifyStore(
  { databaseUrl, schema, onProgress, ...wanted }: VerifyStoreOptions,
  findings: Findings,
): Promise<StoreVerification> {
  const database = await FrozenDatabase.open(databaseUrl);
  try {
    const deployment = await findDeployment(database, schema);
    const blocks = blocksOf(deployment, wanted);
    const folded = await verifyFold(database, deployment, blocks, findings, onProgress);
    await checkOutboxOrphans(database, deployment.schema, findings);
    const journal = await verifyJournal(database, deployment, findings, onProgress);
    return { deployment, ...folded, journal };
  } finally {
    await database.close({ keep: false });
  }
}

function blocksOf(
  { chains }: Deployment,
  { block, blocks }: Pick<VerifyStoreOptions, "block" | "blocks">,
): BlockRange {
  const unknown = [...blocks.keys()].filter((id) => chains.every(({ chainId }) => chainId !== id));
  const problems = unknown.map((id) => ({
    where: "--block",
    what: `chain ${id} is not followed; there are: ${chains.map(({ chainId }) => chainId).join(", ")}`,
    mayPass: false,
  }));
  const range = chains.map(({ chainId, indexedBlock, finalBlock }) => {
    const at = blocks.get(chainId) ?? block ?? finalBlock;
    if (at > indexedBlock)
      problems.push({
        where: "--block",
        what: `chain ${chainId} is indexed up to block ${indexedBlock}, and not up to ${at} yet`,
        mayPass: true,
      });
    return { chainId, block: at };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return range;
}

/** Folds up to the blocks, hashes what there is then, folds the rest and compares. */
async function verifyFold(
  database: FrozenDatabase,
  deployment: Deployment,
  blocks: BlockRange,
  findings: Findings,
  onProgress: (step: string) => void,
): Promise<Pick<StoreVerification, "events" | "unencodable" | "rows" | "states">> {
  const chainIds = blocks.map(({ chainId }) => chainId);
  const check = new EventStoreCheck(chainIds, findings);
  const storeHash = new EventStoreHash(chainIds);
  const fold = await ReadModelFold.create(
    database,
    deployment.schema,
    READ_MODEL_NAMES,
    TEMPORARY_SCHEMA,
    (event, table, error) =>
      findings.add("event-unfoldable", event.id, `${table}: ${error.message}`),
  );
  let events = 0;
  const onPage = (count: number) => {
    events += count;
    onProgress(`${events} events folded`);
  };
  await foldEventStore(
    database,
    deployment,
    fold,
    {
      part: "upTo",
      blocks,
      pageRows: PAGE_ROWS,
      onPage,
      onRow: (row, transition) => {
        storeHash.take(row);
        check.take(row, transition);
      },
    },
    findings,
  );
  const states: StateHash[] = [];
  const addStates = (projection: string, hashes: Map<number, string>) => {
    for (const { chainId, block } of blocks)
      states.push({ chainId, block, projection, hash: hashes.get(chainId) ?? "" });
  };
  addStates("event", storeHash.digest());
  for (const shadow of fold.shadows)
    addStates(shadow.table, await hashShadow(database, shadow, chainIds));
  await foldEventStore(
    database,
    deployment,
    fold,
    {
      part: "behind",
      blocks,
      pageRows: PAGE_ROWS,
      onPage,
      onRow: (row, transition) => check.take(row, transition),
    },
    findings,
  );
  const rows: StoreVerification["rows"] = [];
  for (const shadow of fold.shadows) {
    onProgress(`comparing ${shadow.table}`);
    const { differences, ...counts } = await compareProjection(
      database,
      deployment.schema,
      shadow,
      findings.limit,
    );
    for (const difference of differences)
      findings.add(
        "read-model",
        `${shadow.table} ${difference.key}`,
        differenceInWords(difference),
      );
    findings.countOnly("read-model", counts.differing - differences.length);
    rows.push(counts);
  }
  states.sort((one, other) => one.chainId - other.chainId);
  return { events, unencodable: check.unencodable, rows, states };
}

async function verifyJournal(
  database: FrozenDatabase,
  deployment: Deployment,
  findings: Findings,
  onProgress: (step: string) => void,
): Promise<JournalCheck[] | null> {
  const chainIds = deployment.chains.map(({ chainId }) => chainId);
  const publications = await readJournalPublications(database, chainIds);
  if (publications === null) return null;
  const checks: JournalCheck[] = [];
  for (const publication of publications) {
    onProgress(`comparing the journal of ${publication.topic}`);
    const lag = await checkJournal(database, deployment, publication, findings);
    await checkJournalKeys(database, publication, findings);
    const retractions = await checkRetractions(database, publication, findings);
    checks.push({ ...publication, ...lag, retractions });
  }
  return checks;
}
