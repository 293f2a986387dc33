import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compileContracts } from "./compile-contracts.ts";

const root = dirname(import.meta.dirname);

type GeneratedFile = {
  path: string;
  exportName: string;
  source: string;
  contract: string;
  part: "abi" | "bytecode";
};

const factoryA = { source: "revision-a/EscrowFactory.sol", contract: "EscrowFactory" };
const factoryB = { source: "revision-b/EscrowFactory.sol", contract: "EscrowFactory" };
const escrowA = { source: "revision-a/Escrow.sol", contract: "Escrow" };
const escrowB = { source: "revision-b/Escrow.sol", contract: "Escrow" };
const partyProxy = { source: "test/PartyProxy.sol", contract: "PartyProxy" };

const abi = (path: string, exportName: string, from: { source: string; contract: string }) =>
  ({ path, exportName, ...from, part: "abi" }) as const;
const bytecode = (path: string, exportName: string, from: { source: string; contract: string }) =>
  ({ path, exportName, ...from, part: "bytecode" }) as const;

const generatedFiles: readonly GeneratedFile[] = [
  abi("abis/escrow-factory-a.ts", "escrowFactoryAAbi", factoryA),
  abi("abis/escrow-factory-b.ts", "escrowFactoryBAbi", factoryB),
  abi("abis/escrow-a.ts", "escrowAAbi", escrowA),
  abi("abis/escrow-b.ts", "escrowBAbi", escrowB),
  abi("contracts/test/party-proxy-abi.ts", "partyProxyAbi", partyProxy),
  bytecode("contracts/bytecode/escrow-factory-a.ts", "escrowFactoryABytecode", factoryA),
  bytecode("contracts/bytecode/escrow-factory-b.ts", "escrowFactoryBBytecode", factoryB),
  bytecode("contracts/bytecode/party-proxy.ts", "partyProxyBytecode", partyProxy),
];

function render(file: GeneratedFile, value: unknown): string {
  const text = [
    `// Generated from contracts/${file.source} by contracts/compile.ts. Do not edit.`,
    `export const ${file.exportName} = ${JSON.stringify(value)} as const;`,
  ].join("\n");
  // Formatted by the project's own formatter, so a generated file never fails its check.
  return execFileSync(
    join(root, "node_modules/.bin/biome"),
    ["format", `--stdin-file-path=${file.path}`],
    { cwd: root, input: text, encoding: "utf8", stdio: "pipe" },
  );
}

const USAGE = `Usage: node contracts/compile.ts [--check]

Writes the ABIs and the local bytecode from the Solidity sources; with --check, names each file that
is not up to date and exits with 1.`;

function main(args: string[]): void {
  if (args.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const unknown = args.filter((arg) => arg !== "--check");
  if (unknown.length > 0) {
    console.error(
      `ES-ARGUMENT: ${unknown.join(" ")}: is no option here; --help lists those that are`,
    );
    process.exitCode = 78;
    return;
  }
  const check = args.includes("--check");
  const sources = [...new Set(generatedFiles.map((file) => file.source))];
  const compiled = compileContracts(join(root, "contracts"), sources);
  const stale: string[] = [];

  for (const file of generatedFiles) {
    const content = render(file, compiled(file.source, file.contract)[file.part]);
    const path = join(root, file.path);
    if (existsSync(path) && readFileSync(path, "utf8") === content) continue;
    stale.push(file.path);
    if (check) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    console.log(`wrote ${file.path}`);
  }

  if (check && stale.length > 0) {
    console.error(
      `Not what the compiler gives: ${stale.join(", ")}\nRun: node contracts/compile.ts`,
    );
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
