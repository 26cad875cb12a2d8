// The requests that the backend is measured with.

/** At market, so that each is filled, settled and in the position when it is answered: the whole of an order's way. */
export const ORDER_BODY = { user_id: 'bench', symbol: 'BTCUSDT', side: 'BUY', order_type: 'MARKET', quantity: '0.01' };

export const BACKEND_WORKLOADS = ['ticker', 'read', 'create'] as const;
export type BackendWorkload = (typeof BACKEND_WORKLOADS)[number];

/** Over several users: what is done to one account is done in turn, and nobody has only one user. */
const USERS = 64;

/** The bytes to send for each request, in turn. */
export function bytesOf(workload: BackendWorkload, orderPath: string): readonly Buffer[] {
  if (workload === 'ticker') return [Buffer.from('GET /api/market/ticker/BTCUSDT HTTP/1.1\r\nhost: bench\r\n\r\n')];
  if (workload === 'read') return [Buffer.from(`GET ${orderPath} HTTP/1.1\r\nhost: bench\r\n\r\n`)];
  return Array.from({ length: USERS }, (_, index) => {
    const body = JSON.stringify({ ...ORDER_BODY, user_id: `bench-${index}` });
    const head = `POST /api/trade/order HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    return Buffer.from(`${head}\r\n\r\n${body}`);
  });
}
