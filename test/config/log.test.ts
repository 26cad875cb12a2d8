import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../config/log.ts';

test('secrets at the top, one level down and in headers, then none of them is written', () => {
  const lines: string[] = [];
  const log = createLogger({ name: 'thing', level: 'info', stream: { write: (line) => void lines.push(line) } });
  log.info(
    { apiKey: 'S1', exchange: { secretKey: 'S2' }, headers: { authorization: 'S3', cookie: 'S4', 'set-cookie': 'S5' } },
    'hello',
  );
  log.info({ signature: 'S6', config: { token: 'S7', password: 'S8' }, headers: { 'x-mexc-apikey': 'S9' } }, 'again');
  log.debug('not at this level');
  assert.equal(lines.length, 2);
  assert.doesNotMatch(lines.join(''), /S\d/);
  const { level, name, msg, time } = JSON.parse(lines[0] ?? '{}');
  assert.deepEqual([level, name, msg], ['info', 'thing', 'hello']);
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('many loggers in one process, then what it does at its end is not more', () => {
  createLogger({ name: 'first', level: 'silent' });
  const before = process.listenerCount('exit');
  for (let i = 0; i < 20; i++) createLogger({ name: `thing ${i}`, level: 'silent' });
  assert.equal(process.listenerCount('exit'), before);
});
