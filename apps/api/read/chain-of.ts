import { Problem } from "../problem.ts";
import type { ChainProgress, Progress } from "./progress.ts";

/** @throws Problem 404 for a chain that is not followed; it names those that are */
export function chainOf({ chains }: Progress, chainId: number): ChainProgress {
  const chain = chains.find((each) => each.chainId === chainId);
  if (chain !== undefined) return chain;
  const followed = chains.map((each) => each.chainId).join(", ") || "none yet";
  throw new Problem(
    "ES-NOT-FOUND",
    `chain ${chainId} is not followed here (followed: ${followed})`,
  );
}
