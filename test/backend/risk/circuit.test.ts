import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCircuit } from '../../../backend/risk/circuit.ts';
import { createCircuits } from '../../../backend/risk/circuits.ts';

const SETTINGS = { windowMs: 1000, triesMin: 4, failureShare: 0.5, pauseMs: 500 };

test('half of enough tries failed, then open for the pause, then closed with a clean sheet', () => {
  let nowMs = 0;
  const circuit = createCircuit(SETTINGS, () => nowMs);
  for (const failed of [true, true, false]) circuit.record(failed);
  assert.equal(circuit.isOpen(), false, 'three tries say nothing');
  circuit.record(false);
  assert.equal(circuit.isOpen(), true);
  nowMs = 499;
  assert.equal(circuit.isOpen(), true);
  nowMs = 500;
  assert.equal(circuit.isOpen(), false);
  circuit.record(true);
  assert.equal(circuit.isOpen(), false);
});

test('failures older than the window do not count', () => {
  let nowMs = 0;
  const circuit = createCircuit(SETTINGS, () => nowMs);
  for (let i = 0; i < 3; i++) circuit.record(true);
  nowMs = 1100;
  for (let i = 0; i < 3; i++) circuit.record(false);
  circuit.record(true);
  assert.equal(circuit.isOpen(), false);
});

test('the exchange failing stops everybody, its refusals stop the one who is refused', () => {
  const circuits = createCircuits({ errors: SETTINGS, rejects: SETTINGS }, () => 0);
  const refused = { kind: 'rejected', reason: 'invalid_order', code: 1, detail: 'no' } as const;
  for (let i = 0; i < 4; i++) circuits.record('bad', refused);
  assert.ok(circuits.open('bad'));
  assert.equal(circuits.open('good'), undefined);
  for (let i = 0; i < 4; i++) circuits.record('bad', { kind: 'unknown', detail: '' });
  assert.equal(circuits.open('good'), 'the exchange fails too often');
});
