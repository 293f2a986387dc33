import { namesNoChain } from "../config/parse-chains.ts";
import { type ChainPart, type SampleOptions, startChainPart } from "./chain/chain-part.ts";
import { checkPorts, type WantedPort } from "./check-ports.ts";
import { DataFolder } from "./data-folder.ts";
import { type EmbeddedPart, endOf, portOf } from "./embedded-part.ts";
import { startPostgresPart } from "./postgres/postgres-part.ts";
import { LOCAL_PROJECT, startPubsubPart } from "./pubsub-part.ts";
import { unusableFolder } from "./unusable-folder.ts";

type Env = Record<string, string | undefined>;

export type LocalOptions = SampleOptions & {
  dataDir: string;
  /** Called when an embedded part ended by itself: its name, and its signal or exit code. */
  onEnded: (name: string, exit: string) => void;
};

/** What stands in for a part that is not configured, and what is real. */
export type LocalParts = {
  /** One line for each part, for a person. */
  lines: string[];
  /** The environment with the embedded parts' addresses added. */
  env: Record<string, string>;
  hasLocalPubsub: boolean;
  hasLocalChain: boolean;
  /** Ends the sample traffic and mines until everything on the embedded chain is final. */
  makeChainFinal(): Promise<void>;
  /** Ends all of them in good order. */
  stop(): Promise<void>;
  /** Ends all of them at once. The next start finds what they have written. */
  kill(): void;
};

/**
 * Starts PostgreSQL, Pub/Sub and a chain with sample escrows, all at once, each only when the
 * environment does not name a real one. Their data survives in `dataDir`.
 *
 * @throws when a part does not start, its port is taken, or `dataDir` is in use; what was started is stopped again
 */
export async function startLocalParts(env: Env, options: LocalOptions): Promise<LocalParts> {
  const folder = await DataFolder.take(options.dataDir);
  const started: EmbeddedPart[] = [];
  let isStopping = false;
  const stop = async (): Promise<void> => {
    isStopping = true;
    await Promise.all(started.map((part) => part.stop()));
    folder.release();
  };
  const keep = async <T extends EmbeddedPart>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    started.push(part);
    if (part.process?.pid) folder.started(part.process.pid);
    if (part.process)
      void endOf(part.process).then((exit) => {
        if (!isStopping) options.onEnded(part.name, exit);
      });
    return part;
  };
  const embeds = {
    postgres: !env.DATABASE_URL,
    pubsub: !env.PUBSUB_PROJECT_ID && !env.PUBSUB_EMULATOR_HOST,
    chain: namesNoChain(env),
  };
  try {
    // Only now: what a killed owner had left running may have had them.
    await checkPorts(portsOf(env, embeds));
    const starts = [
      embeds.postgres ? keep(startPostgresPart(env, folder.path)) : null,
      embeds.pubsub ? keep(startPubsubPart(env, folder.place("pubsub"))) : null,
      embeds.chain ? keep(startChainPart(env, folder.place("chain.json"), options)) : null,
    ] as const;
    // Whichever fails: only when all are up or have failed is it known what is to be stopped.
    await Promise.allSettled(starts);
    const [postgres, pubsub, chain] = await Promise.all(starts);
    const added = {
      ...postgres?.env,
      ...(pubsub?.env ?? (env.PUBSUB_PROJECT_ID ? {} : { PUBSUB_PROJECT_ID: LOCAL_PROJECT })),
      ...chain?.env,
    };
    return {
      lines: linesOf(env, postgres, pubsub, chain),
      env: added,
      hasLocalPubsub: pubsub !== null,
      hasLocalChain: chain !== null,
      makeChainFinal: async () => chain?.makeFinal(),
      stop,
      kill: () => {
        isStopping = true;
        for (const part of started) part.kill();
      },
    };
  } catch (error) {
    await stop();
    throw unusableFolder(folder.path, error) ?? error;
  }
}

function portsOf(env: Env, embeds: Record<"postgres" | "pubsub" | "chain", boolean>): WantedPort[] {
  return [
    { variable: "POSTGRES_PORT", isEmbedded: embeds.postgres },
    { variable: "PUBSUB_PORT", isEmbedded: embeds.pubsub },
    { variable: "CHAIN_PORT", isEmbedded: embeds.chain },
  ]
    .filter(({ isEmbedded }) => isEmbedded)
    .map(({ variable }) => ({
      variable,
      port: portOf(env[variable]).port ?? 0,
      hostname: "127.0.0.1",
    }));
}

function linesOf(
  env: Env,
  postgres: EmbeddedPart | null,
  pubsub: EmbeddedPart | null,
  chain: ChainPart | null,
): string[] {
  const where = env.PUBSUB_EMULATOR_HOST ?? "Google Cloud";
  const project = env.PUBSUB_PROJECT_ID ?? LOCAL_PROJECT;
  return [
    postgres?.line ?? "PostgreSQL  real: DATABASE_URL",
    pubsub?.line ?? `Pub/Sub     real: ${where}, project ${project}`,
    chain?.line ?? "Chain       real: as configured",
  ];
}
