import type { FinalRules } from "./final-rules.ts";
import { type Env, type Section, section } from "./section.ts";

/** The rules of every chain: `otherwise`, but for those that have their own. */
export type FinalRequires = { otherwise: FinalRules; ofChain: ReadonlyMap<number, FinalRules> };

const NAME = "FINAL_REQUIRES";

/** What the final publications wait for. A chain's own value need not be of one that is followed. */
export const finalRequiresSection: Section<FinalRequires> = {
  variables: [NAME],
  parse: (env) => {
    const chainIds = chainIdsIn(env);
    return section([NAME], (read) => ({
      otherwise: read.get(NAME),
      ofChain: new Map(chainIds.map((id) => [id, read.getForChain(NAME, id)])),
    })).parse(env);
  },
};

export function finalRulesOf({ otherwise, ofChain }: FinalRequires, chainId: number): FinalRules {
  return ofChain.get(chainId) ?? otherwise;
}

/** Whether something but the engine's own finality is waited for: then there has to be a witness. */
export function needsWitness([first]: FinalRules): boolean {
  return first !== "trust";
}

function chainIdsIn(env: Env): number[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const id = value ? /^FINAL_REQUIRES_(\d+)$/.exec(name)?.[1] : undefined;
    return id === undefined ? [] : [Number(id)];
  });
}
