// The filter above a table, whose text is in the URL, and how many rows pass it.
import type { JSX } from 'preact';
import { query, setQuery } from '../location.ts';

interface FilterBarProps {
  /** What is filtered, in the plural. */
  readonly what: string;
  readonly placeholder: string;
  readonly shown: number;
  readonly of: number;
}

export function FilterBar({ what, placeholder, shown, of }: FilterBarProps): JSX.Element {
  return (
    <search class="toolbar">
      <input
        type="search"
        aria-label={`Filter ${what}`}
        placeholder={placeholder}
        value={query.value.get('q') ?? ''}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
      />
      <span class="faint" role="status">
        {shown === of ? `${of} ${what}` : `${shown} of ${of} ${what}`}
      </span>
    </search>
  );
}
