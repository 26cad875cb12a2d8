import type { JSX } from 'preact';
import { setQuery } from '../location.ts';
import { type Order, orderText } from '../table-filter.ts';

interface SortableHeadProps {
  readonly column: { readonly id: string; readonly title: string; readonly hint?: string };
  readonly order: Order;
}

/** A column's head that sorts by it, and turns the order round when it does already. The order is in the URL. */
export function SortableHead({ column, order }: SortableHeadProps): JSX.Element {
  const isBy = order.column === column.id;
  const next = orderText({ column: column.id, descending: isBy && !order.descending });
  return (
    <th scope="col" aria-sort={isBy ? (order.descending ? 'descending' : 'ascending') : undefined} class={column.id}>
      <button type="button" class="head" title={column.hint} onClick={() => setQuery({ sort: next })}>
        {column.title}
        <span aria-hidden="true">{isBy ? (order.descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}
