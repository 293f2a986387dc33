import { query } from "../parts/start-database.ts";

/** What every contender has to publish. */
export type Backlog = {
  messages: number;
  /** Ordering keys; message n is of key n modulo this. */
  keys: number;
};

/** Bytes of a message's body: what an event of an escrow takes. */
export const BODY_BYTES = 700;

/**
 * Makes table `backlog` with the columns n, event_id, key, body and attributes: the same for every
 * contender. Ids, keys and attributes have the lengths of real ones.
 */
export async function makeBacklog(url: string, { messages, keys }: Backlog): Promise<void> {
  await query(
    url,
    `create table backlog as
     select n, event_id, '1:' || escrow as key, rpad(event_id || ' ', ${BODY_BYTES}, 'x') as body,
            json_build_object(
              'event_id', event_id, 'event_type', 'EscrowApproved', 'chain_id', '1',
              'escrow_address', escrow, 'ce-specversion', '1.0', 'ce-id', event_id,
              'ce-source', '/chains/1/contracts/' || escrow, 'ce-type', 'escrow.EscrowApproved.v1',
              'ce-subject', escrow, 'ce-time', '2026-01-01T00:00:00.000Z')::text as attributes
     from generate_series(1, ${messages}) as n,
       lateral (select '0x' || substr(md5((n % ${keys})::text) || md5('e' || n % ${keys}), 1, 40)
                  as escrow) as of_key,
       lateral (select '1-0x' || md5(n::text) || md5('b' || n) || '-' || n as event_id) as id`,
  );
}
