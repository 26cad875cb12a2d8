// The page: prices, a book, orders and positions of one user, live. Rows are changed in place and never taken away while they are
// read anew, so that whatever flickers on the screen is the gateway's doing.
import { followEvents, followSocket } from './follow.js';

const READ_MS = 2_000;
const ORDERS_SHOWN = 20;

const byId = (id) => document.getElementById(id);
const { url: gateway } = await (await fetch('/gateway.json')).json();
const reads = { orders: { ok: 0, failed: 0, side: '–' }, positions: { ok: 0, failed: 0, side: '–' } };
let streams = {};
let timer;

/** Writes a row's cells, making the row when there is none of this key. */
function putRow(body, key, cells) {
  let row = [...body.rows].find((each) => each.dataset.key === key);
  if (!row) {
    row = body.insertRow();
    row.dataset.key = key;
    for (const _cell of cells) row.insertCell();
  }
  for (const [index, text] of cells.entries()) {
    const cell = row.cells[index];
    if (cell.textContent !== String(text ?? '')) cell.textContent = String(text ?? '');
  }
}

/** A number as both sides mean it: one writes decimal strings, the other floats. */
const number = (value) => (value === null || value === undefined ? '' : String(Number(value)));

function putOrder(order) {
  const { order_id: id, symbol, side, quantity, status } = order;
  putRow(byId('orders'), id, [id, symbol, side, number(quantity), status]);
}

function putBook({ bid, bid_quantity: bidQuantity, ask, ask_quantity: askQuantity }) {
  putRow(byId('book'), 'ask', ['ask', number(ask), number(askQuantity)]);
  putRow(byId('book'), 'bid', ['bid', number(bid), number(bidQuantity)]);
}

/** Reads once; what was shown before stays when it fails. */
async function read(name, path, user, show) {
  const of = reads[name];
  try {
    const answer = await fetch(gateway + path, { headers: { 'x-user-id': user } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    of.side = answer.headers.get('x-banyan-side') ?? '–';
    of.ok += 1;
  } catch {
    of.failed += 1;
  }
}

async function readAll(user) {
  const at = encodeURIComponent(user);
  await Promise.all([
    read('orders', `/api/trade/orders/${at}?limit=${ORDERS_SHOWN}`, user, ({ orders }) => orders.forEach(putOrder)),
    read('positions', `/api/positions/${at}`, user, ({ positions }) => {
      for (const { symbol, quantity, entry_price: price } of positions)
        putRow(byId('positions'), symbol, [symbol, number(quantity), number(price)]);
    }),
  ]);
  tell();
}

function tell() {
  for (const [name, { counts }] of Object.entries(streams)) {
    const { messages, missed, repeated, gaps, openings, isOpen } = counts;
    document.querySelector(`[data-stream=${name}]`).textContent =
      `${isOpen ? 'live' : 'coming back'}: ${messages} messages, ${missed} missed, ${repeated} repeated, ${gaps} gaps, ` +
      `opened ${openings} times`;
  }
  for (const [name, { ok, failed, side }] of Object.entries(reads))
    document.querySelector(`[data-read=${name}]`).textContent = `by ${side}: read ${ok} times, failed ${failed}`;
}

/** Begins anew with another user or symbol. */
function begin() {
  clearInterval(timer);
  for (const { leave } of Object.values(streams)) leave();
  for (const id of ['orders', 'positions', 'book']) byId(id).replaceChildren();
  const [user, symbol] = [byId('user').value.trim(), byId('symbol').value.trim()];
  streams = {
    ticker: followEvents(`${gateway}/api/sse/price/${encodeURIComponent(symbol)}`, ({ data }) => {
      byId('price').textContent = number(data.price);
    }),
    book: followSocket(gateway, { channel: 'market', token: symbol }, ({ data }) => putBook(data)),
    orders: followEvents(`${gateway}/api/sse/orders/${encodeURIComponent(user)}`, ({ data }) => putOrder(data)),
  };
  timer = setInterval(() => void readAll(user), READ_MS);
  void readAll(user);
}

for (const id of ['user', 'symbol']) byId(id).addEventListener('change', begin);
setInterval(tell, READ_MS / 4);
begin();

/** What a test looks at. */
globalThis.page = {
  streams: () => Object.fromEntries(Object.entries(streams).map(([name, { counts }]) => [name, { ...counts }])),
  reads: () => structuredClone(reads),
};
