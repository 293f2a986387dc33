import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { anvilBinary } from "./anvil-binary.ts";
import { connectToChain } from "./chain-client.ts";
import { StateFile } from "./state-file.ts";

const STOP_TIMEOUT_MS = 15_000;

export type AnvilOptions = {
  chainId: number;
  /** 0 (the default) lets the system choose. */
  port?: number;
  /** Where the chain is saved; loaded at the start if it exists. Without it nothing is kept. */
  stateFile?: string;
  /**
   * How often the chain is saved. What a crash loses must stay shorter than the indexer's
   * finality depth (30 blocks on a local chain), or the indexer keeps blocks that are gone.
   */
  stateIntervalSeconds?: number;
  /** Seconds between blocks. Without it each transaction is mined at once, in its own block. */
  blockTimeSeconds?: number;
  /** Unix seconds of block 0 on a fresh chain. Default: the wall clock. */
  genesisTimestamp?: number;
  /** A saved chain goes on at the wall clock instead of where its own clock stood. */
  resumesNow?: boolean;
  /**
   * How many blocks back the full state is kept: the deepest possible reorg and the oldest block
   * `eth_call` can ask about. Each one copies every account, so memory is this times the number
   * of escrows. Logs, blocks and receipts stay readable for ever whatever this is.
   */
  keepStates?: number;
  /** Unlocked, funded accounts. */
  accounts?: number;
};

export type RunningAnvil = {
  rpcUrl: string;
  port: number;
  process: ChildProcess;
  /** Saves the chain at once; without a state file it does nothing. */
  save(): Promise<void>;
  /** Saves the chain, ends anvil and waits until it is gone. May be called more than once. */
  stop(): Promise<void>;
};

/**
 * Starts anvil on the loopback interface and waits until it answers for the right chain.
 *
 * Gas is free of surprises: base fee 0 and blocks so large that they are never half full, so fees
 * do not climb under load. Transactions are mined in the order they came.
 *
 * @throws With anvil's own words when it does not start, and with the file to delete when the
 *   saved chain cannot be read.
 */
export async function startAnvil(options: AnvilOptions): Promise<RunningAnvil> {
  const stateFile =
    options.stateFile === undefined
      ? undefined
      : new StateFile(options.stateFile, options.stateIntervalSeconds ?? 10);
  const resumes = stateFile?.exists() ?? false;
  const anvil = spawn(anvilBinary(), anvilArguments(options, stateFile, resumes), {
    stdio: ["ignore", "pipe", "pipe"],
    // In a session of its own, so that Ctrl-C reaches us alone and it can be stopped in turn.
    detached: true,
  });
  const killWithParent = (): void => void anvil.kill("SIGKILL");
  process.once("exit", killWithParent);
  const exited = once(anvil, "exit").then(([code]) => {
    process.removeListener("exit", killWithParent);
    stateFile?.finish(code === 0);
  });

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= stopAnvil(anvil, exited);
    return stopping;
  };

  try {
    const port = await listeningPort(anvil, resumes ? stateFile : undefined);
    const rpcUrl = `http://127.0.0.1:${port}`;
    await prepareChain(rpcUrl, options, resumes);
    stateFile?.startKeeping();
    const save = async (): Promise<void> =>
      stateFile?.write(await connectToChain(rpcUrl).request({ method: "anvil_dumpState" }));
    return { rpcUrl, port, process: anvil, save, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function anvilArguments(
  options: AnvilOptions,
  stateFile: StateFile | undefined,
  resumes: boolean,
): string[] {
  const flags: Record<string, string | number> = {
    "--host": "127.0.0.1",
    "--port": options.port ?? 0,
    "--chain-id": options.chainId,
    "--accounts": options.accounts ?? 30,
    "--balance": 1_000_000,
    "--order": "fifo",
    "--base-fee": 0,
    "--gas-limit": 300_000_000,
    "--prune-history": options.keepStates ?? 40,
    // The tag "finalized" names the block two epochs before the head: as many blocks, instead of 64.
    "--slots-in-an-epoch": 1,
  };
  if (stateFile) {
    flags["--dump-state"] = stateFile.dumpPath;
    flags["--state-interval"] = stateFile.dumpIntervalSeconds;
  }
  if (stateFile && resumes) flags["--load-state"] = stateFile.path;
  else if (options.genesisTimestamp !== undefined) flags["--timestamp"] = options.genesisTimestamp;
  return Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
}

/** Resolves with the port from anvil's banner. Its output is read on for ever, or it would block. */
function listeningPort(anvil: ChildProcess, loaded: StateFile | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let errors = "";
    let banner: string | undefined = "";
    anvil.stderr?.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4_000);
    });
    anvil.stdout?.on("data", (chunk: Buffer) => {
      if (banner === undefined) return;
      banner += chunk.toString();
      const port = banner.match(/Listening on [^\s:]+:(\d+)/)?.[1];
      if (port === undefined) return;
      banner = undefined;
      resolve(Number(port));
    });
    anvil.once("error", (cause) => reject(new Error("anvil could not be started", { cause })));
    // "close" and not "exit": only then has all of stderr been read.
    anvil.once("close", (code, signal) => {
      const advice =
        loaded && errors.includes(loaded.path)
          ? `\nThe saved chain cannot be read. Delete ${loaded.path}, and the indexer's data of this chain with it, to begin a new chain.`
          : "";
      reject(new Error(`anvil ended (${signal ?? code}): ${errors.trim()}${advice}`));
    });
  });
}

async function prepareChain(
  rpcUrl: string,
  options: AnvilOptions,
  resumes: boolean,
): Promise<void> {
  const client = connectToChain(rpcUrl);
  const chainId = await client.getChainId();
  if (chainId !== options.chainId) {
    throw new Error(`anvil at ${rpcUrl} answers for chain ${chainId}, not ${options.chainId}`);
  }
  if (resumes && !options.resumesNow) {
    // A loaded chain would otherwise go on at the wall clock, which may lie years ahead of it.
    const { timestamp } = await client.getBlock();
    await client.request({ method: "evm_setTime", params: [Number(timestamp)] });
  }
  if (options.blockTimeSeconds !== undefined) {
    await client.setIntervalMining({ interval: options.blockTimeSeconds });
  }
}

async function stopAnvil(anvil: ChildProcess, exited: Promise<void>): Promise<void> {
  if (anvil.exitCode === null && anvil.signalCode === null) anvil.kill("SIGTERM");
  const killer = setTimeout(() => anvil.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(killer);
}
