/** Characters that can be searched for, as the gateway says. */
export const LONGEST_SEARCH = 200;
