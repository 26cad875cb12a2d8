import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkAfter } from '../../../gateway/ledger/audit-chain.ts';
import { CSV_HEADER, csvRow } from '../../../gateway/operator/audit-csv.ts';
import { auditEntry } from '../../contracts/ledger.ts';

describe('the audit log as CSV', () => {
  it('has a header, and one record an entry that ends with CRLF', () => {
    assert.equal(
      CSV_HEADER,
      'id,at,actor,source,action,scope,reason,before,after,evidence,requestId,instance,prev,hash\r\n',
    );
    const entry = linkAfter(undefined, auditEntry({ before: null, after: { b: 1, a: 'x' }, requestId: 'r' }));
    assert.equal(
      csvRow(entry),
      `1,2026-01-01T00:00:00.000Z,ops,api,stage,a.route,because,,"{""a"":""x"",""b"":1}",,r,host:1,${entry.prev},${entry.hash}\r\n`,
    );
  });

  it('quotes what has commas, quotes or line ends, and defuses what a spreadsheet would compute', () => {
    const cellOf = (reason: string) => {
      const row = csvRow(linkAfter(undefined, auditEntry({ reason })));
      return row.slice(row.indexOf('a.route,') + 8, row.indexOf(',"{""percent""'));
    };
    for (const [reason, cell] of [
      ['a,b', '"a,b"'],
      ['say "no"', '"say ""no"""'],
      ['two\r\nlines', '"two\r\nlines"'],
      ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
      ['+1', "'+1"],
      ['-1', "'-1"],
      ['@SUM(A1)', "'@SUM(A1)"],
      ['\t=1', "'\t=1"],
      ['\r=1', '"\'\r=1"'],
      ['＝1', "'＝1"],
      ['1=1', '1=1'],
    ] as const) {
      assert.equal(cellOf(reason), cell);
    }
  });
});
