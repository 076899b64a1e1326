import type { HandleClientError } from '@sveltejs/kit';
import { Problem } from '$lib/api/problem';

/** Says on the error page what the server said. */
export const handleError: HandleClientError = ({ error, message }) => ({
  message: error instanceof Problem ? error.message : message,
  ...(error instanceof Problem && error.title ? { title: error.title } : {})
});
