// Making a rule out of a difference: what it would hide is shown before it is saved.
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import type { DifferenceCount, RulePreview } from '../answers.ts';
import { ApiError, write } from '../api.ts';
import { formatCount } from '../format.ts';
import { caller } from '../session.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A rule made at night should not outlive the migration: it ends after so many days unless somebody says otherwise. */
const DAYS = 30;

interface Choice {
  readonly list: string;
  readonly text: string;
  readonly fields: object;
}

const IGNORE: Choice = { list: 'ignore', text: 'ignore it', fields: {} };
const UNORDERED: Choice = { list: 'arrays', text: 'the order does not matter', fields: { unordered: true } };
const NUMBER: Choice = { list: 'normalise', text: '1 = 1.0 = "1.00"', fields: { as: 'number' } };
const TIMESTAMP: Choice = { list: 'normalise', text: 'the same moment, however written', fields: { as: 'timestamp' } };
const NULL: Choice = { list: 'normalise', text: 'null = absent', fields: { as: 'null-as-absent' } };

/** The rules that a difference of a kind can lead to, the mildest first. */
const CHOICES: Readonly<Record<DifferenceCount['kind'], readonly Choice[]>> = {
  changed: [NUMBER, TIMESTAMP, IGNORE],
  type: [NUMBER, TIMESTAMP, NULL, IGNORE],
  missing: [NULL, IGNORE],
  extra: [NULL, IGNORE],
  order: [UNORDERED, IGNORE],
  length: [UNORDERED, IGNORE],
};

export function askRule(route: string, difference: DifferenceCount): void {
  openDialog(() => <RuleForm route={route} difference={difference} />);
}

interface RuleFormProps {
  readonly route: string;
  readonly difference: DifferenceCount;
}

function RuleForm({ route, difference }: RuleFormProps): JSX.Element {
  const choices = CHOICES[difference.kind];
  const chosen = useSignal<Choice>(choices[0] ?? IGNORE);
  const owner = useSignal(caller.value?.name ?? '');
  const expires = useSignal(new Date(Date.now() + DAYS * DAY_MS).toISOString().slice(0, 10));
  const bodyOf = (reason: string) => {
    const { list, fields } = chosen.value;
    return { route, kind: list, path: difference.path, ...fields, owner: owner.value, expires: expires.value, reason };
  };
  return (
    <ChangeForm
      title={`A rule for ${difference.path}`}
      verb="Save the rule"
      about={`${difference.kind} at ${difference.path} is expected`}
      act={async (reason) => {
        const { etag } = await preview(bodyOf(reason));
        await write('/api/rules', { method: 'POST', body: bodyOf(reason), ...(etag ? { ifMatch: etag } : {}) });
        return `${difference.path}: the rule is in force`;
      }}
    >
      <fieldset>
        <legend>Where the sides differ here</legend>
        {choices.map((choice) => (
          <label key={choice.text} class="choice">
            <input
              type="radio"
              name="kind"
              checked={chosen.value === choice}
              onChange={() => {
                chosen.value = choice;
              }}
            />
            {choice.text}
          </label>
        ))}
      </fieldset>
      <div class="fields">
        <label>
          Owner
          <input value={owner.value} onInput={(event) => (owner.value = event.currentTarget.value)} />
        </label>
        <label>
          Last day
          <input type="date" value={expires.value} onInput={(event) => (expires.value = event.currentTarget.value)} />
        </label>
      </div>
      <Preview body={() => bodyOf('preview')} />
    </ChangeForm>
  );
}

async function preview(body: object): Promise<{ body: RulePreview; etag: string | undefined }> {
  return write<RulePreview>('/api/rules/preview', { method: 'POST', body });
}

function Preview({ body }: { readonly body: () => object }): JSX.Element {
  const found = useSignal<RulePreview | string | undefined>(undefined);
  useSignalEffect(() => {
    const asked = body();
    let isCurrent = true;
    const show = (what: RulePreview | string) => {
      if (isCurrent) found.value = what;
    };
    preview(asked).then(
      ({ body: answer }) => show(answer),
      (error) => {
        if (!(error instanceof ApiError)) throw error;
        show(error.message);
      },
    );
    return () => {
      isCurrent = false;
    };
  });
  const shown = found.value;
  if (shown === undefined) return <p class="faint">Looking at what it hides…</p>;
  if (typeof shown === 'string') return <p class="problem">{shown}</p>;
  const { hidden, of, basis, warnings } = shown;
  return (
    <div class="preview" role="status">
      <p>
        Hides <strong>{formatCount(hidden)}</strong> of {formatCount(of)} differences
        {basis === 'samples' ? ', judged by the samples that are kept' : ''}.
      </p>
      {warnings.length > 0 ? (
        <ul>
          {warnings.map((text) => (
            <li key={text}>⚠ {text}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
