// Leaks in one place: remember() keeps something of every request. lookup() fills a
// cache that stops growing, parse() makes garbage.
'use strict';
const inspector = require('node:inspector');
const fs = require('node:fs');

const history = [];
const cache = new Map();

function remember(request) {
  history.push(new Array(500).fill(request.id)); // the leak
}

function lookup(key) {
  if (!cache.has(key))
    cache.set(key, new Array(250).fill(key));
  return cache.get(key);
}

function parse(text) {
  return text.split(' ').map((word) => ({word, id: word.length}));
}

function handle(id) {
  const request = parse('get the page ' + id)[3];
  lookup(id % 300);
  remember(request);
}

const session = new inspector.Session();
session.connect();
const post = (method, params) => {
  let result;
  session.post(method, params, (error, answer) => {
    if (error) throw new Error(error.message);
    result = answer;
  });
  return result;
};
post('HeapProfiler.startSampling', {samplingInterval: 16384});
for (let snapshot = 1; snapshot <= 2; snapshot++) {
  for (let i = 0; i < 1000; i++)
    handle(snapshot * 10000 + i);
  const {profile} = post('HeapProfiler.getSamplingProfile');
  fs.writeFileSync(`leak.${snapshot}.heapprofile`, JSON.stringify(profile));
}
post('HeapProfiler.stopSampling');
