// What goes over the wire, and how it is signed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cloudEvent, slackMessage } from '../../../gateway/notify/message.ts';
import type { Notice } from '../../../gateway/notify/notice.ts';
import { signatureFields } from '../../../gateway/notify/sign.ts';

const TELLER = { environment: 'prod eu', instance: 'host:1', publicUrl: 'https://banyan.example/' };

function aNotice(change: Partial<Notice> = {}): Notice {
  return {
    ...{ type: 'route.rolled_back', severity: 'critical', at: '2026-01-05T10:00:00.000Z', route: 'a.route' },
    sentence: 'a.route: rolled back to legacy by guard: new failed 12 of 40 served requests',
    data: { reason: 'new failed' },
    ...change,
  };
}

describe('a notice as a CloudEvent', () => {
  it('has the attributes of CloudEvents 1.0, the route as its subject, and a link', () => {
    const notice = aNotice();
    assert.deepEqual(JSON.parse(cloudEvent({ id: 'm1', notice }, TELLER)), {
      specversion: '1.0',
      id: 'm1',
      type: 'dev.banyan.route.rolled_back',
      source: 'urn:banyan:prod%20eu',
      time: '2026-01-05T10:00:00.000Z',
      subject: 'a.route',
      datacontenttype: 'application/json',
      data: {
        severity: 'critical',
        environment: 'prod eu',
        instance: 'host:1',
        sentence: notice.sentence,
        url: 'https://banyan.example/routes/a.route',
        reason: 'new failed',
      },
    });
  });

  it('has no subject where it is about no route, and no link where nobody said where', () => {
    const { route: _route, ...notice } = aNotice({ type: 'flags.lost' });
    const event = JSON.parse(cloudEvent({ id: 'm1', notice }, { ...TELLER, publicUrl: undefined }));
    assert.deepEqual(['subject' in event, 'url' in event.data], [false, false]);
  });

  it('leaves numbers out that are too large to be taken', () => {
    const event = cloudEvent({ id: 'm1', notice: aNotice({ data: { evidence: 'x'.repeat(70_000) } }) }, TELLER);
    assert.ok(event.length < 2_000);
    assert.equal(JSON.parse(event).data.omitted, 'the numbers are too large to be sent');
  });
});

describe('a notice for Slack', () => {
  it('is text and blocks, and can neither mention anybody nor pretend to be a link', () => {
    const { text, blocks } = JSON.parse(
      slackMessage({ id: 'm1', notice: aNotice({ sentence: '<!channel> & <https://evil.example|here>' }) }, TELLER),
    );
    const safe = '[prod eu] &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;';
    assert.equal(text, safe);
    assert.deepEqual(blocks[0], { type: 'section', text: { type: 'mrkdwn', text: `:rotating_light: ${safe}` } });
    assert.equal(
      blocks[1].elements[0].text,
      'critical · route.rolled_back · 2026-01-05T10:00:00.000Z · host:1 · <https://banyan.example/routes/a.route|console>',
    );
  });

  it('stays within what a block may hold, without cutting an escape in two', () => {
    const { blocks } = JSON.parse(slackMessage({ id: 'm1', notice: aNotice({ sentence: '&'.repeat(5_000) }) }, TELLER));
    const { text } = blocks[0].text;
    assert.ok(text.length <= 3_000, `${text.length}`);
    assert.match(text, /^:rotating_light: \[prod eu\] (?:&amp;)+…$/);
  });
});

describe("a webhook's signature", () => {
  it("is that of Standard Webhooks' own example", () => {
    // From the reference implementations' tests (standard-webhooks/standard-webhooks).
    const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    assert.deepEqual(signatureFields(message, [key], 1_614_265_330_999), {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is one for each key', () => {
    const fields = signatureFields({ id: 'm1', body: '{}' }, [Buffer.alloc(24, 1), Buffer.alloc(24, 2)], 0);
    assert.match(fields['webhook-signature'] ?? '', /^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
  });
});
