// fetch.mjs URL PAGES: node's fetch.
const [url, pages] = [process.argv[2], Number(process.argv[3])];
let sum = 0;
const begin = process.cpuUsage();
for (let page = 1; page <= pages; page++) {
  const answer = await (await fetch(`${url}?number=${page}`)).json();
  for (const user of answer.users) for (const account of user.accounts) sum += account.amount;
}
const used = process.cpuUsage(begin);
console.log(`${((used.user + used.system) / 1e6 / pages).toFixed(9)} ${sum.toFixed(2)}`);
