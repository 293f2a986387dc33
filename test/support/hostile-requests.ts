/** A request that means harm or is simply wrong, as it goes over the wire. */
export type HostileRequest = {
  name: string;
  /** The whole of it, head and body. */
  bytes: string | Buffer;
  /** It does not end: the server has to. */
  isUnfinished?: true;
};

const ADDRESS = `0x${"0".repeat(40)}`;
const FEED = "/v1/feeds/chain.events.v1";
const PATH = `/v1/escrows/41021/${ADDRESS}`;

/** Paths that a reader has no business with, or whose parameters are attacks. */
const PATHS = [
  // What the engine's own server let anybody do.
  "/sql/db?sql=%7B%22json%22%3A%7B%22sql%22%3A%22select+1%22%7D%7D",
  "/sql/live?sql=%7B%22json%22%3A%7B%22sql%22%3A%22select+pg_sleep(60)%22%7D%7D",
  "/sql",
  "/graphql/../sql/db",
  // Files.
  "/../../../../etc/passwd",
  "/docs/../../package.json",
  "/docs/..%2f..%2fpackage.json",
  "/docs/%2e%2e/%2e%2e/package.json",
  "/docs/swagger-ui.css/../../../../../etc/passwd",
  "/docs/swagger-ui.js.map",
  "/docs/%00",
  "/.env",
  "/.git/config",
  "//evil.example/%2f..",
  // SQL in every place that takes text.
  "/v1/escrows?status=released'%3B%20drop%20schema%20escrow%20cascade%3B--",
  "/v1/escrows?payer='%20or%20'1'%3D'1",
  `/v1/escrows?payer=${ADDRESS}'--`,
  "/v1/escrows?order_by=amount%3Bselect%20pg_sleep(60)",
  "/v1/escrows?order_by=(select%20usename%20from%20pg_user%20limit%201)",
  "/v1/escrows?order_by=constructor",
  "/v1/escrows?order_by=__proto__",
  "/v1/escrows?direction=desc%3B%20select%201",
  "/v1/escrows?limit=1%20union%20select%201",
  "/v1/escrows?limit=1e3",
  "/v1/escrows?limit=0x10",
  "/v1/escrows?limit=-1",
  "/v1/escrows?limit=99999999999999999999",
  "/v1/escrows?limit=1.5",
  "/v1/escrows?limit=NaN",
  "/v1/escrows?limit=",
  "/v1/escrows?amount_min=-1",
  "/v1/escrows?amount_min=Infinity",
  `/v1/escrows?amount_min=${"9".repeat(79)}`,
  "/v1/escrows?created_from=2020-01-01'%3B--",
  "/v1/escrows?at=99999999999999999999999",
  "/v1/escrows?chain_id=41021%20or%201%3D1",
  "/v1/escrows?chain_id=0",
  "/v1/escrows?chain_id=4294967297",
  "/v1/escrows?chain_id[]=41021",
  "/v1/escrows?chain_id[$gt]=0",
  "/v1/escrows?__proto__[x]=1",
  "/v1/escrows?constructor=1",
  "/v1/escrows?toString=1",
  "/v1/escrows?total=yes",
  `/v1/escrows?status=${"released,".repeat(1_000)}`,
  // Cursors.
  "/v1/escrows?cursor=' or 1=1",
  "/v1/escrows?cursor=..%2F..%2F",
  `/v1/escrows?cursor=${Buffer.from('["created_at desc last",{"$ne":null}]').toString("base64url")}`,
  `/v1/escrows?cursor=${Buffer.from('["created_at desc last, chain_id desc first, address desc first","1",1]').toString("base64url")}`,
  `/v1/escrows?cursor=${Buffer.from('["created_at desc last, chain_id desc first, address desc first","1; drop table x",1,"0x"]').toString("base64url")}`,
  `/v1/escrows?cursor=${"A".repeat(5_000)}`,
  "/v1/escrows?cursor=%00",
  "/v1/escrows?cursor=%FF%FE",
  // Text that is none.
  "/v1/escrows/41021/%00",
  "/v1/escrows/41021/%ff",
  "/v1/escrows/41021/0x%F0%9F%92%A9",
  `/v1/escrows/41021/${"0x".padEnd(5_000, "0")}`,
  `/v1/escrows/${"9".repeat(400)}/${ADDRESS}`,
  `/v1/escrows/-1/${ADDRESS}`,
  `/v1/escrows/41021/${ADDRESS}/events?type=Approved'`,
  `/v1/escrows/41021/${ADDRESS}/events?block_from=-1`,
  `/v1/escrows/41021/${ADDRESS}/events/../../..`,
  `/v1/escrows/41021/${ADDRESS}/nothing`,
  `${PATH}?as_of_block=-1`,
  `${PATH}?as_of_block=99999999999999999`,
  `${PATH}?as_of_block=latest`,
  `${PATH}?as_of_block=1;select`,
  `/v1/parties/41021/${ADDRESS}?as_of_block=9007199254740993`,
  "/v1/settlements?outcome=__proto__",
  "/v1/settlement-minutes?from=now()",
  "/v1/parties?address=0x",
  "/v1/stats?chain_id=select",
  // The feed: names, offsets and filters.
  "/v1/feeds?topic=a",
  "/v1/feeds/",
  "/v1/feeds/..%2f..%2fescrows",
  "/v1/feeds/nothing.events.v1",
  "/v1/feeds/goog'%3B%20drop%20schema%20relay%20cascade%3B--",
  `/v1/feeds/${"a".repeat(5_000)}`,
  "/v1/feeds/__proto__",
  "/v1/feeds/%00",
  ...[
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "NaN",
    "99999999999999999999",
    "' or 1=1",
    "9007199254740993",
  ].flatMap((offset) => [
    `${FEED}?after=${encodeURIComponent(offset)}`,
    `${FEED}/stream?after=${encodeURIComponent(offset)}`,
  ]),
  `${FEED}?after=9007199254740991`,
  `${FEED}/stream?after=9007199254740991`,
  `${FEED}?limit=0`,
  `${FEED}?limit=100000`,
  `${FEED}?limit=-1`,
  `${FEED}?type=Approved`,
  `${FEED}/stream?limit=1`,
  `${FEED}/stream?type=Approved'--`,
  `${FEED}/stream?type=${"Approved,".repeat(1_000)}x`,
  `${FEED}/stream?party=0x`,
  `${FEED}/stream?escrow='%20or%20'1'%3D'1`,
  `${FEED}/stream?chain_id=0`,
  `${FEED}/stream?id=1`,
  `${FEED}/stream/more`,
  "/v1",
  "/v1/",
  "/V1/ESCROWS",
  "/v1/escrows/",
  "/%76%31/escrows%3F",
  "/%",
  "/%zz",
  `/${"a/".repeat(2_000)}`,
  `/v1/escrows?${"a=1&".repeat(2_000)}`,
];

const QUESTIONS = [
  "",
  "{",
  "null",
  "[]",
  '"text"',
  '{"query": 1}',
  '{"query": ""}',
  '{"query": "{ nothing }"}',
  '{"query": "mutation { drop }"}',
  `{"query": "{ ${"a: escrows { totalCount } ".repeat(200)} }"}`,
  `{"query": "{ ${Array.from({ length: 50 }, (_, at) => `a${at}: escrows { totalCount }`).join(" ")} }"}`,
  '{"query": "{ escrows(first: 1000) { nodes { events(first: 1000) { nodes { id } } } } }"}',
  `{"query": "{ ${"escrows { nodes { events { nodes { escrow { ".repeat(5)} address ${"} } } } ".repeat(5)} }"}`,
  '{"query": "query q { ...f } fragment f on Query { ...f }"}',
  '{"query": "{ escrows(first: -1) { totalCount } }"}',
  '{"query": "{ escrows(where: {status: [BOGUS]}) { totalCount } }"}',
  `{"query": "{ escrow(chainId: 1, address: \\"' or 1=1\\") { address } }"}`,
  '{"query": "{ escrows(after: \\"x\\") { nodes { address } } }"}',
  `{"query": "${"#".repeat(200_000)}"}`,
  `[${Array(100).fill('{"query": "{ escrows { totalCount } }"}').join(",")}]`,
];

/** Heads and bodies that are not as HTTP has them. */
const RAW: HostileRequest[] = [
  { name: "no HTTP", bytes: "hello\r\n\r\n" },
  { name: "TLS", bytes: Buffer.from("160301020001000001fc0303", "hex"), isUnfinished: true },
  { name: "a method that is none", bytes: "FROB / HTTP/1.1\r\nhost: localhost\r\n\r\n" },
  { name: "no host", bytes: "GET /v1/escrows HTTP/1.1\r\n\r\n" },
  { name: "another host", bytes: "GET /v1/escrows HTTP/1.1\r\nhost: evil.example\r\n\r\n" },
  { name: "two hosts", bytes: "GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n" },
  {
    name: "a proxy's form",
    bytes: "GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n\r\n",
  },
  { name: "CONNECT", bytes: "CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n" },
  { name: "TRACE", bytes: "TRACE /v1/escrows HTTP/1.1\r\nhost: localhost\r\n\r\n" },
  { name: "DELETE", bytes: "DELETE /v1/escrows HTTP/1.1\r\nhost: localhost\r\n\r\n" },
  {
    name: "PUT with a body",
    bytes: "PUT /v1/escrows HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}",
  },
  {
    name: "a head without end",
    bytes: `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(100_000)}`,
    isUnfinished: true,
  },
  {
    name: "too many headers",
    bytes: `GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n${"a: b\r\n".repeat(10_000)}\r\n`,
  },
  {
    name: "two lengths",
    bytes:
      "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
  },
  {
    name: "length and chunks at once",
    bytes:
      "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /sql HTTP/1.1\r\n\r\n",
  },
  {
    name: "a chunk that is none",
    bytes:
      "POST /graphql HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
  },
  {
    name: "a body that is too long",
    bytes: `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 5000000\r\n\r\n${"a".repeat(5_000_000)}`,
  },
  {
    name: "another type of body",
    bytes: post("a=b", "application/x-www-form-urlencoded"),
  },
  {
    name: "an upgrade",
    bytes:
      "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n\r\n",
  },
];

/** What an EventSource would send when it comes back. */
const LAST_EVENT_IDS = [
  "-1",
  "1.5",
  "rubbish",
  "null",
  "\u00ff",
  "9".repeat(400),
  "9007199254740991",
];

/** Some 170 requests, none of which may be answered with anything but a refusal. */
export function hostileRequests(): HostileRequest[] {
  return [
    ...PATHS.map((path) => ({
      name: `GET ${path.slice(0, 80)}`,
      bytes: `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    })),
    ...LAST_EVENT_IDS.map((id) => ({
      name: `Last-Event-ID ${id.slice(0, 80)}`,
      bytes: `GET ${FEED}/stream HTTP/1.1\r\nhost: localhost\r\nlast-event-id: ${id}\r\n\r\n`,
    })),
    {
      name: "POST to a stream",
      bytes: `POST ${FEED}/stream HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}`,
    },
    ...QUESTIONS.map((body) => ({
      name: `GraphQL ${body.slice(0, 80)}`,
      bytes: post(body, "application/json"),
    })),
    ...RAW,
  ];
}

function post(body: string, type: string): string {
  return `POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
