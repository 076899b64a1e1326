import type { InclusionProof } from '$lib/api/types';

/** Whether this page may hash: browsers allow it on https and on this machine alone. */
export const canCheck = (): boolean => typeof globalThis.crypto?.subtle?.digest === 'function';

/**
 * Whether a proof leads from its leaf to its head's root (RFC 9162, 2.1.3.2); hashes are hex.
 * The leaf must be the one that stands in the record.
 */
export async function isIncluded(proof: InclusionProof, leafHash: string): Promise<boolean> {
  const { index, path, head } = proof;
  if (proof.leaf !== leafHash || index < 0 || index >= head.size) return false;
  let node = fromHex(proof.leaf);
  let first = BigInt(index);
  let last = BigInt(head.size - 1);
  for (const sibling of path.map(fromHex)) {
    if (last === 0n) return false;
    if (first % 2n === 1n || first === last) {
      node = await parent(sibling, node);
      while (first % 2n === 0n && first !== 0n) {
        first /= 2n;
        last /= 2n;
      }
    } else node = await parent(node, sibling);
    first /= 2n;
    last /= 2n;
  }
  return last === 0n && toHex(node) === head.root.toLowerCase();
}

/** SHA-256 over 0x01 and both children. */
async function parent(left: Uint8Array, right: Uint8Array): Promise<Uint8Array> {
  const data = new Uint8Array(1 + left.length + right.length);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 1 + left.length);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
