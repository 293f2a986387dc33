import type { Queryable } from "../../db/queryable.ts";

/** What is to be proven again, both ends included. */
export type Forgotten = { from: number; to: number };

/**
 * Forgets all that rests on blooms, of a chain whose blooms were seen to be wrong. What the live
 * deployment was verified by them is history now, which is proven again by the receipts of every
 * block beside what is new: a publication keeps what it has of it, and gets no more until then.
 *
 * Deletes from the first piece on that passed over a block by its bloom; other deployments than the
 * live one are compared again when they are shown again.
 *
 * @returns null when nothing rests on a bloom
 */
export async function forgetBlooms(
  client: Queryable,
  [chainId, scope]: [chainId: number, scope: string],
  live: string,
): Promise<Forgotten | null> {
  const key = [chainId, scope];
  const { rows } = await client.query(
    `update witness.scope s set are_blooms_distrusted = true
     where s.chain_id = $1 and s.scope = $2
     returning s.gate_from, s.gate_hash, s.history_through, (
       select min(p.from_block) from witness.piece p
       where p.chain_id = $1 and p.scope = $2 and p.basis = 'proof'
         and coalesce(p.bloom_blocks, p.headers - p.receipts_blocks) > 0) as first`,
    key,
  );
  const [row] = rows;
  if (row === undefined || row.first === null) return null;
  const [first, oldGate] = [Number(row.first), Number(row.gate_from)];
  const verified = await client.query(
    `select through_block, through_hash, history_through from witness.verified
     where deployment = $1 and chain_id = $2`,
    [live, chainId],
  );
  const [at] = verified.rows;
  const through = Number(at?.through_block ?? oldGate);
  const gate = Math.max(through, oldGate);
  const gateHash = through > oldGate ? at.through_hash : row.gate_hash;
  // Proven as a whole, history goes on into what came behind it.
  const kept = (history: number) => Math.min(history < oldGate ? history : gate, first - 1);
  const history = kept(Number(row.history_through));
  await client.query(
    "delete from witness.piece where chain_id = $1 and scope = $2 and from_block > $3",
    [...key, history],
  );
  await client.query(
    `update witness.scope set gate_from = $3, gate_hash = $4, proven_through = $3, proven_hash = $4,
            history_through = $5, history_hash = (
              select last_hash from witness.piece
              where chain_id = $1 and scope = $2 and to_block = $5)
     where chain_id = $1 and scope = $2`,
    [...key, gate, gateHash, history],
  );
  await client.query("delete from witness.verified where chain_id = $1 and deployment <> $2", [
    chainId,
    live,
  ]);
  await client.query(
    `update witness.verified set gate_from = $3, history_through = $4
     where chain_id = $1 and deployment = $2`,
    [chainId, live, gate, kept(Number(at?.history_through ?? history))],
  );
  return { from: history + 1, to: gate };
}
