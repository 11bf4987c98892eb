// Reads e-mails from standard input, a JSON object of HTML by name, and writes what breaks a rule of html-validate, or needs what
// caniemail.com says one of the mail programs below lacks: a JSON array of rule, what is said of it, and the first e-mail.
import { text } from "node:stream/consumers";
import { caniemail } from "caniemail";
import { HtmlValidate } from "html-validate";

const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*"];
const validator = new HtmlValidate({ root: true, extends: ["html-validate:recommended"] });
const found = new Map();

function add(mail, rule, says) {
  if (!found.has(rule)) found.set(rule, { rule, mail, says: new Set() });
  found.get(rule).says.add(says);
}

for (const [mail, html] of Object.entries(JSON.parse(await text(process.stdin)))) {
  for (const { messages } of (await validator.validateString(html)).results) {
    for (const m of messages) add(mail, m.ruleId, `${m.message}, line ${m.line}`);
  }
  const { errors, warnings } = caniemail({ clients, html }).issues;
  for (const [client, issues] of errors) for (const i of issues) add(mail, i.title, `not in ${client}`);
  for (const [client, issues] of warnings) for (const i of issues) add(mail, i.title, `in part in ${client}`);
}
console.log(JSON.stringify([...found.values()].map((f) => ({ ...f, says: [...f.says] }))));
