import { execFileSync, spawn } from "node:child_process";
import { freePort } from "../../local/free-port.ts";

/** The jar of Google's emulator, if the Debian package and a Java runtime are installed. */
export function findOfficialEmulator(): string | undefined {
  try {
    execFileSync("java", ["-version"], { stdio: "ignore" });
    const files = execFileSync("dpkg", ["-L", "google-cloud-cli-pubsub-emulator"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    return files
      .toString()
      .split("\n")
      .find((file) => file.endsWith(".jar"));
  } catch {
    return undefined;
  }
}

/** Starts it on a free port. `stop` resolves when the process is gone. */
export async function startOfficialEmulator(
  jar: string,
): Promise<{ address: string; stop(): Promise<void> }> {
  const port = await freePort();
  const child = spawn("java", ["-Xmx512m", "-jar", jar, "--host=127.0.0.1", `--port=${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer): void => {
      output += chunk;
      if (output.includes("Server started")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`emulator exited with ${code}: ${output}`)));
  });
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
