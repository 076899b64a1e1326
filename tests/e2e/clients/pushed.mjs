/**
 * What a browser does with a push: decrypts it with the keys of its subscription (http_ece, written by others).
 *
 * node pushed.mjs BODY PRIVATE_KEY AUTH (all base64url); prints what it says.
 */
import { createECDH } from 'node:crypto';
import ece from 'http_ece';

const [body, secret, auth] = process.argv.slice(2).map((each) => Buffer.from(each, 'base64url'));
const keys = createECDH('prime256v1');
keys.setPrivateKey(secret);
const plain = ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: auth.toString('base64url') });
process.stdout.write(plain.toString());
