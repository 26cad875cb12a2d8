/** A refusal in the exchange's own words: the HTTP status and the body {code, msg}. */
export interface ExchangeError {
  readonly status: number;
  readonly code: number;
  readonly msg: string;
}

/**
 * The refusals the simulator can give; codes and texts as the exchange publishes them (spot v3, general information).
 * Four codes are choices, because no source says what the exchange answers: a reused newClientOrderId (26), a
 * LIMIT_MAKER that would take (30041), a listen key that is not there (730002), and, of three candidates, insufficient
 * balance (30004).
 */
export const ERRORS = {
  unknownOrder: refusal(-2011, 'Unknown order sent'),
  orderNotFound: refusal(-2013, 'Order does not exist.'),
  duplicateClientOrderId: refusal(26, 'operation not allowed'),
  apiKeyRequired: refusal(400, 'api key required'),
  badSymbol: refusal(10007, 'bad symbol'),
  invalidAccessKey: refusal(10072, 'invalid access key'),
  quantityPlaces: refusal(10096, 'amount decimal places too long'),
  quantityError: refusal(10097, 'amount is error'),
  quantityNotPositive: refusal(10102, 'amount zero or negative'),
  quantityMissing: refusal(10095, 'amount cannot be null'),
  insufficient: refusal(30004, 'Insufficient position'),
  priceBand: refusal(30087, 'Order price exceeds allowed range'),
  unknownListenKey: refusal(730002, 'Parameter error: listenKey'),
  tooManyListenKeys: refusal(730002, 'Parameter error: more than 60 listen keys'),
  tooManyRequests: { status: 429, code: 429, msg: 'Too Many Requests' },
  banned: { status: 418, code: 429, msg: 'Too Many Requests' },
  noPrice: refusal(30010, 'no valid trade price'),
  tooManyOrders: refusal(30029, 'Cannot exceed the maximum order limit'),
  typeNotAllowed: refusal(30041, 'current order type can not place order'),
  paramError: refusal(33333, 'param is error'),
  paramMissing: refusal(44444, 'param cannot be null'),
  apiKeyFormat: refusal(700001, 'API-key format invalid'),
  signature: refusal(700002, 'Signature for this request is not valid.'),
  timestamp: refusal(700003, 'Timestamp for this request is outside of the recvWindow.'),
  idMissing: refusal(700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"),
  recvWindow: refusal(700005, 'recvWindow must less than 60000'),
  contentType: refusal(700013, 'Invalid Content-Type'),
} as const satisfies Record<string, ExchangeError>;

export function volumeTooSmall(least: string): ExchangeError {
  return refusal(30002, `The minimum transaction volume cannot be less than: ${least}`);
}

export function volumeTooLarge(most: string): ExchangeError {
  return refusal(30003, `The maximum transaction volume cannot be greater than: ${most}`);
}

function refusal(code: number, msg: string): ExchangeError {
  return { status: 400, code, msg };
}
