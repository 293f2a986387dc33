import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { freePort } from "../../local/free-port.ts";
import { type Child, spawnChild } from "../framework/child.ts";
import { type Usage, watchUsage } from "../framework/process-usage.ts";

const ROOT = join(import.meta.dirname, "../..");

/** One instance of the API, which ends and starts again on the same port. */
export class ApiInstance {
  readonly port: number;
  readonly #env: NodeJS.ProcessEnv;
  #child: Child | null = null;
  #watch: (() => Promise<Usage>) | null = null;
  /** Of each of its processes. */
  readonly usages: Usage[] = [];

  private constructor(env: NodeJS.ProcessEnv, port: number) {
    this.#env = env;
    this.port = port;
  }

  static async start(env: NodeJS.ProcessEnv): Promise<ApiInstance> {
    const instance = new ApiInstance(env, await freePort());
    await instance.#start();
    return instance;
  }

  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.end(signal);
    await this.#start();
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const usage = await this.#watch?.();
    if (usage !== undefined) this.usages.push(usage);
    await this.#child?.end(signal);
  }

  async #start(): Promise<void> {
    const env = { ...this.#env, API_PORT: String(this.port), API_STREAMS_PER_CLIENT: "1500" };
    const child = spawnChild(process.execPath, ["cli/api.ts"], { cwd: ROOT, env, isQuiet: true });
    this.#child = child;
    this.#watch = watchUsage(child.pid);
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${this.port}/v1/feeds`).catch(() => null);
      if (answer?.ok) return;
      if (child.howEnded() !== null) throw new Error(`the API ended: ${child.howEnded()}`);
      await setTimeout(50);
    }
  }
}
