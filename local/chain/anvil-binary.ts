import { createRequire } from "node:module";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const platforms: Readonly<Record<string, string>> = {
  linux: "linux",
  darwin: "darwin",
  win32: "win32",
};

/**
 * Path of the anvil binary for this machine.
 *
 * The package's own launcher is a Node process in between: killed hard, it leaves anvil behind.
 *
 * @throws When the package has no binary for this platform.
 */
export function anvilBinary(): string {
  const platform = platforms[process.platform];
  const architecture = architectures[process.arch];
  const suffix = process.platform === "win32" ? ".exe" : "";
  const require = createRequire(import.meta.url);
  // The platform package is a dependency of the main one, so it is looked up from there.
  const fromPackage = createRequire(require.resolve("@foundry-rs/anvil/package.json"));
  try {
    return fromPackage.resolve(`@foundry-rs/anvil-${platform}-${architecture}/bin/anvil${suffix}`);
  } catch (cause) {
    throw new Error(
      `There is no anvil binary for ${process.platform} ${process.arch}: reinstall the dependencies, or run this on Linux or macOS`,
      { cause },
    );
  }
}
