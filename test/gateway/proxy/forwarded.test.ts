import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientAddress, compileForwarded, forwardedFields, plainAddress } from '../../../gateway/proxy/forwarded.ts';
import { nextHealth } from '../../../gateway/proxy/health.ts';

const CLIENT = { address: '203.0.113.7', encrypted: true, localPort: 8443 };
const PROXY = { address: '10.1.2.3', encrypted: false, localPort: 8080 };
const policy = compileForwarded('set', ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);

describe('the forwarded fields', () => {
  it('of an untrusted client are what the gateway itself knows, whatever it claims', () => {
    const forged = [
      'Host',
      'shop.example',
      'X-Forwarded-For',
      '1.1.1.1',
      'Forwarded',
      'for=1.1.1.1',
      'X-Forwarded-Proto',
      'ftp',
    ];
    assert.deepEqual(forwardedFields(forged, CLIENT, policy), [
      ...['X-Forwarded-For', '203.0.113.7', 'X-Forwarded-Proto', 'https'],
      ...['X-Forwarded-Host', 'shop.example', 'X-Forwarded-Port', '8443'],
    ]);
  });

  it('of a trusted proxy are kept, and its address appended', () => {
    const pairs = ['Host', 'internal', 'X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2'];
    pairs.push('X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'shop.example', 'Forwarded', 'for=1.1.1.1');
    assert.deepEqual(forwardedFields(pairs, PROXY, policy), [
      ...['X-Forwarded-For', '1.1.1.1, 2.2.2.2, 10.1.2.3', 'X-Forwarded-Proto', 'https'],
      ...['X-Forwarded-Host', 'shop.example', 'X-Forwarded-Port', '8080'],
      ...['Forwarded', 'for=1.1.1.1, for=10.1.2.3;proto=http;host="internal"'],
    ]);
  });

  it('quote an IPv6 address in Forwarded (RFC 7239 section 6) and leave a strange Host out', () => {
    const connection = { ...PROXY, address: '2001:db8::1' };
    const fields = forwardedFields(['Host', 'a"b', 'Forwarded', 'for=x'], connection, policy);
    assert.equal(fields.at(-1), 'for=x, for="[2001:db8::1]";proto=http');
  });

  it('are none when they are stripped', () => {
    assert.deepEqual(forwardedFields(['Host', 'x'], CLIENT, compileForwarded('strip', [])), []);
  });
});

describe("the client's address", () => {
  const through = (chain: string, connection = PROXY) => clientAddress(['X-Forwarded-For', chain], connection, policy);

  it('is the last one in the chain that is not a proxy of ours', () => {
    assert.equal(through('6.6.6.6, 203.0.113.9, 192.0.2.1, 10.9.9.9'), '203.0.113.9');
  });

  it("is the peer's own when the peer is not trusted, or the chain is empty or nonsense", () => {
    assert.equal(through('1.1.1.1', CLIENT), '203.0.113.7');
    assert.equal(clientAddress([], PROXY, policy), '10.1.2.3');
    assert.equal(through('unknown'), '10.1.2.3');
    assert.equal(through('10.0.0.1, 10.0.0.2'), '10.1.2.3');
  });

  it('shows an IPv4 address of a dual-stack socket as IPv4', () => {
    assert.equal(plainAddress('::ffff:10.1.2.3'), '10.1.2.3');
    assert.equal(plainAddress('::1'), '::1');
    assert.equal(plainAddress(undefined), '');
  });
});

describe('a health state', () => {
  const config = { path: '/', intervalMs: 1, timeoutMs: 1, healthyAfter: 2, unhealthyAfter: 3 };
  const after = (answers: string) =>
    [...answers].reduce((state, answer) => nextHealth(state, answer === '+', config), { healthy: true, against: 0 });

  it('turns only after as many answers in a row as configured', () => {
    assert.equal(after('--+--').healthy, true);
    assert.equal(after('---').healthy, false);
    assert.equal(after('---+-+').healthy, false);
    assert.equal(after('---++').healthy, true);
  });
});
