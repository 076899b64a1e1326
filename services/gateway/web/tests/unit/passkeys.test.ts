import { describe, expect, test } from 'vitest';
import { whyNoPasskeys } from '../../src/lib/security/passkeys';
import { words } from '../../src/lib/words';

describe('whether a browser can have passkeys where the page is open', () => {
  test.each([
    ['http:', 'localhost', ''],
    ['https:', 'house.example', ''],
    ['http:', 'house.localhost', ''],
    ['http:', 'house.example', words.passkeys.noTls],
    ['http:', 'notlocalhost', words.passkeys.noTls],
    ['http:', '127.0.0.1', words.passkeys.noName],
    ['https:', '192.168.1.20', words.passkeys.noName],
    ['https:', '[::1]', words.passkeys.noName]
  ])('%s//%s', (protocol, hostname, why) => {
    expect(whyNoPasskeys({ protocol, hostname }, true)).toBe(why);
  });

  test('a browser without them says so', () => {
    expect(whyNoPasskeys({ protocol: 'https:', hostname: 'house.example' }, false)).toBe(words.passkeys.noBrowser);
  });
});
