// Verifies each message of a JSON list on stdin, and prints what the library says of each.
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';

const verdicts = JSON.parse(readFileSync(0, 'utf8')).map(({ secret, body, headers }) => {
  try {
    return new Webhook(secret).verify(body, headers);
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(verdicts));
