/** All that lending needs, loaded at once by who shows some of it. */
export { default as LoanList } from './LoanList.svelte';
export { default as LoanTerms } from './LoanTerms.svelte';
export { default as Offers } from './Offers.svelte';
export { default as ShareDialog } from './ShareDialog.svelte';
