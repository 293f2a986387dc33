import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Chain } from "../config/chain-deployment.ts";
import { CodedError } from "../config/coded-error.ts";
import type { ErrorCode } from "../config/error-catalogue.ts";
import type { Listening } from "../config/process-config.ts";

/** What the thread of the sources has to say. */
export type GuardMessage =
  | { urls: [chainId: number, url: string][]; httpPort: number | null }
  | { event: string; text: string }
  /** Nobody can answer the engine. */
  | { code: ErrorCode; text: string };

/** What the thread of the sources is given. */
export type GuardData = { chains: readonly Chain[]; http: GuardHttp | null };

/** Where what there is to know about the indexer is served, and where the engine listens. */
type GuardHttp = Listening & { enginePort: number };

export type GuardOptions = {
  /** What the engine will read; changed. */
  env: NodeJS.ProcessEnv;
  /** Served by the thread, which answers whatever the engine does; nothing unless given. */
  http?: GuardHttp;
  /** Called with what an operator should know, as it is seen. */
  say: (event: string, text: string) => void;
  /** Called when the thread is gone or can tell no more: the engine has nobody to ask. */
  onEnded: (error: Error) => void;
};

/** The sources keep to the providers' pace themselves: the engine may ask as fast as it likes. */
const ENGINE_REQUESTS_PER_SECOND = 1_000;
/** What is said of the endpoints is for the sources: the engine has one address on loopback. */
const IS_OF_ENDPOINTS = /^RPC_(REQUESTS_PER_SECOND|AGREE|MAX_[A-Z_]+)(_\d+)?$/;

/**
 * Puts verified sources between the engine and the endpoints: the engine, which reads its
 * configuration from the environment, is given the sources' addresses on loopback instead. They live
 * in a thread of their own, so that proving one block and indexing another happen at the same time.
 *
 * @returns the port of `http`; null without
 */
export async function guardEngine(
  chains: readonly Chain[],
  { env, http, say, onEnded }: GuardOptions,
): Promise<number | null> {
  const workerData: GuardData = { chains, http: http ?? null };
  const worker = new Worker(new URL("./guard-worker.ts", import.meta.url), { workerData });
  const [first] = (await once(worker, "message")) as [GuardMessage];
  if (!("urls" in first)) throw new Error(`the sources began with ${JSON.stringify(first)}`);
  worker.on("message", (message: GuardMessage) => {
    if ("event" in message) say(message.event, message.text);
    if ("code" in message) onEnded(new CodedError(message.code, message.text));
  });
  worker.once("error", (cause) => onEnded(new Error("the verified source failed", { cause })));
  worker.once("exit", (code) => onEnded(new Error(`the verified source ended (${code})`)));
  for (const name of Object.keys(env)) if (IS_OF_ENDPOINTS.test(name)) delete env[name];
  for (const [chainId, url] of first.urls) env[`RPC_URL_${chainId}`] = url;
  env.RPC_REQUESTS_PER_SECOND = String(ENGINE_REQUESTS_PER_SECOND);
  return first.httpPort;
}
