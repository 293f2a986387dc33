import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { packPackages } from "./packed-packages.ts";

const ROOT = join(import.meta.dirname, "../..");
const OURS = "@escrow-stream/";

type Manifest = Record<"dependencies" | "devDependencies", Record<string, string>>;

/** Somebody who has our packages from npm and nothing else: empty folders, and a Node of their own. */
export class Stranger {
  readonly #folder = mkdtempSync(join(tmpdir(), "escrow-stranger-"));
  readonly #tarballs = packPackages(this.#folder);
  readonly #children: ChildProcess[] = [];
  readonly #project: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

  /** The tarball of a package of ours. */
  tarball(name: string): string {
    const path = this.#tarballs.get(OURS + name);
    if (path === undefined) throw new Error(`no package ${OURS}${name}`);
    return path;
  }

  /** A folder with the named packages of ours from their tarballs, and others as the project has them. */
  install(ours: string[], others: string[] = []): string {
    const known = { ...this.#project.devDependencies, ...this.#project.dependencies };
    const dependencies = Object.fromEntries(others.map((name) => [name, known[name] as string]));
    for (const name of ours) dependencies[OURS + name] = "";
    return this.installManifest([...ours, ...others].join(" ").replaceAll("/", "-"), {
      dependencies,
    });
  }

  /** A folder with what a manifest names; the same folder for the same name. */
  installManifest(name: string, manifest: Partial<Manifest>): string {
    const folder = join(this.#folder, name);
    if (existsSync(folder)) return folder;
    mkdirSync(folder);
    // What ours need of ours is on no registry yet.
    const fromTarballs = Object.fromEntries(
      [...this.#tarballs].map(([each, path]) => [each, `file:${path}`]),
    );
    const named = { ...manifest.dependencies, ...manifest.devDependencies };
    const direct = Object.keys(named).filter((each) => each.startsWith(OURS));
    const complete = {
      ...manifest,
      dependencies: {
        ...named,
        ...Object.fromEntries(direct.map((each) => [each, fromTarballs[each] as string])),
      },
      devDependencies: {},
      overrides: Object.fromEntries(
        Object.entries(fromTarballs).filter(([each]) => !direct.includes(each)),
      ),
    };
    writeFileSync(join(folder, "package.json"), JSON.stringify(complete));
    const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    execFileSync("npm", ["install", "--prefer-offline", ...quiet], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    return folder;
  }

  /** Starts a program; what it spawns, npm too, finds the same Node first. */
  run(node: string, cwd: string, args: string[], env: Record<string, string> = {}) {
    const path = [dirname(node), process.env.PATH].join(delimiter);
    const child = spawn(node, args, {
      cwd,
      env: { ...process.env, PATH: path, ...env },
      stdio: "pipe",
    });
    this.#children.push(child);
    const printed = { out: "", err: "" };
    child.stdout.on("data", (text) => {
      printed.out += text;
    });
    child.stderr.on("data", (text) => {
      printed.err += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, printed, ended };
  }

  leave(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
