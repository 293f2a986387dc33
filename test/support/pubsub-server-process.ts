import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** An embedded Pub/Sub server in a process of its own, so that it can be killed. */
export interface PubsubServerProcess {
  readonly host: string;
  /** Ends it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("./pubsub-server-main.ts", import.meta.url));

export async function startPubsubServerProcess(
  dataDir: string,
  port = 0,
): Promise<PubsubServerProcess> {
  const child = fork(MAIN, [dataDir, String(port)]);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    child.once("message", (message) => resolve(String(message)));
    child.once("exit", (code) => reject(new Error(`the Pub/Sub server exited with ${code}`)));
  });
  return {
    host,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
