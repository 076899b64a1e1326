import { speak } from '$lib/words';
import { words } from '$lib/words/en';

speak(words);
