type Options = { escrows: number; hotParty: string };

/**
 * SQL that fills a deployment with regular escrows of chain 1, each with two or three events, one a
 * minute. Number n has address n; every second one is paid by the hot party, others by ten thousand.
 */
export function manyEscrowsSql(schema: string, { escrows, hotParty }: Options): string {
  return `
    create temporary table made on commit drop as
    select n, '0x' || lpad(n::text, 40, '0') as address, 1700000000 + 60 * n as at, n as block,
           case when n % 2 = 0 then '${hotParty}' else '0x' || lpad((n % 20000)::text, 40, 'b') end as payer,
           '0x' || lpad((n % 997)::text, 40, 'c') as payee,
           (array['created', 'approved', 'released', 'refunded'])[1 + n % 4] as status,
           (n * 7919) % 1000003 as amount
    from generate_series(1, ${escrows}) as n;

    insert into ${schema}.escrow
    select 1, address, status, 'B', null, payer, payee, null, amount, at + 3600, 1,
           case status when 'created' then 0 else 1 end, array[]::text[],
           case status when 'approved' then at + 3600 end, at, block, null,
           case when status in ('released', 'refunded') then at + 60 end, null, null, at, block, 2, 0
    from made;

    insert into ${schema}.event
    select 1, '1-' || n || '-' || v, lpad(at::text, 10, '0') || lpad(n::text, 60, '0') || lpad(v::text, 5, '0'),
           address, v, case v when 1 then 'EscrowCreated' when 2 then 'EscrowDeployed' else 'EscrowReleased' end,
           1, 'B', address, block, '0x' || lpad(n::text, 64, '0'), at, '0x' || lpad(n::text, 64, '0'), v,
           case v
             when 1 then terms || jsonb_build_object('release_time', (at + 3600)::text)
             when 2 then terms || jsonb_build_object('escrow', address, 'release_delay', '3600')
             else jsonb_build_object('payee', payee, 'amount', amount::text, 'timestamp', (at + 60)::text)
           end, null
    from made,
         generate_series(1, case status when 'released' then 3 else 2 end) as v,
         jsonb_build_object('payer', payer, 'payee', payee, 'arbiter', payee, 'amount', amount::text,
           'approvals_required', 1) as terms;

    insert into ${schema}.settlement
    select 1, address, status, amount, case status when 'released' then payee else payer end, payer, payee,
           at, at + 60, 60, block, '0x' || lpad(n::text, 64, '0'), '1-' || n || '-3'
    from made where status in ('released', 'refunded');

    insert into ${schema}.party
    select 1, each.address, count(*), sum(amount), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from made, lateral (values (payer), (payee)) as each(address) group by each.address;

    insert into ${schema}.settlement_minute
    select 1, at - at % 60, 1, amount, 0, 0, 0, 0 from made;

    analyze ${schema}.escrow; analyze ${schema}.event; analyze ${schema}.settlement;
    analyze ${schema}.party; analyze ${schema}.settlement_minute;`;
}
