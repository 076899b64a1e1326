import { describe, expect, test } from 'vitest';
import { browserOf } from '../../src/lib/security/agent';

describe('what a browser is called', () => {
  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0', 'Firefox on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0', 'Edge on Windows'],
    ['Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Mobile Safari/537.36', 'Chrome on Android'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15', 'Safari on macOS'],
    ['oa', 'oa'],
    ['curl/8.5.0', 'curl'],
    ['', 'A program'],
    ['x'.repeat(200), 'x'.repeat(40)]
  ])('%s', (agent, name) => {
    expect(browserOf(agent)).toBe(name);
  });
});
