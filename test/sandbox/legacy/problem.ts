/** An answer other than success: the status and what FastAPI's HTTPException would put under "detail". */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** The texts clients have come to know; a backend that replaces this one says the same words. */
export const DETAIL = {
  orderNotFound: 'order not found',
  notCancellable: (status: string) => `order is ${status} and can no longer be cancelled`,
  inFlight: 'order is not known to the exchange yet; try again',
  cancelUnclear: 'the exchange did not confirm the cancellation; read the order and try again',
  cancelRefused: (msg: string) => `exchange refused the cancellation: ${msg}`,
  noPrice: (msg: string) => `no price from the exchange: ${msg}`,
  unknownSymbol: (symbol: string) => `unknown symbol: ${symbol}`,
  rejected: (msg: string) => `order rejected by the exchange: ${msg}`,
  refused: (msg: string) => `exchange refused the order: ${msg}`,
} as const;
