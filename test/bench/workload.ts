// What is asked for in every scenario, and the exact bytes both sides answer: the contract of the sandbox's API, each
// side in its own spelling, so that the shipped comparing rules have the work they have in earnest.

/** The two answers: one order in about 300 bytes, and a page of orders in about 50 KB. */
export const WORKLOADS = ['order', 'list'] as const;
export type Workload = (typeof WORKLOADS)[number];

export const WORKLOAD_LABELS: Readonly<Record<Workload, string>> = { order: '300 B', list: '50 KB' };

/** Enough that a mirror share of 1 % of users is some twenty of them. */
const USERS = 2_000;
const ORDER_ID = '019b8e2a-7c31-7d4e-9a51-3f6c2b8d1e07';
/** Orders in the page that is about 50 KB in the new side's spelling. */
const LIST_ORDERS = 135;

/** What a browser's fetch sends, less what only lengthens it. */
const COMMON_FIELDS =
  'Host: bench.test\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x64) banyan-bench\r\n' +
  'Accept: application/json\r\n' +
  'Accept-Language: en\r\n' +
  'Referer: http://bench.test/trade\r\n';

/** The requests as they go over the wire, one per user; generators go round them. */
export function requestsOf(workload: Workload): readonly string[] {
  return Array.from({ length: USERS }, (_, index) => {
    const user = `user-${String(index + 1).padStart(4, '0')}`;
    const path = workload === 'order' ? `/api/trade/order/${user}/${ORDER_ID}` : `/api/trade/orders/${user}`;
    return `GET ${path} HTTP/1.1\r\n${COMMON_FIELDS}x-user-id: ${user}\r\n\r\n`;
  });
}

export type Spelling = 'legacy' | 'new';

/** The body of an answer in a side's spelling: the same data, written differently. */
export function bodyOf(workload: Workload, spelling: Spelling): string {
  return workload === 'order' ? orderOf(spelling) : listOf(LIST_ORDERS, spelling);
}

export function orderOf(spelling: Spelling): string {
  return spell(ORDER_ID, 0, spelling);
}

export function listOf(count: number, spelling: Spelling): string {
  const orders = Array.from({ length: count }, (_, index) => spell(orderId(index), index, spelling)).join(',');
  return spelling === 'legacy'
    ? `{"next_cursor":null,"orders":[${orders}],"server_time":"2026-01-05T10:00:00.123000+00:00"}`
    : `{"orders":[${orders}],"next_cursor":null,"server_time":"2026-01-05T10:00:00.123Z"}`;
}

function orderId(index: number): string {
  return `019b8e2a-7c31-7d4e-9a51-${index.toString(16).padStart(12, '0')}`;
}

/** Written out by hand: JSON.stringify cannot write the 1.0 of a Python service. */
function spell(id: string, index: number, spelling: Spelling): string {
  const whole = 65_000 + index;
  return spelling === 'legacy'
    ? `{"user_id":"user-0001","order_id":"${id}","status":"filled","side":"BUY","symbol":"BTCUSDT","order_type":"LIMIT",` +
        `"price":${whole}.5,"quantity":1.0,"filled_quantity":1.0,"average_price":${whole}.25,"fee":0.1,` +
        `"created_at":"2026-01-05T10:00:00.123000+00:00"}`
    : `{"order_id":"${id}","user_id":"user-0001","symbol":"BTCUSDT","side":"BUY","order_type":"LIMIT",` +
        `"quantity":"1","price":"${whole}.5","filled_quantity":"1","average_price":"${whole}.25","fee":"0.1",` +
        `"status":"filled","created_at":"2026-01-05T10:00:00.123Z"}`;
}
