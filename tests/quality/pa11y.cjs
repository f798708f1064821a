// Runs pa11y with HTML_CodeSniffer, WCAG 2 AA, in one browser over the addresses on the standard input, one a line;
// writes a line of JSON for each. node pa11y.cjs MODULES CHROMIUM FLAGS...
const { createInterface } = require("node:readline");
const { createRequire } = require("node:module");

const [modules, executablePath, ...args] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const pa11y = load("pa11y");
const puppeteer = load("puppeteer");

(async () => {
  const browser = await puppeteer.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    const viewport = { width: 390, height: 844 };
    for await (const url of createInterface({ input: process.stdin })) {
      const { issues } = await pa11y(url, { browser, page, viewport, runners: ["htmlcs"], standard: "WCAG2AA" });
      const told = issues.map(({ code, message, selector }) => `${code}: ${message} - at ${selector}`);
      process.stdout.write(`${JSON.stringify([url, told])}\n`);
    }
  } finally {
    await browser.close();
  }
})();
