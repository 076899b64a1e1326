import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isIncluded } from '$lib/activity/proof';

const hash = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const leaf = (index: number): Buffer => hash(Buffer.of(0), Buffer.from(`record ${index}`));
const node = (left: Buffer, right: Buffer): Buffer => hash(Buffer.of(1), left, right);

/** The largest power of two below `size`: where RFC 9162 splits a tree. */
const split = (size: number): number => 2 ** Math.ceil(Math.log2(size) - 1);

function rootOf(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  const at = split(leaves.length);
  return node(rootOf(leaves.slice(0, at)), rootOf(leaves.slice(at)));
}

function pathOf(index: number, leaves: Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const at = split(leaves.length);
  return index < at
    ? [...pathOf(index, leaves.slice(0, at)), rootOf(leaves.slice(at))]
    : [...pathOf(index - at, leaves.slice(at)), rootOf(leaves.slice(0, at))];
}

function proofOf(index: number, size: number) {
  const leaves = Array.from({ length: size }, (_, each) => leaf(each));
  return {
    index,
    leaf: leaf(index).toString('hex'),
    path: pathOf(index, leaves).map((each) => each.toString('hex')),
    head: { size, root: rootOf(leaves).toString('hex') }
  };
}

const sizes = [1, 2, 3, 5, 8, 13];
const cases = sizes.flatMap((size) => Array.from({ length: size }, (_, index) => [index, size] as const));

test.each(cases)('record %i of %i is in the ledger', async (index, size) => {
  const proof = proofOf(index, size);
  expect(await isIncluded(proof, proof.leaf)).toBe(true);
});

test.each(cases.filter(([, size]) => size > 1))('record %i of %i is not at another place', async (index, size) => {
  const proof = proofOf(index, size);
  expect(await isIncluded({ ...proof, index: (index + 1) % size }, proof.leaf)).toBe(false);
});

test('a proof of another record proves nothing', async () => {
  const proof = proofOf(3, 8);
  expect(await isIncluded(proof, leaf(4).toString('hex'))).toBe(false);
});

test('a path that is cut, longer or changed does not hold', async () => {
  const proof = proofOf(3, 8);
  const other = leaf(99).toString('hex');
  expect(await isIncluded({ ...proof, path: proof.path.slice(1) }, proof.leaf)).toBe(false);
  expect(await isIncluded({ ...proof, path: [...proof.path, other] }, proof.leaf)).toBe(false);
  expect(await isIncluded({ ...proof, path: [other, ...proof.path.slice(1)] }, proof.leaf)).toBe(false);
});

test('a record after the end is in no ledger', async () => {
  const proof = proofOf(3, 8);
  expect(await isIncluded({ ...proof, index: 8 }, proof.leaf)).toBe(false);
});
