import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { LyingNode, RpcCall } from "./lying-node.ts";
import type { NamedLie } from "./named-lie.ts";

const SHARE = 0.4;
const IN_A_ROW = 3;

export type LiarOptions = {
  lies: readonly NamedLie[];
  random: SeededRandom;
  /** Nobody else can be asked. Else it lies whenever it can. */
  isAlone: boolean;
  /** Lies in this share of all answers, whatever they are about. */
  rate?: number;
};

/**
 * Has a node lie: always when there are others to ask; else to a share of the questions, and to the
 * same question only so often in a row that the truth can come out.
 */
export class Liar {
  /** Answers that were not the truth. */
  told = 0;
  #isOn = false;

  constructor(node: LyingNode, { lies, random, isAlone, rate }: LiarOptions) {
    const tellers = lies.map((named) => {
      const isDue = isAlone && rate === undefined ? dueNowAndThen(named, random) : () => true;
      let left = named.atMost ?? Infinity;
      return named.lie((call) => left > 0 && isDue(call) && left-- > 0, isAlone);
    });
    const everywhere = lies.flatMap((named) => named.everywhere ?? []);
    node.lie = async (call, truth) => {
      let given = truth;
      for (const change of everywhere)
        given = await this.#note(given, () => change(call, given, node));
      if (!this.#isOn || (rate !== undefined && !random.chance(rate))) return given;
      // Not every lie is about every call: another one then.
      const left = [...tellers];
      while (left.length > 0) {
        const [tell] = left.splice(random.integer(0, left.length - 1), 1);
        const before = this.told;
        const answer = await this.#note(given, () => tell?.(call, structuredClone(given), node));
        if (this.told > before) return answer;
      }
      return given;
    };
  }

  /** @returns how often it lied since it was last asked */
  lies(isOn: boolean): number {
    this.#isOn = isOn;
    const { told } = this;
    this.told = 0;
    return told;
  }

  async #note(truth: unknown, tell: () => unknown): Promise<unknown> {
    const before = JSON.stringify(truth);
    try {
      const answer = await tell();
      if (JSON.stringify(answer) !== before) this.told += 1;
      return answer;
    } catch (error) {
      this.told += 1;
      throw error;
    }
  }
}

function dueNowAndThen(
  { share = SHARE, inARow = IN_A_ROW }: NamedLie,
  random: SeededRandom,
): (call: RpcCall) => boolean {
  const row = new Map<string, number>();
  return ({ method, params }) => {
    const question = `${method} ${JSON.stringify(params)}`;
    const before = row.get(question) ?? 0;
    const isDue = before < inARow && random.chance(share);
    row.set(question, isDue ? before + 1 : 0);
    return isDue;
  };
}
