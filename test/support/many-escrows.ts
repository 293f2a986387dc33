type Options = { escrows: number; hotParty: string; chainId?: number };

/**
 * SQL that fills a deployment with regular escrows of one chain, each with two to four events, one a
 * minute. Number n has address n; every second one is paid by the hot party, others by ten thousand.
 */
export function manyEscrowsSql(
  schema: string,
  { escrows, hotParty, chainId = 1 }: Options,
): string {
  return `
    create temporary table made on commit drop as
    select n, '0x' || lpad(n::text, 40, '0') as address, 1700000000 + 60 * n as at, n as block,
           case when n % 2 = 0 then '${hotParty}' else '0x' || lpad((n % 20000)::text, 40, 'b') end as payer,
           '0x' || lpad((n % 997)::text, 40, 'c') as payee,
           (array['created', 'approved', 'released', 'refunded'])[1 + n % 4] as status,
           (n::bigint * 7919) % 1000003 as amount
    from generate_series(1, ${escrows}) as n;

    insert into ${schema}.escrow
    select ${chainId}, address, status, 'B', null, payer, payee, null, amount, at + 3600, 1,
           case status when 'created' then 0 else 1 end,
           case status when 'created' then array[]::text[] else array[payer] end,
           case status when 'approved' then at + 3600 end, at, block, null,
           case when status in ('released', 'refunded') then at + 60 end, null, null, at, block,
           case status when 'created' then 2 when 'approved' then 3 else 4 end, 0
    from made;

    insert into ${schema}.event
    select ${chainId}, '${chainId}-' || n || '-' || v, lpad(at::text, 10, '0') || lpad(n::text, 60, '0') || lpad(v::text, 5, '0'),
           address, v, case v when 1 then 'EscrowCreated' when 2 then 'EscrowDeployed' when 3 then 'Approved'
                    else case status when 'released' then 'EscrowReleased' else 'EscrowRefunded' end end,
           1, 'B', address, block, '0x' || lpad(n::text, 64, '0'), at, '0x' || lpad(n::text, 64, '0'), v,
           case v
             when 1 then terms || jsonb_build_object('release_time', (at + 3600)::text)
             when 2 then terms || jsonb_build_object('escrow', address, 'release_delay', '3600')
             when 3 then jsonb_build_object('approver', payer)
             else jsonb_build_object('amount', amount::text, 'timestamp', (at + 60)::text)
               || case status when 'released' then jsonb_build_object('payee', payee)
                              else jsonb_build_object('payer', payer) end
           end, null
    from made,
         generate_series(1, case status when 'created' then 2 when 'approved' then 3 else 4 end) as v,
         jsonb_build_object('payer', payer, 'payee', payee, 'arbiter', payee, 'amount', amount::text,
           'approvals_required', 1) as terms;

    insert into ${schema}.approval
    select ${chainId}, address, payer, 1, at, block, '0x' || lpad(n::text, 64, '0'), 3,
           '${chainId}-' || n || '-3'
    from made where status <> 'created';

    insert into ${schema}.settlement
    select ${chainId}, address, status, amount, case status when 'released' then payee else payer end, payer, payee,
           at, at + 60, 60, block, '0x' || lpad(n::text, 64, '0'), '${chainId}-' || n || '-4'
    from made where status in ('released', 'refunded');

    insert into ${schema}.party
    select ${chainId}, each.address, count(*), sum(amount), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from made, lateral (values (payer), (payee)) as each(address) group by each.address;

    insert into ${schema}.settlement_minute
    select ${chainId}, at - at % 60, 1, amount, 0, 0, 0, 0 from made;

    analyze ${schema}.escrow; analyze ${schema}.event; analyze ${schema}.settlement;
    analyze ${schema}.approval;    analyze ${schema}.party; analyze ${schema}.settlement_minute;`;
}
