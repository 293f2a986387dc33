import type pg from "pg";
import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import type { Child } from "../audit/followed-contracts.ts";
import { type Forgotten, forgetBlooms } from "./forget-blooms.ts";
import type { WitnessLease } from "./witness-lease.ts";
import type { LaneName, Piece, ScopeState, Verified } from "./witness-records.ts";

const CHILDREN_AT_ONCE = 5_000;

/** What is proven of a chain, in the database. Every write is fenced by the lease. */
export class WitnessStore {
  readonly #pool: pg.Pool;
  readonly #lease: WitnessLease;
  readonly #key: [chainId: number, scope: string];

  constructor(pool: pg.Pool, lease: WitnessLease, chainId: number, scope: string) {
    this.#pool = pool;
    this.#lease = lease;
    this.#key = [chainId, scope];
  }

  /** Null when nothing was ever proven in this scope. */
  async readScope(): Promise<ScopeState | null> {
    const { rows } = await this.#pool.query(
      "select * from witness.scope where chain_id = $1 and scope = $2",
      this.#key,
    );
    const [row] = rows;
    return row === undefined
      ? null
      : {
          startBlock: Number(row.start_block),
          gateFrom: Number(row.gate_from),
          gateHash: row.gate_hash,
          forward: { through: Number(row.proven_through), hash: row.proven_hash },
          history: { through: Number(row.history_through), hash: row.history_hash },
          hasFinalizedTag: row.has_finalized_tag,
          areBloomsDistrusted: row.are_blooms_distrusted,
        };
  }

  /**
   * Begins a scope: behind the newest block that was published as final, with the escrows that the
   * event store knows up to there.
   *
   * @param known escrows announced up to `gateFrom`, none of it proven
   */
  async beginScope(startBlock: number, gateFrom: number, known: readonly Child[]): Promise<void> {
    await this.#lease.write(async (client) => {
      await client.query(
        `insert into witness.scope
           (chain_id, scope, start_block, gate_from, proven_through, history_through)
         values ($1, $2, $3::bigint, $4::bigint, $4::bigint, $3::bigint - 1)`,
        [...this.#key, startBlock, gateFrom],
      );
      await addChildren(client, this.#key, known, false);
    });
  }

  /**
   * The last block of which every final publication that has any of the chain has all: the newest
   * one of the one that is least far may be there in part. Null when there is none.
   */
  async lastPublishedFinal(): Promise<number | null> {
    if (!(await relationExists(this.#pool, "relay", "message"))) return null;
    const { rows } = await this.#pool.query(
      `select min(newest.block_number) - 1 as block
       from relay.publication p cross join lateral (
         select m.block_number from relay.message m
         where m.publication_id = p.id and m.chain_id = $1
         order by m.position desc limit 1) newest
       where p.finality = 'finalized'`,
      [this.#key[0]],
    );
    return rows[0]?.block === null ? null : Number(rows[0]?.block);
  }

  /** Escrows that are known; of those that history announced only the proven ones for its lane. */
  async readChildren(lane: LaneName): Promise<Child[]> {
    const { rows } = await this.#pool.query(
      `select escrow, block_number, revision from witness.child
       where chain_id = $1 and scope = $2 and (is_proven or $3)
       order by block_number, escrow`,
      [...this.#key, lane === "forward"],
    );
    return rows.map((row) => ({
      address: row.escrow,
      revision: row.revision,
      announcedAt: Number(row.block_number),
    }));
  }

  /**
   * Writes down that a piece is proven, and the escrows that it announces.
   *
   * @returns false when history announces an escrow that was not known: what the forward lane proved
   *   was proven without it, and begins again
   */
  async addPiece(
    lane: LaneName,
    piece: Piece,
    children: readonly Child[],
    gateHash: Hex | null,
  ): Promise<boolean> {
    return await this.#lease.write(async (client) => {
      await insertPiece(client, this.#key, piece);
      const [through, hash] =
        lane === "forward"
          ? ["proven_through", "proven_hash"]
          : ["history_through", "history_hash"];
      await client.query(
        `update witness.scope set ${through} = $3, ${hash} = $4, basis = $5, proven_at = now(),
                gate_hash = coalesce(gate_hash, $6)
         where chain_id = $1 and scope = $2`,
        [...this.#key, piece.to, piece.lastHash, piece.basis, gateHash],
      );
      const added = await addChildren(client, this.#key, children, true);
      if (lane === "forward" || added === 0) return true;
      await forgetForward(client, this.#key);
      return false;
    });
  }

  async noteFinalizedTag(): Promise<void> {
    await this.#lease.write((client) =>
      client.query(
        "update witness.scope set has_finalized_tag = true where chain_id = $1 and scope = $2",
        this.#key,
      ),
    );
  }

  /**
   * Forgets what rests on blooms, for good.
   *
   * @param live the deployment that is shown
   * @returns the blocks that are proven again; null when there are none
   */
  async forgetBlooms(live: string): Promise<Forgotten | null> {
    return await this.#lease.write((client) => forgetBlooms(client, this.#key, live));
  }

  /** The piece that a block is in; null when it is not proven. */
  async pieceOf(block: number): Promise<Piece | null> {
    const { rows } = await this.#pool.query(
      `select * from witness.piece
       where chain_id = $1 and scope = $2 and from_block <= $3 and to_block >= $3
       order by from_block desc limit 1`,
      [...this.#key, block],
    );
    const [row] = rows;
    return row === undefined
      ? null
      : {
          from: Number(row.from_block),
          to: Number(row.to_block),
          lastHash: row.last_hash,
          firstTime: BigInt(row.first_time),
          lastTime: BigInt(row.last_time),
          history: { events: row.events, sha256: row.sha256 },
          headers: row.headers,
          receiptsBlocks: row.receipts_blocks,
          bloomBlocks: row.bloom_blocks ?? row.headers - row.receipts_blocks,
          basis: row.basis,
          namedBy: row.named_by,
        };
  }

  /** How far a deployment is compared; null when it is new here. */
  async readVerified(deployment: string): Promise<Verified | null> {
    const { rows } = await this.#pool.query(
      "select * from witness.verified where deployment = $1 and chain_id = $2",
      [deployment, this.#key[0]],
    );
    const [row] = rows;
    return row === undefined
      ? null
      : {
          ...{ forward: Number(row.through_block), history: Number(row.history_through) },
          ...{ hash: row.through_hash, basis: row.basis },
          gateFrom: row.gate_from === null ? null : Number(row.gate_from),
        };
  }

  /** Moves the gate. */
  async writeVerified(
    deployment: string,
    { forward, history, hash, basis, gateFrom }: Verified,
  ): Promise<void> {
    await this.#lease.write((client) =>
      client.query(
        `insert into witness.verified values ($1, $2, $3, $4, $5, $6, now(), $7)
         on conflict (deployment, chain_id) do update
           set through_block = excluded.through_block, through_hash = excluded.through_hash,
               basis = excluded.basis, history_through = excluded.history_through,
               verified_at = excluded.verified_at, gate_from = excluded.gate_from`,
        [deployment, this.#key[0], forward, hash, basis, history, gateFrom],
      ),
    );
  }
}

async function insertPiece(client: Queryable, key: [number, string], piece: Piece): Promise<void> {
  await client.query(
    `insert into witness.piece
       (chain_id, scope, from_block, to_block, last_hash, first_time, last_time, events, sha256,
        headers, receipts_blocks, bloom_blocks, basis, named_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      ...[...key, piece.from, piece.to, piece.lastHash, String(piece.firstTime)],
      ...[String(piece.lastTime), piece.history.events, piece.history.sha256, piece.headers],
      ...[piece.receiptsBlocks, piece.bloomBlocks, piece.basis, piece.namedBy],
    ],
  );
}

/** @returns how many were not known at all */
async function addChildren(
  client: Queryable,
  key: [number, string],
  children: readonly Child[],
  isProven: boolean,
): Promise<number> {
  let added = 0;
  for (let at = 0; at < children.length; at += CHILDREN_AT_ONCE) {
    const part = children.slice(at, at + CHILDREN_AT_ONCE);
    const { rows } = await client.query(
      `insert into witness.child as c (chain_id, scope, escrow, block_number, revision, is_proven)
       select $1, $2, e.escrow, e.block, e.revision, $6
       from unnest($3::text[], $4::bigint[], $5::text[]) as e (escrow, block, revision)
       on conflict (chain_id, scope, escrow) do update
         set is_proven = true, block_number = excluded.block_number, revision = excluded.revision
       returning xmax = 0 as is_new`,
      [
        ...[...key, part.map(({ address }) => address), part.map((each) => each.announcedAt)],
        ...[part.map(({ revision }) => revision), isProven],
      ],
    );
    added += rows.filter(({ is_new }) => is_new).length;
  }
  return added;
}

async function forgetForward(client: Queryable, key: [number, string]): Promise<void> {
  await client.query(
    `delete from witness.piece p using witness.scope s
     where p.chain_id = $1 and p.scope = $2 and s.chain_id = $1 and s.scope = $2
       and p.from_block > s.gate_from`,
    key,
  );
  await client.query(
    `update witness.scope set proven_through = gate_from, proven_hash = gate_hash
     where chain_id = $1 and scope = $2`,
    key,
  );
  await client.query(
    `update witness.verified v set through_block = s.gate_from from witness.scope s
     where v.chain_id = $1 and s.chain_id = $1 and s.scope = $2 and v.through_block > s.gate_from`,
    key,
  );
}
