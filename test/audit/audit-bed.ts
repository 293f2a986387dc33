import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import type { AuditedChain } from "../../config/audit-config.ts";
import { AuditedStore } from "../../proof/audit/audited-store.ts";
import type { CertificateContent } from "../../proof/audit/certificate.ts";
import { openAuditSource } from "../../proof/audit/open-audit-source.ts";
import { ProgressFile } from "../../proof/audit/progress-file.ts";
import { type AuditOptions, runAudit } from "../../proof/audit/run-audit.ts";
import type { Clock } from "../../source/request-pace.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { FACTORIES } from "../forks/deal.ts";
import type { SimulatedChain } from "../forks/simulated-chain.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { AuditProvider } from "./audit-provider.ts";
import { storedEvents } from "./audited-chain.ts";

/** A chain at a provider, and an event store in which it was indexed without fault. */
export type AuditScene = {
  chain: SimulatedChain;
  provider: AuditProvider;
  pool: pg.Pool;
  url: string;
  events: EscrowEvent[];
  /** Waits that the audit made, in milliseconds; no time passes. */
  waits: number[];
  progressPath: string;
  audit: (options?: Partial<AuditOptions>) => Promise<CertificateContent>;
};

const FINAL_DEPTH = 60;

/** Makes scenes for one test file: a PostgreSQL with a database for each. */
export class AuditBed {
  readonly #world = new RelayWorld();
  readonly #folder = mkdtempSync(join(tmpdir(), "escrow-stream-audit-"));
  readonly #endings: (() => Promise<void>)[] = [];
  #scenes = 0;

  start(): Promise<void> {
    return this.#world.start();
  }

  async stop(): Promise<void> {
    await this.endTest();
    await this.#world.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async endTest(): Promise<void> {
    for (const end of this.#endings.splice(0)) await end();
  }

  async scene(chain: SimulatedChain): Promise<AuditScene> {
    const { pool, url } = await this.#world.database();
    const provider = await AuditProvider.start(chain);
    this.#endings.push(() => provider.stop());
    const events = storedEvents(chain);
    const deployment = await StandInDeployment.create(pool);
    const latest = chain.head.number;
    await deployment.holds(events, [
      { chainId: chain.chainId, latest, finalized: latest - FINAL_DEPTH },
    ]);
    const progressPath = join(this.#folder, `audit-${++this.#scenes}.progress`);
    const waits: number[] = [];
    const scene = { chain, provider, pool, url, events, waits, progressPath };
    return { ...scene, audit: (options = {}) => audit(scene, options) };
  }
}

/** The chain of a scene as it is configured. */
function configured(chain: SimulatedChain, url: string): AuditedChain {
  const factories = (["A", "B"] as const).map((revision) => ({
    ...{ address: FACTORIES[revision], startBlock: 1, revision },
  }));
  return {
    ...{ name: "simulated", chainId: chain.chainId, factories, rpcUrls: [url], url },
    ...{ pollIntervalMs: 1000, rpcRequestsPerSecond: 20, independence: "independent" },
  };
}

async function audit(
  { provider, url, waits, progressPath, chain }: Omit<AuditScene, "audit">,
  options: Partial<AuditOptions>,
): Promise<CertificateContent> {
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  };
  const store = await AuditedStore.open(url);
  const file = new ProgressFile(progressPath);
  const source = openAuditSource(configured(chain, provider.url), {
    ...{ requestsPerSecond: 1_000, timeoutMs: 5_000, clock },
  });
  try {
    return await runAudit({
      tool: "test",
      chains: [{ chain: configured(chain, provider.url), source }],
      ...{ store, file, fromBlock: null, toBlock: null, thorough: false, limit: 1_000 },
      ...{ allowedUnknown: new Set<string>(), signal: new AbortController().signal },
      ...{ say: () => undefined, onProgress: () => undefined },
      ...options,
    });
  } finally {
    file.close();
    await store.close();
  }
}
