/** Any name will do for a gateway that answers all of them with the local model. */
export const MODEL = 'openai/gpt-realtime-2';
