import { readFileSync } from "node:fs";
import { join } from "node:path";
import solc from "solc";
import { z } from "zod";

/**
 * Everything that decides the output is fixed here: without the metadata hash, the same sources
 * give the same bytes on every machine and from every folder.
 */
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

const compilerOutput = z.object({
  errors: z
    .array(z.object({ severity: z.string(), formattedMessage: z.string() }))
    .optional()
    .default([]),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          abi: z.array(z.unknown()),
          evm: z.object({ bytecode: z.object({ object: z.string() }) }),
        }),
      ),
    )
    .optional()
    .default({}),
});

export type CompiledContract = { abi: readonly unknown[]; bytecode: `0x${string}` };

/**
 * Compiles Solidity sources with their imports.
 *
 * @param root Folder the source paths are relative to.
 * @param sources Paths such as `revision-a/Escrow.sol`.
 * @returns A look-up by source path and contract name.
 * @throws With the compiler's own report on any error or warning.
 */
export function compileContracts(
  root: string,
  sources: readonly string[],
): (source: string, contract: string) => CompiledContract {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(sources.map((path) => [path, { content: read(path) }])),
    settings,
  };
  const findImport = (path: string) => ({ contents: read(path) });
  const output = compilerOutput.parse(
    JSON.parse(solc.compile(JSON.stringify(input), { import: findImport })),
  );
  if (output.errors.length > 0) {
    throw new Error(output.errors.map((error) => error.formattedMessage).join("\n"));
  }
  return (source, contract) => {
    const compiled = output.contracts[source]?.[contract];
    if (!compiled) throw new Error(`The compiler gave no contract ${contract} in ${source}`);
    return { abi: compiled.abi, bytecode: `0x${compiled.evm.bytecode.object}` };
  };
}
