// Holds answers against the description that the same service serves:
//   node openapi_check.cjs FILE
// FILE is JSON: {"document": {...}, "answers": [{"method", "path", "status", "headers", "body"}]}, header names in lower
// case, the body as text; a request that a callback is has the member "callback": the path of its create request.
// Prints a line "wrong ..." for each problem and a line "unseen METHOD PATH STATUS" for each answer that is described
// and not among the answers. Ends with status 1 when something is wrong.
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const packages = createRequire(path.resolve(__dirname, "../../build/npm/package.json"));
const Ajv = packages("ajv/dist/2020").default;
const addFormats = packages("ajv-formats");

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
let wrong = 0;

function complain(...words) {
  wrong += 1;
  console.log("wrong", ...words);
}

async function check_document(document) {
  const { Validator } = await import(packages.resolve("@seriousme/openapi-schema-validator"));
  const validator = new Validator();
  const verdict = await validator.validate(structuredClone(document));
  if (!verdict.valid) complain("document:", JSON.stringify(verdict.errors));
  else if (validator.version !== "3.1") complain("document: OpenAPI", validator.version);
}

function escape_pointer(word) {
  return word.replace(/~/g, "~0").replace(/\//g, "~1");
}

class Description {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, "openapi");
    this.validators = new Map();
    this.templates = Object.keys(document.paths).map((template) => ({
      template,
      pattern: new RegExp("^" + template.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+") + "$"),
    }));
    this.seen = new Set();
  }

  // Follows a $ref; answers the thing and where it is.
  follow(pointer) {
    let place = this.document;
    for (const word of pointer.slice(1)) place = place[word];
    if (place?.$ref === undefined) return { place, pointer };
    return this.follow(["#", ...place.$ref.slice(2).split("/").map((w) => w.replace(/~1/g, "/").replace(/~0/g, "~"))]);
  }

  check_schema(name, pointer, value) {
    const reference = "openapi#/" + pointer.slice(1).map(escape_pointer).map(encodeURIComponent).join("/");
    if (!this.validators.has(reference)) this.validators.set(reference, this.ajv.compile({ $ref: reference }));
    const validate = this.validators.get(reference);
    if (!validate(value)) complain(name, this.ajv.errorsText(validate.errors));
  }

  // An answer to HEAD has the headers of the one to GET, and no body.
  check_body(name, pointer, place, answer) {
    const type = answer.headers["content-type"];
    if (answer.method !== "HEAD") return this.check_content(name, pointer, place, type, answer.body);
    if (answer.body) complain(name, "an answer to HEAD has a body");
    if (place.content[(type ?? "").split(";")[0]] === undefined) complain(name, "media type", type, "is not described");
  }

  check_content(name, pointer, place, type, body) {
    const media = (type ?? "").split(";")[0];
    if (place.content[media] === undefined) return complain(name, "media type", media, "is not described");
    let value = body;
    if (media === "application/json") {
      try {
        value = JSON.parse(body);
      } catch (error) {
        return complain(name, "no JSON:", body.slice(0, 200));
      }
    }
    this.check_schema(name, [...pointer, "content", media, "schema"], value);
  }

  check_headers(name, place, pointer, headers) {
    for (const header of Object.keys(place.headers ?? {})) {
      const { place: described, pointer: at } = this.follow([...pointer, "headers", header]);
      const value = headers[header.toLowerCase()];
      if (value !== undefined) this.check_schema(`${name} ${header}`, [...at, "schema"], value);
      else if (described.required) complain(name, "the header", header, "is missing");
    }
  }

  template_of(target) {
    const found = this.templates.find(({ pattern }) => pattern.test(target.split("?")[0]));
    return found?.template;
  }

  // Where an answer is described: at its method; else, as another method's, at those that the path has; else for all paths.
  responses_for(answer) {
    const template = this.template_of(answer.path);
    const item = this.document.paths[template];
    if (item === undefined) return [{ responses: ["#", "x-elsewhere", "responses"] }];
    const method = answer.method.toLowerCase();
    const methods = item[method] ? [method] : METHODS.filter((each) => item[each]);
    return methods.map((each) => ({
      name: `${each.toUpperCase()} ${template} ${answer.status}`,
      responses: ["#", "paths", template, each, "responses"],
    }));
  }

  check_answer(answer) {
    const title = `${answer.method} ${answer.path} ${answer.status}:`;
    for (const { name, responses } of this.responses_for(answer)) {
      const { place, pointer } = this.follow([...responses, String(answer.status)]);
      if (place === undefined) {
        complain(title, "the status is not described");
        continue;
      }
      this.seen.add(name);
      this.check_headers(title, place, pointer, answer.headers);
      this.check_body(title, pointer, place, answer);
    }
  }

  check_callback(answer) {
    const pointer = ["#", "paths", answer.callback, "post", "callbacks", "ready", "{$request.body#/callbackURL}", "post", "requestBody"];
    const { place } = this.follow(pointer);
    this.check_content(`callback of ${answer.callback}:`, pointer, place, answer.headers["content-type"], answer.body);
  }

  * unseen() {
    for (const [template, item] of Object.entries(this.document.paths))
      for (const method of METHODS)
        for (const status of Object.keys(item[method]?.responses ?? {})) {
          const name = `${method.toUpperCase()} ${template} ${status}`;
          if (!this.seen.has(name)) yield name;
        }
  }
}

async function main(file) {
  const { document, answers } = JSON.parse(fs.readFileSync(file, "utf8"));
  await check_document(document);
  const description = new Description(document);
  for (const answer of answers) {
    if (answer.callback) description.check_callback(answer);
    else description.check_answer(answer);
  }
  for (const name of description.unseen()) console.log("unseen", name);
  process.exitCode = wrong > 0 ? 1 : 0;
}

main(process.argv[2]);
